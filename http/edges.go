package http

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Features of browsers that the page may use; the microphone is the only one.
const permissions = "microphone=(self), camera=(), display-capture=(), geolocation=(), payment=(), usb=()"

// headers puts the policy on every answer. It is built from the configuration,
// so that a page can reach exactly the provider and the store in use.
func (s *Server) headers(next http.Handler) http.Handler {
	policy, secure := s.contentPolicy(), s.config.PublicURL.Scheme == "https"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Permissions-Policy", permissions)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
			h.Set("Reporting-Endpoints", `violations="`+violationsPath+`"`)
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// contentPolicy is that of design section 8, and where browsers tell of what it
// stopped: report-to is heard over TLS alone, and where it stands browsers do
// not look at report-uri.
func (s *Server) contentPolicy() string {
	connect := "'self'"
	for _, origin := range []string{s.config.ProviderOrigin, s.config.StoreOrigin} {
		if origin != "" {
			connect += " " + origin
		}
	}
	report := "report-uri " + violationsPath
	if s.config.PublicURL.Scheme == "https" {
		report += "; report-to violations"
	}
	return fmt.Sprintf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"media-src 'self' blob:; connect-src %s; worker-src 'self'; manifest-src 'self'; "+
		"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; %s", connect, report)
}

// maxBody bounds, in bytes, what an operation reads that does not say otherwise.
const maxBody = 64 << 10

// bodyExtension is where the contract says how long a body may be, in bytes.
const bodyExtension = "x-max-body-bytes"

// bound sets how much an operation reads. huma refuses a body at its limit, not
// beyond it; and how long it may take is for [paced] to say.
func bound(op *huma.Operation) {
	most := op.MaxBodyBytes
	if most == 0 {
		most = maxBody
	}
	if op.Method != http.MethodGet {
		op.Extensions[bodyExtension] = most
	}
	op.MaxBodyBytes, op.BodyReadTimeout = most+1, -1
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

// recovered turns a panic of one request into its 500, and the log's line. One
// that asks to break off the answer goes on to net/http, which does.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch fault := recover(); fault {
			case nil:
			case http.ErrAbortHandler:
				panic(fault)
			default:
				s.logger.ErrorContext(r.Context(), "panic", "method", r.Method, "path", r.URL.Path, "fault", fmt.Sprint(fault))
				writeProblem(w, newProblem(http.StatusInternalServerError, "internal", "something went wrong on our side"))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
