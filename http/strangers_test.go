package http

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/events"
)

// What nobody need sign in for costs a look into the log each time.
func TestStrangersAreLimitedByNetwork(t *testing.T) {
	link, both := map[string]string{"token": "x"}, map[string]string{"token": "x", "password": "x"}
	for path, body := range map[string]map[string]string{
		"/api/receipt": {"receipt": "x"}, "/api/reset": both, "/api/invitation/accept": both, "/api/sign-in/openid": nil,
		"/api/invitation": link, "/api/invitation/passkey/options": link, "/api/invitation/openid": link,
	} {
		t.Run(path, func(t *testing.T) {
			d := newDesk(t)
			ask := func(at string) answer {
				if body == nil {
					return d.visitor(at).do(http.MethodPost, path, nil)
				}
				return d.visitor(at).do(http.MethodPost, path, body)
			}
			for n := range strangersRate.Most {
				if a := ask("2001:db8::1"); a.status == http.StatusTooManyRequests || a.status == http.StatusUnprocessableEntity {
					t.Fatalf("number %d: %d %v", n+1, a.status, a.body)
				}
			}
			if a := ask("2001:db8::2"); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || a.body["code"] != string(events.CodeLimited) {
				t.Errorf("%d %v", a.status, a.body)
			}
			if a := ask("2001:db8:0:1::1"); a.status == http.StatusTooManyRequests {
				t.Errorf("another network waits for it: %v", a.body)
			}
		})
	}
}

// looks counts what is loaded from the log.
type looks struct {
	events.LoadAppender
	n atomic.Int64
}

func (l *looks) Load(ctx context.Context, of events.Aggregate, after events.Position) ([]events.Event, error) {
	l.n.Add(1)
	return l.LoadAppender.Load(ctx, of, after)
}

func TestWhatIsNoSecretIsNotLookedFor(t *testing.T) {
	d := newDesk(t)
	id := string(d.registered("ana@example.org"))
	log := &looks{LoadAppender: d.Log}
	d.accounts.log, d.door.doors.Log = log, log
	v := d.visitor("192.0.2.1")
	try := func(secret string) {
		v.want(http.StatusForbidden, http.MethodPost, "/api/invitation", map[string]string{"token": id + "." + secret})
		v.want(http.StatusForbidden, http.MethodPost, "/api/reset", map[string]string{"token": id + "." + secret, "password": herPassword})
		v.want(http.StatusNotFound, http.MethodPost, "/api/receipt", map[string]string{"receipt": id + "." + secret})
	}
	for _, no := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("A", 42) + "!", strings.Repeat("A", 42) + "B"} {
		if try(no); log.n.Load() != 0 {
			t.Fatalf("%q was looked for", no)
		}
	}
	if try(strings.Repeat("A", 43)); log.n.Load() != 3 {
		t.Errorf("what could be one was looked for %d times, want 3", log.n.Load())
	}
}

// One who waits for a provider that does not answer holds nobody up.
func TestOpenIDWaitsForNobody(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	var issuer string
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		writeJSON(w, map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	}))
	defer slow.Close()
	issuer = slow.URL
	d := newDesk(t, func(c *Config) { c.OpenID = OpenID{issuer, "parley", "client secret"} })
	const asking = 3
	answers := make(chan answer, asking)
	for range asking {
		v := d.visitor("192.0.2.1")
		go func() { answers <- v.do(http.MethodPost, "/api/sign-in/openid", nil) }()
	}
	tooLong := time.After(openIDWait / 2)
	for n := range asking {
		select {
		case <-arrived:
		case <-tooLong:
			close(release)
			t.Fatalf("number %d waits for another's answer", n+1)
		}
	}
	close(release)
	for range asking {
		if a := <-answers; a.status != http.StatusOK {
			t.Errorf("%d %v", a.status, a.body)
		}
	}
}
