package main

import (
	"net/http"
	"testing"
)

func TestAbandonedSession(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	before := ada.startSession()
	p.stop()
	p = start(t, p.dir, "PARLEY_SESSION_SILENCE=3s")
	ada.base, ada.cookie = p.base, rename(ada.cookie, p.base)
	changed := ada.watch()

	t.Run("is ended once its silence is long enough", func(t *testing.T) {
		c := ada.startSession()
		c.until("ended", changed, func() bool { return c.status() == "saved" })
	})
	t.Run("is ended after a restart, if its timer was set for later", func(t *testing.T) {
		before.until("ended", changed, func() bool { return before.status() == "saved" })
	})
	t.Run("waits for the recording that was begun", func(t *testing.T) {
		c := ada.silentSession()
		c.until("ended", changed, func() bool { return c.status() == "needs_attention" })
		if why := c.must(http.StatusOK, "GET", c.path(""), nil).text("reason"); why != "on_device" {
			t.Errorf("the reason is %q", why)
		}
		recording := sample(t)
		c.announce(recording)
		if a := c.put(recording); a.status != http.StatusOK {
			t.Fatal(a)
		}
		c.complete()
		c.until("saved", changed, func() bool { return c.status() == "saved" })
	})
}
