package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/events"
	"parley/http/realtime/partner"
)

// withPartner is the environment of a program that talks with a partner elsewhere; the
// commands that a test runs have it too.
func withPartner(t *testing.T, url string) (env []string) {
	t.Helper()
	for name, value := range map[string]string{"OPENAI_API_KEY": "sk-partner", "PARLEY_REALTIME_URL": url, "PARLEY_REALTIME_DIALECT": "partner"} {
		t.Setenv(name, value)
		env = append(env, name+"="+value)
	}
	return env
}

// A call ends with its session, also when nobody who ever heard it is there.
func TestDeletedCallIsHungUp(t *testing.T) {
	env := withPartner(t, aPartner(t, partner.Config{Key: "sk-partner"}))
	deaf := []string{"--roles", "web,projector"}
	p := startWith(t, t.TempDir(), deaf, env...)
	ada := p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	lea := signIn(t, p.base, "lea@example.org")
	t.Run("by an operator's command", func(t *testing.T) {
		c := ada.startSession()
		caller := c.call(t, 1)
		c.must(http.StatusAccepted, "DELETE", c.path(""), nil)
		if h := p.help(t, "--resume", c.id); h.Status != "erased" {
			t.Errorf("%+v", h)
		}
		caller.Wait(caller.Closed)
	})
	own, others := ada.startSession(), lea.startSession()
	one, two := own.call(t, 1), others.call(t, 1)
	own.must(http.StatusAccepted, "DELETE", own.path(""), nil)
	lea.must(http.StatusAccepted, "DELETE", "/api/me", nil)
	p.stop()
	p = startWith(t, p.dir, nil, env...)
	one.Wait(one.Closed) // by an instance that was started since
	two.Wait(two.Closed) // with its account
	p.stop()
}

// A provider that is away keeps nobody's words readable.
func TestErasureWhileTheProviderIsAway(t *testing.T) {
	var isAway atomic.Bool
	env := withPartner(t, aPartnerBehind(t, partner.Config{Key: "sk-partner"}, func(there http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isAway.Load() && strings.HasSuffix(r.URL.Path, "/hangup") {
				<-r.Context().Done()
				return
			}
			there.ServeHTTP(w, r)
		})
	}))
	p := start(t, t.TempDir(), env...)
	c := p.setUp(t).startSession()
	caller := c.dial(t, 1)
	isAway.Store(true)
	told := tell[struct{ Tombstone events.SessionErased }](t, exitOK, "erase", "--data", p.dir, "--json", "--yes", c.id).Tombstone
	const unbounded = 5 * time.Second // and more, if its answer were waited for
	if took := told.UnreadableAt.Sub(*told.RequestedAt); took >= unbounded {
		t.Errorf("unreadable after %v", took)
	}
	t.Run("the call ends when it is heard again", func(t *testing.T) {
		isAway.Store(false)
		caller.Send(`{"type":"response.create"}`)
		caller.Wait(caller.Closed)
	})
	p.stop()
	if !strings.Contains(p.out.String(), "a call goes on although its session is deleted") {
		t.Errorf("nobody was told: %s", p.out)
	}
}
