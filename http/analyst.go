package http

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

type eventsInput struct {
	After   string        `query:"after" maxLength:"20" doc:"Only what lies behind this position; the through of the page before"`
	Kinds   []events.Kind `query:"kind" maxItems:"60" doc:"Only these kinds: session_started,session_ended"`
	Actor   string        `query:"actor" maxLength:"60" doc:"Only what this account, or system:worker, caused"`
	Session string        `query:"session" maxLength:"26"`
	Since   time.Time     `query:"since"`
	Until   time.Time     `query:"until" doc:"Exclusive"`
	Limit   int           `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type eventsOutput struct {
	Body struct {
		Events  []ClearEvent    `json:"events" nullable:"false"`
		Through events.Position `json:"through" doc:"The log was looked through up to here: after of the next page"`
		More    bool            `json:"more" doc:"There is more behind it, though a page may be short or empty"`
	}
}

type sessionEventsInput struct {
	Session string `path:"session"`
}

type sessionEventsOutput struct {
	Body struct {
		Events []ClearEvent `json:"events" nullable:"false"`
	}
}

type contentInput struct {
	Session string `path:"session"`
	Body    struct {
		Reason string `json:"reason" maxLength:"500" doc:"Why it is read; the learner sees it"`
	}
}

type contentOutput struct {
	Body struct {
		Events []OpenedEvent   `json:"events" nullable:"false"`
		Noted  events.Position `json:"noted" doc:"Where this reading stands on the learner's audit trail"`
	}
}

func (s *Server) analystRoutes() {
	restricted(s, toAnalyst, huma.Operation{OperationID: "events", Method: http.MethodGet, Path: "/api/events",
		Summary: "The event stream in the clear, page by page"}, s.events)
	restricted(s, toAnalyst, huma.Operation{OperationID: "session-events", Method: http.MethodGet, Path: "/api/events/{session}",
		Summary: "One session's events in the clear"}, s.sessionEvents)
	restricted(s, toAnalyst, huma.Operation{OperationID: "session-content", Method: http.MethodPost, Path: "/api/events/{session}/content",
		Summary: "One session's events with what was said, if its learner has granted it; the reading is noted first"}, s.sessionContent)
}

func (s *Server) events(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	f := events.Filter{Kinds: in.Kinds, Actor: events.Actor(in.Actor), Since: in.Since, Until: in.Until, Limit: in.Limit}
	var err error
	if in.After != "" {
		if f.After, err = events.ParsePosition(in.After); err != nil {
			return nil, err
		}
	}
	if in.Session != "" {
		if f.Session, err = events.ParseID[events.SessionID](in.Session); err != nil {
			return nil, err
		}
	}
	found, err := s.doors.Browser.Browse(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Through, out.Body.More = found.Through, found.More
	out.Body.Events, err = s.stillOpen(ctx, found.Events)
	return out, err
}

// stillOpen leaves out the sessions that were asked to be deleted, but for that
// they were.
func (s *Server) stillOpen(ctx context.Context, found []events.Event) ([]ClearEvent, error) {
	asked := map[events.SessionID]bool{}
	for _, e := range found {
		if e.Aggregate.Kind == events.KindOfSession {
			asked[events.SessionID(e.Aggregate.ID)] = true
		}
	}
	open, err := s.doors.Views.OpenSessions(ctx, asked)
	if err != nil {
		return nil, err
	}
	deleted, err := s.doors.Browser.Deleted(ctx, slices.Collect(maps.Keys(open))...) // as in notDeleted
	if err != nil {
		return nil, err
	}
	shown := make([]ClearEvent, 0, len(found))
	for _, e := range found {
		isOfSession := e.Aggregate.Kind == events.KindOfSession
		if isOfSession && !(open[events.SessionID(e.Aggregate.ID)] && !deleted[events.SessionID(e.Aggregate.ID)]) && !tellsOfDeletion(e.Body) {
			continue
		}
		clear, err := forAnalysts(e)
		if err != nil {
			return nil, err
		}
		shown = append(shown, clear)
	}
	return shown, nil
}

func tellsOfDeletion(body events.Body) bool {
	kind := body.Kind()
	return kind == events.KindSessionDeleteRequested || kind == events.KindSessionErased
}

// sessionEvents reads the session from the log, whole, and opens nothing.
func (s *Server) sessionEvents(ctx context.Context, in *sessionEventsInput) (*sessionEventsOutput, error) {
	id, err := events.ParseID[events.SessionID](in.Session)
	if err != nil {
		return nil, noSession(err)
	}
	out := &sessionEventsOutput{}
	session := events.NewSession(id)
	out.Body.Events = []ClearEvent{}
	for f := (events.Filter{Session: id, Limit: events.MaxBrowse}); ; {
		page, err := s.doors.Browser.Browse(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			session.Evolve(e)
			clear, err := forAnalysts(e)
			if err != nil {
				return nil, err
			}
			out.Body.Events = append(out.Body.Events, clear)
		}
		if f.After = page.Through; !page.More {
			break
		}
	}
	return out, session.Open(session.Learner)
}

// sessionContent gives what was said, once it is stored that it is read. Grant
// and words come from one look at the log.
func (s *Server) sessionContent(ctx context.Context, in *contentInput) (*contentOutput, error) {
	id, err := events.ParseID[events.SessionID](in.Session)
	if err != nil {
		return nil, noSession(err)
	}
	evs, err := s.doors.Log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	disclosed := events.NewDisclosure(id)
	for _, e := range evs {
		disclosed.Evolve(e)
	}
	if err := disclosed.Readable(s.doors.Now()); err != nil {
		return nil, err
	}
	out := &contentOutput{}
	out.Body.Noted, err = s.kept(ctx, disclosed.Learner, in.Body.Reason, &events.ContentRead{
		Session: id, Through: evs[len(evs)-1].Position, Reason: in.Body.Reason, Address: prefixOf(ctx),
	})
	if err != nil {
		return nil, err
	}
	out.Body.Events = make([]OpenedEvent, len(evs))
	for i, e := range evs {
		if out.Body.Events[i], err = openedOf(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}
