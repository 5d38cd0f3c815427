package http

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// raw registers a route whose body is no JSON. Like an operation it stands in
// the contract and says who may call it, and its error becomes a problem.
// GET answers HEAD too.
func (s *Server) raw(r chi.Router, to access, method, path, name, summary string, serve func(http.ResponseWriter, *http.Request) error) {
	op := &huma.Operation{
		OperationID: name, Method: method, Path: path, Summary: summary,
		Responses: map[string]*huma.Response{"default": {Description: "A problem document, or the bytes"}},
	}
	s.declare(op, to)
	s.api.OpenAPI().AddOperation(op)
	handler := s.rawHandler(to, name, serve)
	r.Method(method, path, handler)
	if method == http.MethodGet {
		r.Head(path, handler)
		s.declared[http.MethodHead+" "+path] = to
	}
}

func (s *Server) rawHandler(to access, name string, serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var token string
		if cookie, err := r.Cookie(s.cookieName); err == nil {
			token = cookie.Value
		}
		ctx, err := s.admit(r.Context(), to, token)
		if err == nil {
			err = serve(w, r.WithContext(ctx))
		}
		if err != nil {
			writeProblem(w, s.refuse(r.Context(), name, err))
		}
	}
}

// refuse makes the problem of an error, and its one line in the log.
func (s *Server) refuse(ctx context.Context, name string, err error) *Problem {
	p := problemOf(err)
	level := slog.LevelInfo
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.logger.Log(ctx, level, "refused", "operation", name, "code", p.Code, "status", p.Status, "error", err)
	return p
}
