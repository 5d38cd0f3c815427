package main

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/events"
	"parley/events/jetstream"
)

// unnoted are the commands that change nothing that an operator answers for.
// Serve's own work is in the log as events.
var unnoted = []string{
	"account invitations", "serve", "sessions", "replay", "status", "verify", "audit", "doctor", "partner", "openapi", "version",
}

// acting is one command that changes something, as this test runs it.
type acting struct {
	command string // as its parent lists it: "account add"
	args    []string
	stdin   string
	does    string // what its note says
	object  string // an aggregate
	about   string // whose trail it is on; empty: the hour's
}

// actings are all of them, but for restore, which runs on a stopped instance.
func actings(t *testing.T, lea *browser) []acting {
	id := lea.must(200, "GET", "/api/me", nil).text("account", "id")
	left, closed, gone := lea.silentSession(), lea.silentSession(), lea.silentSession()
	closed.end()
	return []acting{
		{"account add", []string{"--email", "a@example.org", "--role", "learner,analyst", "--password-stdin"}, password, "account add --role learner --role analyst", "", ""},
		{"account invite", []string{"--email", "b@example.org", "--role", "operator"}, "", "account invite --role operator", "", ""},
		{"account uninvite", []string{"--email", "b@example.org"}, "", "account uninvite", "?", "?"},
		{"account reset", []string{"--email", "lea@example.org"}, "", "account reset", "account/" + id, id},
		{"account role", []string{"--email", "lea@example.org", "--grant", "operator"}, "", "account role --grant operator", "account/" + id, id},
		{"account role", []string{"--email", "lea@example.org", "--withdraw", "operator"}, "", "account role --withdraw operator", "account/" + id, id},
		{"recover", []string{"--session", left.id, "--end", "--yes"}, "", "recover --end", "session/" + left.id, id},
		{"recover", []string{"--session", closed.id, "--without-recording", "--yes"}, "", "recover --without-recording", "session/" + closed.id, id},
		{"erase", []string{gone.id, "--yes"}, "", "erase", "session/" + gone.id, id},
		{"objects", []string{"sweep", "--yes"}, "", "objects sweep", "", ""},
		{"dead-letters", []string{"retry"}, "", "dead-letters retry", "", ""},
		{"rebuild", []string{"--yes"}, "", "rebuild", "", ""},
		{"rebuild", []string{"--back", "--yes"}, "", "rebuild --back", "", ""},
		{"keys", []string{"rotate", "--yes"}, "", "keys rotate", "", ""},
		{"backup", []string{"--to", filepath.Join(t.TempDir(), "backup")}, "", "backup", "", ""},
		{"erase", []string{"--account", "lea@example.org", "--yes"}, "", "erase", "account/" + id, ""},
	}
}

// everyCommand lists the commands, those of account by both names.
func everyCommand() (all []string) {
	for _, c := range commands() {
		if c.name != "account" {
			all = append(all, c.name)
		}
	}
	for _, c := range accountCommands() {
		all = append(all, "account "+c.name)
	}
	return all
}

// TestActsAreNoted runs every command that changes something and finds its note on
// the trail where it belongs. A command without an entry fails.
func TestActsAreNoted(t *testing.T) {
	p := start(t, t.TempDir())
	p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	table := actings(t, signIn(t, p.base, "lea@example.org"))

	known := append([]string{"restore"}, unnoted...)
	for _, a := range table {
		known = append(known, a.command)
	}
	for _, name := range everyCommand() {
		if !slices.Contains(known, name) {
			t.Errorf("parley %s: say whether it changes something", name)
		}
	}
	var backup string
	for _, a := range table {
		t.Run(a.command+" "+strings.TrimPrefix(a.does, a.command), func(t *testing.T) {
			why := "to try " + a.does + " " + a.object
			args := slices.Concat(strings.Fields(a.command), []string{"--data", p.dir, "--reason", why}, a.args)
			if _, errs, code := invoke(t, a.stdin, args...); code != exitOK {
				t.Fatalf("exit %d: %s", code, errs)
			}
			p.wantNote(t, a, why)
		})
		if a.command == "backup" {
			backup = a.args[1]
		}
	}
	p.stop()
	t.Run("restore", func(t *testing.T) {
		refuseRestore(t, "a reason is needed", p.dir, backup, "--replace", "--reason", "two\nlines")
		const why = "the disk was lost"
		putBackWell(t, p.dir, backup, "--replace", "--reason", why)
		p = p.again(t)
		p.wantNote(t, acting{does: "backup"}, "to try backup ") // it was stored before the backup began
		p.wantNote(t, acting{does: "restore"}, why)
	})
}

