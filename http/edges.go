package http

import (
	"fmt"
	"net/http"
	"strings"
)

// headers puts the policy on every answer. It is built from the configuration,
// so that a page can reach exactly the provider and the store in use.
func (s *Server) headers(next http.Handler) http.Handler {
	policy := s.contentPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.config.PublicURL.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) contentPolicy() string {
	connect := "'self'"
	for _, origin := range []string{s.config.ProviderOrigin, s.config.StoreOrigin} {
		if origin != "" {
			connect += " " + origin
		}
	}
	return fmt.Sprintf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"media-src 'self' blob:; connect-src %s; worker-src 'self'; manifest-src 'self'; "+
		"frame-ancestors 'none'; base-uri 'none'; form-action 'self'", connect)
}

// canonicalHost sends "localhost" to the one address whose origin the store's
// CORS knows (design section 8). Only reading is redirected.
func (s *Server) canonicalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		isLocal := strings.HasPrefix(r.Host, "localhost:") || r.Host == "localhost"
		if isLocal && r.Method == http.MethodGet && s.config.PublicURL.Hostname() == "127.0.0.1" {
			http.Redirect(w, r, s.config.PublicURL.Scheme+"://"+s.config.PublicURL.Host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic of one request into its 500, and the log's line.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
				s.logger.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "fault", fmt.Sprint(fault))
				writeProblem(w, newProblem(http.StatusInternalServerError, "internal", "something went wrong on our side"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
