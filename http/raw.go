package http

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// raw serves a route whose body is no JSON: it signs the caller in, and turns
// the handler's error into a problem, like an operation.
func (s *Server) raw(name string, serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var token string
		if cookie, err := r.Cookie(s.cookieName); err == nil {
			token = cookie.Value
		}
		account, err := s.whose(r.Context(), token)
		if err == nil {
			err = serve(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, account)))
		}
		if err == nil {
			return
		}
		p := s.refuse(r.Context(), name, err)
		writeProblem(w, p)
	}
}

// document puts a raw route into the OpenAPI description.
func (s *Server) document(method, path, name, summary string) {
	op := &huma.Operation{
		OperationID: name, Method: method, Path: path, Summary: summary,
		Security:  []map[string][]string{{"cookie": {}}},
		Responses: map[string]*huma.Response{"default": {Description: "A problem document, or the bytes"}},
	}
	s.api.OpenAPI().AddOperation(op)
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
