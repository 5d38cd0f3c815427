package http

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"parley/http/realtime"
)

// teller is where violations are told from when that does not matter.
const teller = "192.0.2.1:1234"

// told is a door that only hears of violations, and what it logs.
func told(t *testing.T) (send func(from, contentType, body string) *httptest.ResponseRecorder, logged *bytes.Buffer, door http.Handler) {
	t.Helper()
	logged = &bytes.Buffer{}
	clock := newMoving()
	s := &Server{doors: Doors{Now: clock.now}, logger: slog.New(slog.NewTextHandler(logged, nil)), metrics: newMetrics(&realtime.Tally{}, clock.now)}
	router := chi.NewRouter()
	router.Use(s.addressed)
	s.violationRoutes(router)
	router.Handle("/metrics", s.metrics.handler())
	send = func(from, contentType, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, violationsPath, strings.NewReader(body))
		r.RemoteAddr = from
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	return send, logged, router
}

func TestViolations(t *testing.T) {
	const (
		oldForm = `{"csp-report":{"violated-directive":"img-src 'self'","blocked-uri":"https://evil.example/x.png?secret=1","document-uri":"https://parley.example/?secret=2#secret"}}`
		newForm = `[{"type":"csp-violation","body":{"effectiveDirective":"connect-src","blockedURL":"https://evil.example/?secret=1","documentURL":"https://parley.example/","sample":"secret"}},{"type":"deprecation","body":{}}]`
	)
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		logs                    string
	}{
		{"are counted in the old form", "application/csp-report", oldForm, 204, "directive=img-src blocked=https://evil.example/x.png page=https://parley.example/"},
		{"are counted in the new form", "application/reports+json; charset=utf-8", newForm, 204, "directive=connect-src blocked=https://evil.example/"},
		{"of unknown directives are counted together", "application/csp-report", `{"csp-report":{"effective-directive":"made-up-7"}}`, 204, "directive=other"},
		{"that are inline name no address", "application/csp-report", `{"csp-report":{"effective-directive":"script-src-elem","blocked-uri":"inline"}}`, 204, "blocked=inline"},
		{"in another type are refused", "application/json", oldForm, 415, ""},
		{"that do not decode are refused", "application/reports+json", "{", 422, ""},
		{"just short enough are read", "application/csp-report", oldForm + strings.Repeat(" ", maxViolations-len(oldForm)), 204, "directive=img-src"},
		{"one byte too long are refused", "application/csp-report", oldForm + strings.Repeat(" ", maxViolations-len(oldForm)+1), 413, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			send, logged, _ := told(t)
			if w := send(teller, test.contentType, test.body); w.Code != test.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if !strings.Contains(logged.String(), test.logs) || strings.Contains(logged.String(), "secret") {
				t.Fatal(logged)
			}
		})
	}
	t.Run("are in the metrics", func(t *testing.T) {
		send, _, door := told(t)
		send(teller, "application/csp-report", oldForm)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if want := `parley_policy_violations_total{directive="img-src"} 1`; !strings.Contains(w.Body.String(), want) {
			t.Fatal(w.Body)
		}
	})
	t.Run("of one network are limited, whichever of its addresses they come from", func(t *testing.T) {
		for network, next := range map[string]func(n int64) string{
			"one address of IPv4": func(int64) string { return "198.51.100.7:999" },
			"a /64 of IPv6":       func(n int64) string { return fmt.Sprintf("[2001:db8:0:7::%x]:999", n+1) },
		} {
			send, _, _ := told(t)
			for n := range violationRate.Most {
				if w := send(next(n), "application/csp-report", oldForm); w.Code != http.StatusNoContent {
					t.Fatalf("%s: number %d: %d", network, n+1, w.Code)
				}
			}
			w := send(next(violationRate.Most), "application/csp-report", oldForm)
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" {
				t.Errorf("%s: %d %v", network, w.Code, w.Header())
			}
			if w := send("[2001:db8:0:8::1]:999", "application/csp-report", oldForm); w.Code != http.StatusNoContent {
				t.Errorf("another network waits for it: %d", w.Code)
			}
		}
	})
	t.Run("of one request are kept up to a most", func(t *testing.T) {
		const one = `{"type":"csp-violation","body":{"effectiveDirective":"img-src"}}`
		for most, leftOut := range map[int]string{mostViolations: "", mostViolations + 7: "left_out=7"} {
			send, logged, _ := told(t)
			send(teller, "application/reports+json", "["+strings.Repeat(one+",", most-1)+one+"]")
			if n := strings.Count(logged.String(), "directive=img-src"); n != mostViolations || !strings.Contains(logged.String(), leftOut) || strings.Contains(logged.String(), "left_out") != (leftOut != "") {
				t.Errorf("of %d, %d are logged: %s", most, n, logged)
			}
		}
	})
}

func TestContentPolicy(t *testing.T) {
	for name, test := range map[string]struct{ public, provider, store, connect, report string }{
		"on loopback":  {"http://127.0.0.1:8787", "", "", "'self'", "report-uri /violations"},
		"with servers": {"https://parley.example", "https://api.openai.com", "https://s3.example", "'self' https://api.openai.com https://s3.example", "report-uri /violations; report-to violations"},
	} {
		t.Run(name, func(t *testing.T) {
			public, err := url.Parse(test.public)
			if err != nil {
				t.Fatal(err)
			}
			s := &Server{config: Config{PublicURL: public, ProviderOrigin: test.provider, StoreOrigin: test.store}}
			w := httptest.NewRecorder()
			s.headers(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/me", nil))
			want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src " + test.connect +
				"; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; " + test.report
			if got := w.Header().Get("Content-Security-Policy"); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			for header, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
				"Permissions-Policy": permissions, "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			overTLS := public.Scheme == "https"
			if kept := w.Header().Get("Strict-Transport-Security") != ""; kept != overTLS {
				t.Errorf("Strict-Transport-Security over %s: %v", public.Scheme, kept)
			}
			if told := w.Header().Get("Reporting-Endpoints") == `violations="/violations"`; told != overTLS {
				t.Errorf("Reporting-Endpoints over %s: %v", public.Scheme, told)
			}
		})
	}
}
