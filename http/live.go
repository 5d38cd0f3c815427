package http

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"parley/events"
	"parley/projections"
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

// Gone is the last message: the caller's account was closed, or her sign-in ended.
type Gone struct {
	Because string `json:"because"`
}

// heartbeat is how long a live stream stays silent at most.
const heartbeat = 20 * time.Second

const signedOut = "this browser was signed out"

func (s *Server) liveRoutes() {
	op := huma.Operation{
		OperationID: "live", Method: http.MethodGet, Path: "/api/live", Summary: "Changes of my sessions, as server-sent events",
		Middlewares: huma.Middlewares{s.admitting("live", s.admits(toSignedIn))},
	}
	s.declare(&op, toSignedIn)
	sse.Register(s.api, op, map[string]any{"session": SessionChanged{}, "resync": Resync{}, "alive": Alive{}, "gone": Gone{}}, s.live)
}

// live ends with the sign-in that it was begun by, wherever that is ended.
func (s *Server) live(ctx context.Context, _ *struct{}, send sse.Sender) {
	in := callerIn(ctx)
	ended, unwatch, err := s.doors.SignIns.Watch(ctx, in.Account, in.Browser)
	if err != nil {
		s.logger.WarnContext(ctx, "a live stream is not begun; its browser comes back", "error", err)
		return
	}
	defer unwatch()
	changes, cancel := s.doors.Changes.Subscribe(in.Account)
	defer cancel()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	heard := hearing{changes, ended, beat.C}
	for message := any(Alive{s.doors.Now().UTC()}); message != nil; message = s.next(ctx, in, heard) {
		if events.CodeOf(s.holds(ctx, in.Account, "")) == events.CodeUnauthenticated {
			message = Gone{"this account was closed"}
		}
		if _, last := message.(Gone); send.Data(message) != nil || last {
			return // else the browser is gone
		}
	}
}

// hearing is what a live stream waits for.
type hearing struct {
	changes <-chan projections.Change
	ended   <-chan struct{}
	beat    <-chan time.Time
}

// next waits for the next message; nil when there will be none.
func (s *Server) next(ctx context.Context, in events.SignIn, heard hearing) any {
	select {
	case <-ctx.Done():
		return nil
	case <-s.closing:
		return nil
	case <-heard.ended:
		return Gone{signedOut}
	case now := <-heard.beat:
		if there, err := s.doors.SignIns.Has(ctx, in.Account, in.Browser); err == nil && !there {
			return Gone{signedOut}
		}
		return Alive{now.UTC()}
	case change, open := <-heard.changes:
		switch {
		case !open:
			return nil
		case change.Resync:
			return Resync{"too many changes at once"}
		}
		return SessionChanged{change.Session, change.Status, change.Reason, change.Deleted, change.Position}
	}
}
