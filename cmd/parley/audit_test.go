package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	door "parley/http"
)

// lines reads an audit page as "kind by what reason".
func lines(a answer) (all []string) {
	list, _ := a.json["lines"].([]any)
	for _, each := range list {
		l := each.(map[string]any)
		text := func(name string) string { s, _ := l[name].(string); return s }
		all = append(all, strings.Join(strings.Fields(text("kind")+" "+text("by")+" "+text("name")+" "+text("what")+" "+text("reason")), " "))
	}
	return all
}

// TestContentIsReadWithItsLearner follows a reading from the grant to the
// learner's own list.
func TestContentIsReadWithItsLearner(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	addAccount(t, p.dir, "ana@example.org", "analyst")
	lea, ana := signIn(t, p.base, "lea@example.org"), signIn(t, p.base, "ana@example.org")
	c := lea.silentSession()
	const words = "marzipan"
	content := "/api/events/" + c.id + "/content"
	why := map[string]string{"reason": "why turns are missing"}

	t.Run("an analyst sees what happened, and not a word", func(t *testing.T) {
		for _, path := range []string{"/api/events", "/api/events?kind=segment_transcribed&session=" + c.id, "/api/events/" + c.id} {
			a := ana.must(http.StatusOK, "GET", path, nil)
			if !strings.Contains(string(a.raw), "segment_transcribed") || strings.Contains(string(a.raw), words) {
				t.Errorf("%s: %s", path, a)
			}
		}
	})
	t.Run("nor with a reason alone", func(t *testing.T) {
		ana.refuse(http.StatusForbidden, "forbidden", "POST", content, why)
	})
	c.must(http.StatusOK, "PUT", c.path("/grant"), map[string]any{"until": time.Now().Add(time.Hour)})
	t.Run("nor with a grant alone", func(t *testing.T) {
		ana.refuse(http.StatusUnprocessableEntity, "invalid", "POST", content, map[string]string{"reason": " "})
	})
	read := ana.must(http.StatusOK, "POST", content, why)
	t.Run("with both the words are there", func(t *testing.T) {
		if !strings.Contains(string(read.raw), words) {
			t.Errorf("%s", read)
		}
	})
	t.Run("the learner sees who read, and why", func(t *testing.T) {
		mine := lines(lea.must(http.StatusOK, "GET", "/api/me/audit?min_position="+read.text("noted"), nil))
		if !slices.Contains(mine, "content_read somebody ana why turns are missing") {
			t.Errorf("%q", mine)
		}
		if !slices.Contains(mine, "signed_in you password") {
			t.Errorf("her own sign-in is not there: %q", mine)
		}
	})
	t.Run("nobody else sees her list", func(t *testing.T) {
		for _, line := range lines(ana.must(http.StatusOK, "GET", "/api/me/audit", nil)) {
			if strings.HasPrefix(line, "content_read") {
				t.Errorf("%s", line)
			}
		}
	})
	t.Run("a way to sign in that came is on her list, with a link that an operator made", func(t *testing.T) {
		lea.must(http.StatusNoContent, "PUT", "/api/me/password", map[string]string{"old": password, "new": password})
		if _, errs, code := invoke(t, "", "account", "reset", "--data", p.dir, "--email", "lea@example.org", "--reason", "she asked"); code != exitOK {
			t.Fatal(errs)
		}
		at := ada.must(http.StatusOK, "GET", "/api/ops/status", nil).text("log")
		mine := lines(lea.must(http.StatusOK, "GET", "/api/me/audit?min_position="+at, nil))
		for _, line := range []string{"account_credential_added you password", "account_reset_allowed operator"} {
			if !slices.ContainsFunc(mine, func(is string) bool { return strings.HasPrefix(is, line) }) {
				t.Errorf("%s is not there: %q", line, mine)
			}
		}
	})
	t.Run("a withdrawn grant counts at once", func(t *testing.T) {
		c.must(http.StatusOK, "DELETE", c.path("/grant"), nil)
		ana.refuse(http.StatusForbidden, "forbidden", "POST", content, why)
	})
	t.Run("an operator's act through the web is on her list too", func(t *testing.T) {
		path := "/api/ops/sessions/" + c.id + "/recover"
		ada.refuse(http.StatusUnprocessableEntity, "invalid", "POST", path, map[string]string{"remedy": "end"}) // no reason
		done := ada.must(http.StatusOK, "POST", path, map[string]string{"remedy": "end", "reason": "its page is gone"})
		if done.text("status") != "ended" {
			t.Errorf("%s", done)
		}
		at := ada.must(http.StatusOK, "GET", "/api/ops/status", nil).text("log") // hers was the write, not the learner's
		mine := lines(lea.must(http.StatusOK, "GET", "/api/me/audit?min_position="+at, nil))
		if !slices.Contains(mine, "operator_acted somebody Ada recover --end session/"+c.id+" its page is gone") {
			t.Errorf("%q", mine)
		}
	})
	t.Run("the command lists it, and what commands do", func(t *testing.T) {
		l := tell[door.AuditLine](t, exitOK, "audit", "--data", p.dir, "--json", "--kind", "content_read")
		if l.Reason != why["reason"] || string(l.Session) != c.id {
			t.Errorf("%+v", l)
		}
		if _, errs, code := invoke(t, "", "dead-letters", "retry", "--data", p.dir, "--reason", "after an upgrade"); code != exitOK {
			t.Fatal(errs)
		}
		at := ada.must(http.StatusOK, "GET", "/api/ops/status", nil).text("log")
		ada.must(http.StatusOK, "GET", "/api/ops/audit?min_position="+at, nil)
		act := tell[door.AuditLine](t, exitOK, "audit", "--data", p.dir, "--json", "--kind", "operator_acted", "--limit", "1")
		if act.Reason != "after an upgrade" || act.What != "dead-letters retry" || !strings.HasPrefix(string(act.Actor), "operator:") {
			t.Errorf("%+v", act)
		}
	})
	t.Run("deleted, no analyst sees it any more", func(t *testing.T) {
		c.must(http.StatusOK, "PUT", c.path("/grant"), map[string]any{"until": time.Now().Add(time.Hour)})
		c.must(http.StatusAccepted, "DELETE", c.path(""), nil)
		ana.refuse(http.StatusNotFound, "not_found", "GET", "/api/events/"+c.id, nil)
		ana.refuse(http.StatusNotFound, "not_found", "POST", content, why)
	})
	p.stop()
}
