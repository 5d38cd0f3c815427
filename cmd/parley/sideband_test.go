package main

import (
	"net/http"
	"strings"
	"testing"

	"parley/http/realtime/partner/partnertest"
)

// dial opens the session's call and waits until the server has its own line; n is the
// number of the page's report.
func (c *conversation) dial(t *testing.T, n int) *partnertest.Caller {
	t.Helper()
	caller := c.call(t, n)
	caller.Until("session.updated")
	return caller
}

// call opens the session's call and reports no more than that it is up, as the
// page does.
func (c *conversation) call(t *testing.T, n int) *partnertest.Caller {
	t.Helper()
	token := c.token()
	caller := partnertest.Dial(t, token.text("calls_url"), token.text("value"))
	a := c.must(http.StatusOK, "POST", c.path("/events"), map[string]any{"events": []any{map[string]any{
		"n": n, "call": token.json["call"], "at_ms": 900, "rec_ms": nil,
		"event": map[string]any{"type": "parley.call_connected", "provider_call_id": caller.ID, "since_click_ms": 80},
	}}})
	if rejected := a.json["rejected"].([]any); len(rejected) > 0 {
		t.Fatal(a)
	}
	return caller
}

func (c *conversation) wantEndedBecause(why string, changed <-chan struct{}) {
	c.t.Helper()
	c.until(why, changed, func() bool {
		return c.must(http.StatusOK, "GET", c.path(""), nil).text("ended_because") == why
	})
}

func TestCallAtTheLimitOfTheDay(t *testing.T) {
	p := start(t, t.TempDir(), "PARLEY_LIMIT_TALK=10s")
	ada := p.setUp(t)
	changed := ada.watch()
	c := ada.startSession()
	caller := c.dial(t, 1)
	t.Run("is cut when the day's talk is used", func(t *testing.T) {
		caller.Wait(caller.Closed)
		c.wantEndedBecause("used_up", changed)
	})
	t.Run("is the last one that day", func(t *testing.T) {
		next := ada.startSession()
		next.refuse(http.StatusTooManyRequests, "used_up", "POST", next.path("/token"), nil)
	})
}

func TestCallOfTheServersOwn(t *testing.T) {
	p := start(t, t.TempDir(), "PARLEY_SESSION_IDLE=6s")
	ada := p.setUp(t)
	changed := ada.watch()
	t.Run("makes the transcript whole of a tab that was killed", func(t *testing.T) {
		c := ada.startSession()
		caller := c.dial(t, 1)
		caller.Type("Two croissants, please.")
		caller.Until("response.done")
		caller.Close()
		c.until("whole", changed, func() bool {
			text := string(c.must(http.StatusOK, "GET", c.path("/transcript.txt"), nil).raw)
			return strings.Contains(text, "Learner: Two croissants, please.") && strings.Contains(text, "Tutor: ")
		})
		out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id)
		if strings.Contains(out, caller.ID) {
			t.Error("the log shows the provider's id of the call")
		}
	})
	t.Run("is cut when nobody speaks", func(t *testing.T) {
		c := ada.startSession()
		caller := c.dial(t, 1)
		caller.Wait(caller.Closed)
		c.wantEndedBecause("idle", changed)
	})
	t.Run("is cut when its session is deleted", func(t *testing.T) {
		c := ada.startSession()
		caller := c.dial(t, 1)
		c.must(http.StatusAccepted, "DELETE", c.path(""), nil)
		caller.Wait(caller.Closed)
	})
	t.Run("is cut when its browser is signed out", func(t *testing.T) {
		c := ada.startSession()
		caller := c.dial(t, 1)
		c.must(http.StatusNoContent, "POST", "/api/sign-out", nil)
		caller.Wait(caller.Closed)
	})
}
