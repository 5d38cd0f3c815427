package http

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// healthRoutes are for supervisors: alive, ready, and what is being done.
func (s *Server) healthRoutes(r chi.Router) {
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		writeJSON(w, map[string]string{"status": "alive"})
	})
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		missing := s.doors.Ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if len(missing) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			writeJSON(w, map[string]any{"status": "not ready", "missing": missing})
			return
		}
		writeJSON(w, map[string]string{"status": "ready"})
	})
	r.Handle("/metrics", s.metrics.handler())
}
