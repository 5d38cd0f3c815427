package http

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// GrantState is whether analysts may read what was said in a session.
type GrantState struct {
	Until    *time.Time      `json:"until" doc:"Until when; null when they may not"`
	Position events.Position `json:"position,omitempty"`
}

type grantInput struct {
	ID   string `path:"id"`
	Body struct {
		Until time.Time `json:"until" doc:"At most 90 days from now"`
	}
}

type grantRef struct {
	ID string `path:"id"`
}

type grantOutput struct{ Body GrantState }

func (s *Server) grantRoutes() {
	const path = "/api/sessions/{id}/grant"
	owned(s, huma.Operation{OperationID: "grant", Method: http.MethodGet, Path: path,
		Summary: "May analysts read what was said in this session?"}, s.grant)
	owned(s, huma.Operation{OperationID: "give-grant", Method: http.MethodPut, Path: path,
		Summary: "Let analysts read what was said, until an end; each reading shows in my audit"}, s.giveGrant)
	owned(s, huma.Operation{OperationID: "withdraw-grant", Method: http.MethodDelete, Path: path,
		Summary: "Let nobody read it any more"}, s.withdrawGrant)
}

func (s *Server) grant(ctx context.Context, in *grantRef) (*grantOutput, error) {
	return s.onDisclosure(ctx, in.ID, func(d *events.Disclosure) ([]events.Event, error) { return nil, d.Open(caller(ctx)) })
}

func (s *Server) giveGrant(ctx context.Context, in *grantInput) (*grantOutput, error) {
	return s.onDisclosure(ctx, in.ID, func(d *events.Disclosure) ([]events.Event, error) {
		return d.Grant(caller(ctx), in.Body.Until, s.doors.Now())
	})
}

func (s *Server) withdrawGrant(ctx context.Context, in *grantRef) (*grantOutput, error) {
	return s.onDisclosure(ctx, in.ID, func(d *events.Disclosure) ([]events.Event, error) { return d.Withdraw(caller(ctx)) })
}

// onDisclosure decides about a session's grant, and says how it is then.
func (s *Server) onDisclosure(ctx context.Context, session string, decide func(*events.Disclosure) ([]events.Event, error)) (*grantOutput, error) {
	id, err := events.ParseID[events.SessionID](session)
	if err != nil {
		return nil, noSession(err)
	}
	d := events.NewDisclosure(id)
	at, err := events.Execute(ctx, s.doors.Log, id.Aggregate(), d, s.stamp(ctx), decide)
	if err != nil {
		return nil, err
	}
	out := &grantOutput{GrantState{Position: at}}
	if d.Readable(s.doors.Now()) == nil {
		out.Body.Until = &d.Granted.Until
	}
	return out, nil
}