// TestActsThroughTheWebAreNoted does so for the operator's routes that change something.
// A route without an entry fails.
func TestActsThroughTheWebAreNoted(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	lea := signIn(t, p.base, "lea@example.org")
	id := lea.must(http.StatusOK, "GET", "/api/me", nil).text("account", "id")
	left := lea.silentSession()
	guest := ada.must(http.StatusCreated, "POST", "/api/invitations", map[string]any{"email": "a@example.org", "roles": []string{"learner"}}).text("account")
	table := map[string]struct {
		path string
		body any
		does string
	}{
		"invite":              {"/api/invitations", map[string]any{"email": "b@example.org", "roles": []string{"learner", "analyst"}}, "account invite --role learner --role analyst"},
		"withdraw-invitation": {"/api/invitations/" + guest, nil, "account uninvite account/" + guest},
		"grant-role":          {"/api/accounts/" + id + "/roles/analyst", nil, "account role --grant analyst account/" + id},
		"withdraw-role":       {"/api/accounts/" + id + "/roles/analyst", nil, "account role --withdraw analyst account/" + id},
		"retry-dead-letters":  {"/api/ops/dead-letters/retry", map[string]string{"reason": "to try"}, "dead-letters retry"},
		"help-session":        {"/api/ops/sessions/" + left.id + "/recover", map[string]string{"remedy": "end", "reason": "to try"}, "recover --end session/" + left.id},
	}
	c := contract{ada.must(http.StatusOK, "GET", "/openapi.json", nil).json}
	for _, o := range c.operations() {
		if o.access != "operator" || o.method == http.MethodGet {
			continue
		}
		t.Run(o.id, func(t *testing.T) {
			act, known := table[o.id]
			if !known {
				t.Fatal("say what its note says")
			}
			if a := ada.do(o.method, act.path, act.body); a.status >= http.StatusBadRequest {
				t.Fatal(a)
			}
			at := ada.must(http.StatusOK, "GET", "/api/ops/status", nil).text("log")
			newest := ada.must(http.StatusOK, "GET", "/api/ops/audit?kind=operator_acted&min_position="+at, nil).json["lines"].([]any)[0].(map[string]any)
			if newest["what"] != act.does || newest["reason"] == "" || newest["address"] == "" {
				t.Errorf("%v, want %q", newest, act.does)
			}
		})
	}
}

// wantNote looks through the whole log for exactly one note with a reason.
func (p *program) wantNote(t *testing.T, want acting, why string) {
	t.Helper()
	var found []events.Event
	p.eachEvent(t, func(e events.Event) {
		if b, is := e.Body.(*events.OperatorActed); is && b.Reason == why {
			found = append(found, e)
		}
	})
	if len(found) != 1 {
		t.Fatalf("%d notes of %q", len(found), want.does)
	}
	note := found[0].Body.(*events.OperatorActed)
	who, err := operator()
	if want.object == "?" { // of an account whose id the test is not told
		want.about, want.object = found[0].Aggregate.ID, "account/"+found[0].Aggregate.ID
	}
	if err != nil || found[0].Actor != who || note.Action != want.does || note.Object != want.object {
		t.Errorf("by %s: %+v, want %+v", found[0].Actor, note, want)
	}
	if on := found[0].Aggregate; want.about != "" && on != events.AuditOf(events.AccountID(want.about)) || want.about == "" && len(on.ID) == len(newID()) {
		t.Errorf("it is on %s", on)
	}
}

// eachEvent reads the log of a running instance from its first event to its last.
func (p *program) eachEvent(t *testing.T, look func(events.Event)) {
	t.Helper()
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error { return readThrough(ctx, log, &progress{}, look) })
}
