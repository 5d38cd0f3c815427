package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	door "parley/http"
)

// timers is the stream of the timers, for a look from outside.
func (p *program) timers(t *testing.T) jetstream.Stream {
	t.Helper()
	stream, err := p.streams(t).Stream(t.Context(), "PARLEY_TIMERS")
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// armed is how many timers there are.
func armed(t *testing.T, timers jetstream.Stream) uint64 {
	t.Helper()
	info, err := timers.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Msgs
}

// Nobody works here, so that all stays undone until an operator resumes it.
func TestResume(t *testing.T) {
	p := startWith(t, t.TempDir(), []string{"--roles", "web,projector"})
	ada := p.setUp(t)
	left, deleted, uploaded := ada.silentSession(), ada.silentSession(), ada.silentSession()
	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)
	uploaded.end()
	file := sample(t)
	uploaded.announce(file)
	if a := uploaded.put(file); a.status != http.StatusOK {
		t.Fatalf("upload: %s", a)
	}
	uploaded.complete()

	t.Run("is offered for what the workers owe", func(t *testing.T) {
		found := stuckIn(t, p.dir, "--quiet", "0s")
		for _, id := range []string{left.id, deleted.id} {
			if !strings.Contains(strings.Join(found[id].Remedies, " "), remedyResume) {
				t.Errorf("%+v", found[id])
			}
		}
	})
	t.Run("a deletion that was given up", func(t *testing.T) {
		out, _, _ := invoke(t, "", "recover", "--data", p.dir, "--session", deleted.id, "--resume", "--dry-run")
		if !strings.Contains(out, "make it unreadable") || !strings.Contains(out, "being erased") {
			t.Errorf("planned %s", out)
		}
		if h := p.help(t, "--resume", deleted.id); h.Status != "erased" {
			t.Errorf("%+v", h)
		}
		out, _, _ = invoke(t, "", "replay", "--data", p.dir, "--json", deleted.id)
		if strings.Contains(out, "session_started") || !strings.Contains(out, "swept_at") {
			t.Errorf("the log holds %s", out)
		}
	})
	t.Run("a recording that nobody looked at", func(t *testing.T) {
		if h := p.help(t, "--resume", uploaded.id); h.Status != "saved" {
			t.Errorf("%+v", h)
		}
	})
	t.Run("levels that were given up", func(t *testing.T) {
		found := stuckIn(t, p.dir, "--quiet", "0s")[uploaded.id]
		if found.Status != "saved" || !strings.Contains(found.Why, "has no levels") || !slices.Equal(found.Remedies, []string{remedyResume}) {
			t.Errorf("%+v", found)
		}
		uploaded.must(http.StatusNoContent, "GET", uploaded.path("/levels"), nil)
		if h := p.help(t, "--resume", uploaded.id); !strings.Contains(h.Will, "levels") || h.Status != "saved" {
			t.Errorf("%+v", h)
		}
		uploaded.must(http.StatusOK, "GET", uploaded.path("/levels"), nil)
		if _, is := stuckIn(t, p.dir, "--quiet", "0s")[uploaded.id]; is {
			t.Error("it is listed as before")
		}
	})
	t.Run("a timer that is lost", func(t *testing.T) {
		timers := p.timers(t)
		if n := armed(t, timers); n != 0 {
			t.Fatalf("%d timers", n)
		}
		if h := p.help(t, "--resume", left.id); h.Status != "active" {
			t.Errorf("%+v", h)
		}
		if n := armed(t, timers); n != 1 {
			t.Errorf("%d timers", n)
		}
	})
	t.Run("is refused where nothing is owed", func(t *testing.T) {
		for _, id := range []string{deleted.id, uploaded.id, "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
			out, errs, code := invoke(t, "", "recover", "--data", p.dir, "--yes", "--session", id, "--resume")
			if code != exitFailed || errs == "" {
				t.Errorf("exit %d, %s%s", code, out, errs)
			}
		}
	})
	p.stop()
}

func TestRecoverNamesDeadLetters(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	settled, open, well := ada.silentSession(), ada.startSession(), ada.startSession()
	settled.must(http.StatusOK, "POST", settled.path("/end"), map[string]any{"reason": "learner", "recording_expected": false, "last_n": len(reports())})
	for _, c := range []*conversation{settled, open} {
		p.poison(t, c.id)
		p.poison(t, c.id)
	}
	at := p.lastPosition(t)
	ada.must(http.StatusOK, "GET", well.path("?min_position="+at.String()), nil)
	check := func(t *testing.T, found map[string]door.StuckSession) {
		t.Helper()
		for _, c := range []*conversation{settled, open} {
			why := found[c.id].Why
			if strings.Count(why, "is a dead letter (invalid: unknown kind") != 1 || !strings.Contains(why, "parley dead-letters retry session/"+c.id) {
				t.Errorf("%+v", found[c.id])
			}
		}
		if n := len(found[settled.id].Remedies); n != 0 || found[settled.id].Status != "saved" {
			t.Errorf("%+v", found[settled.id])
		}
		if len(found) != 2 {
			t.Errorf("found %v", found)
		}
	}
	t.Run("by the command, however new they are", func(t *testing.T) { check(t, stuckIn(t, p.dir)) })
	t.Run("by the API", func(t *testing.T) {
		found := map[string]door.StuckSession{}
		for _, s := range ada.must(http.StatusOK, "GET", "/api/ops/sessions", nil).json["sessions"].([]any) {
			m := s.(map[string]any)
			stuck := door.StuckSession{Status: m["status"].(string), Why: m["why"].(string)}
			for range m["remedies"].([]any) {
				stuck.Remedies = append(stuck.Remedies, "one")
			}
			found[m["id"].(string)] = stuck
		}
		check(t, found)
	})
	p.stop()
}

func TestRecoverWithoutReadModels(t *testing.T) {
	onServersAlone(t)
	p := start(t, t.TempDir())
	left := p.setUp(t).silentSession()
	t.Setenv("PARLEY_POSTGRES_URL", "postgres://127.0.0.1:1/parley")
	out, errs, code := invoke(t, "", "recover", "--data", p.dir, "--quiet", "0s")
	if code != exitOK || !strings.Contains(out, left.id) || !strings.Contains(errs, "dead letters are not named") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	p.stop()
}
