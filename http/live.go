package http

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"parley/events"
)

// SessionChanged says that one of the caller's sessions changed.
type SessionChanged struct {
	ID       events.SessionID `json:"id"`
	Status   events.Status    `json:"status" enum:"active,ended,uploading,finalizing,saved,needs_attention"`
	Reason   string           `json:"reason,omitempty"`
	Deleted  bool             `json:"deleted"`
	Position events.Position  `json:"position"`
}

// Resync says that changes were missed: read again what is shown.
type Resync struct {
	Because string `json:"because"`
}

// Alive keeps proxies from closing a quiet stream.
type Alive struct {
	At time.Time `json:"at"`
}

// Gone is the last message: the caller's account was closed.
type Gone struct {
	Because string `json:"because"`
}

// heartbeat is how long a live stream stays silent at most.
const heartbeat = 20 * time.Second

func (s *Server) liveRoutes() {
	op := huma.Operation{
		OperationID: "live", Method: http.MethodGet, Path: "/api/live", Summary: "Changes of my sessions, as server-sent events",
		Middlewares: huma.Middlewares{s.admitting("live", toSignedIn)},
	}
	s.declare(&op, toSignedIn)
	sse.Register(s.api, op, map[string]any{"session": SessionChanged{}, "resync": Resync{}, "alive": Alive{}, "gone": Gone{}}, s.live)
}

func (s *Server) live(ctx context.Context, _ *struct{}, send sse.Sender) {
	changes, cancel := s.doors.Changes.Subscribe(caller(ctx))
	defer cancel()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	if send.Data(Alive{s.doors.Now().UTC()}) != nil {
		return
	}
	for {
		var message any
		select {
		case <-ctx.Done():
			return
		case <-s.closing:
			return
		case now := <-beat.C:
			message = Alive{now.UTC()}
		case change, open := <-changes:
			switch {
			case !open:
				return
			case change.Resync:
				message = Resync{"too many changes at once"}
			default:
				message = SessionChanged{change.Session, change.Status, change.Reason, change.Deleted, change.Position}
			}
		}
		if events.CodeOf(s.holds(ctx, caller(ctx), "")) == events.CodeUnauthenticated {
			message = Gone{"this account was closed"}
		}
		if _, last := message.(Gone); send.Data(message) != nil || last {
			return // else the browser is gone
		}
	}
}
