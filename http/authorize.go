package http

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"parley/events"
)

// access says who may call an operation. Each one declares it where it is
// registered; [Server.admit] alone decides, before the input is read, and what it
// decided stands for a moment where a page asks over and over (standing.go).
//
// Whose an object is has its one rule too ([events.Session.Open], and the same
// comparison in the read models), but is asked with the state that the
// operation decides from or answers with: a look before that could be out of
// date by then.
type access string

const (
	toAnyone   access = "anyone"
	toSignedIn access = "signed_in" // about the caller herself
	toOwner    access = "owner"     // of what the path names; for all others it is not there
	toLearner  access = "learner"
	toAnalyst  access = "analyst"
	toOperator access = "operator"
)

// roleFor is the role that an access asks for.
var roleFor = map[access]events.Role{
	toLearner: events.RoleLearner, toAnalyst: events.RoleAnalyst, toOperator: events.RoleOperator,
}

// admit decides whether the bearer of a sign-in's token may call, and keeps who
// it is. The account is read from the log at each call, so that a role that was
// withdrawn, or an erasure that was asked for, counts at once and everywhere.
// Errors: CodeUnauthenticated; CodeForbidden without the role, which is no
// secret, since the routes are public knowledge.
func (s *Server) admit(ctx context.Context, to access, token string) (context.Context, error) {
	if to == toAnyone {
		return ctx, nil
	}
	in, err := s.whose(ctx, token)
	if err != nil {
		return ctx, err
	}
	err = s.holds(ctx, in.Account, roleFor[to])
	return context.WithValue(ctx, callerKey{}, in), err
}

// holds tells whether an account is there and holds a role; none is everybody's.
// Errors: CodeUnauthenticated, CodeForbidden.
func (s *Server) holds(ctx context.Context, account events.AccountID, role events.Role) error {
	who, err := s.doors.Accounts.Find(ctx, account)
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return events.Errorf(events.CodeUnauthenticated, "this account is gone")
	case err != nil:
		return err
	case role != "" && !who.Roles[role]:
		return events.Errorf(events.CodeForbidden, "this needs the role %s", role)
	}
	return nil
}

// admission decides whether the bearer of a sign-in's token may call, and keeps who
// it is.
type admission func(ctx context.Context, token string) (context.Context, error)

// admits is admit for one access.
func (s *Server) admits(to access) admission {
	return func(ctx context.Context, token string) (context.Context, error) { return s.admit(ctx, to, token) }
}

// admitting is an admission for operations.
func (s *Server) admitting(name string, admit admission) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		var token string
		if cookie, err := huma.ReadCookie(ctx, s.cookieName); err == nil {
			token = cookie.Value
		}
		known, err := admit(ctx.Context(), token)
		if err != nil {
			p := s.refuse(ctx.Context(), name, err)
			ctx.SetHeader("Content-Type", p.ContentType(""))
			ctx.SetStatus(p.Status)
			writeJSON(ctx.BodyWriter(), p)
			return
		}
		next(huma.WithContext(ctx, known))
	}
}

// accessExtension is where the contract says who may call an operation.
const accessExtension = "x-access"

// declare writes into an operation who may call it.
func (s *Server) declare(op *huma.Operation, to access) {
	op.Extensions = map[string]any{accessExtension: string(to)}
	if to != toAnyone {
		op.Security = []map[string][]string{{"cookie": {}}}
	}
	s.declared[op.Method+" "+op.Path] = to
}

// restricted registers an operation for those to whom it is declared.
func restricted[I, O any](s *Server, to access, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	registered(s, to, op, s.admits(to), operate)
}

// registered registers an operation and who decides about its callers.
func registered[I, O any](s *Server, to access, op huma.Operation, admit admission, operate func(context.Context, *I) (*O, error)) {
	s.declare(&op, to)
	bound(&op)
	op.Middlewares = append(op.Middlewares, s.admitting(op.OperationID, admit))
	huma.Register(s.api, op, handled(s, op.OperationID, operate))
}

// open registers an operation that needs nobody signed in.
func open[I, O any](s *Server, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	restricted(s, toAnyone, op, operate)
}

// private registers an operation about the signed-in caller herself.
func private[I, O any](s *Server, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	restricted(s, toSignedIn, op, operate)
}

// owned registers an operation on an object of the caller's.
func owned[I, O any](s *Server, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	restricted(s, toOwner, op, operate)
}

// Route is one way in.
type Route struct {
	Method string
	Path   string // with {parameters}
	Access string // who may call it; empty for pages and probes, which are nobody's
}

// Routes lists every way in that the router knows, also those that the
// contract does not describe.
func (s *Server) Routes() ([]Route, error) {
	var all []Route
	err := chi.Walk(s.router, func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path = strings.ReplaceAll(path, "/*/", "/")
		all = append(all, Route{method, path, string(s.declared[method+" "+path])})
		return nil
	})
	return all, err
}
