package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/events"
)

// saidPhrase is a phrase of the reports: nothing else on this machine has it.
const saidPhrase = "Two marzipan croissants"

// lookFor runs --prove and wants its exit code.
func lookFor(t *testing.T, want int, dir, id, phrase string, args ...string) proof {
	t.Helper()
	args = append([]string{"erase", "--prove", id, "--data", dir, "--json"}, args...)
	if phrase != "" {
		args = append(args, "--marker-stdin")
	}
	out, errs, code := invoke(t, phrase+"\n", args...)
	var p proof
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != want {
		t.Fatalf("exit %d, want %d: %v %.2000s%s", code, want, err, out, errs)
	}
	return p
}

// recorded is a session that is saved with its recording.
func (b *browser) recorded(t *testing.T) *conversation {
	t.Helper()
	c := b.startSession()
	c.token()
	c.report()
	c.end()
	recording := sample(t)
	c.announce(recording)
	if a := c.put(recording); a.status != http.StatusOK {
		t.Fatalf("upload: %s", a)
	}
	if a := c.complete(); a.status != http.StatusOK {
		t.Fatalf("complete: %s", a)
	}
	c.saved()
	c.measured()
	return c
}

// A phrase goes through the whole line. It is in no file at any time; and after the
// erasure its sealed bytes are in none of the log's either.
func TestEraseAndProve(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.recorded(t)
	sealed := filepath.Join(t.TempDir(), "sealed")

	t.Run("a search finds what is there", func(t *testing.T) {
		if found := lookFor(t, exitFound, p.dir, c.id, c.id); len(found.Found) == 0 || found.Files == 0 {
			t.Errorf("%+v", found)
		}
	})
	t.Run("what was said is in no file, even before it is erased", func(t *testing.T) {
		found := lookFor(t, exitOK, p.dir, c.id, saidPhrase)
		if found.Status != "not deleted" || found.Bytes < 1<<20 || len(found.Unsearched) == 0 || len(found.Missed) != 0 {
			t.Errorf("%+v", found)
		}
	})
	t.Run("a phrase that is found by chance is refused", func(t *testing.T) {
		for phrase, want := range map[string]int{"vZ7wYx0": exitFailed, "vZ7wYx0K": exitOK} {
			if out, errs, code := invoke(t, phrase, "erase", "--prove", c.id, "--data", p.dir, "--marker-stdin"); code != want {
				t.Errorf("%q: exit %d: %s%s", phrase, code, out, errs)
			}
		}
	})
	t.Run("nothing happens unasked", func(t *testing.T) {
		if out, errs, code := invoke(t, "", "erase", c.id, "--data", p.dir); code != exitFailed || !strings.Contains(out, "destroy the session's key") {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
		invoke(t, "", "erase", c.id, "--data", p.dir, "--dry-run")
		if c.status() != "saved" {
			t.Error("it was erased")
		}
	})
	gone := tell[struct {
		Done      bool
		SweptAt   *string              `json:"swept_at"`
		Tombstone events.SessionErased `json:"tombstone"`
	}](t, exitOK, "erase", c.id, "--data", p.dir, "--json", "--yes", "--wait", "swept", "--keep-sealed", sealed, "--reason", "she asked by letter")
	t.Run("erased, it is gone for its learner", func(t *testing.T) {
		if !gone.Done || gone.SweptAt == nil || gone.Tombstone.Objects == 0 || gone.Tombstone.Owner == "" {
			t.Errorf("%+v", gone)
		}
		for _, path := range []string{"", "/audio", "/transcript.txt", "/transcript.vtt", "/transcript.json"} {
			if a := c.do("GET", c.path(path), nil); a.status != http.StatusNotFound {
				t.Errorf("%s: %s", path, a)
			}
		}
	})
	t.Run("no late writer brings it back", func(t *testing.T) { wantRefused(t, c) })
	t.Run("its sealed bytes are in no file of the log", func(t *testing.T) {
		kept, err := os.ReadFile(sealed)
		if err != nil || strings.Count(string(kept), "\n") < 2 {
			t.Fatalf("%d bytes were kept, %v", len(kept), err)
		}
		if found := lookFor(t, exitOK, p.dir, c.id, saidPhrase, "--sealed", sealed); found.Status != "erased and swept" {
			t.Errorf("%+v", found)
		}
	})
	t.Run("a session that never was is named", func(t *testing.T) {
		_, errs, code := invoke(t, "", "erase", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--data", p.dir, "--yes")
		if code != exitFailed || !strings.Contains(errs, "there is no session") {
			t.Errorf("exit %d: %s", code, errs)
		}
	})
}

// wantRefused tries everything that an old page, an outbox that comes back, or an
// upload may still send.
func wantRefused(t *testing.T, c *conversation) {
	t.Helper()
	recording := sample(t)
	for _, late := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/token", nil},
		{"POST", "/events", map[string]any{"events": reports()}},
		{"POST", "/end", map[string]any{"reason": "learner", "recording_expected": true, "last_n": 11}},
		{"POST", "/upload", map[string]any{"size": len(recording), "sha256": strings.Repeat("ab", 32), "content_type": "audio/webm", "duration_ms": 1}},
		{"POST", "/upload/" + c.upload + "/complete", nil},
		{"PUT", "/upload/" + c.upload + "/1", recording},
		{"DELETE", "", nil},
	} {
		c.refuse(http.StatusNotFound, "not_found", late.method, c.path(late.path), late.body)
	}
	topics := c.must(http.StatusOK, "GET", "/api/topics", nil)
	topic := topics.json["topics"].([]any)[0].(map[string]any)["id"]
	c.refuse(http.StatusConflict, "conflict", "POST", "/api/sessions", map[string]any{"topic_id": topic, "id": c.id})
	for _, found := range c.must(http.StatusOK, "GET", "/api/sessions?q=croissant", nil).json["sessions"].([]any) {
		if found.(map[string]any)["id"] == c.id {
			t.Errorf("it is found: %v", found)
		}
	}
}

func TestMarker(t *testing.T) {
	const phrase = `Grüße "aus" Köln <3`
	for form, text := range map[string]string{
		"utf-8":             "x" + phrase + "y",
		"json":              `{"text":"Grüße \"aus\" Köln <3"}`,
		"json for html":     `{"text":"Grüße \"aus\" Köln \u003c3"}`,
		"json in ascii":     `{"text":"Gr\u00fc\u00dfe \"aus\" K\u00f6ln <3"}`,
		"url":               "q=Gr%C3%BC%C3%9Fe+%22aus%22+K%C3%B6ln+%3C3",
		"nothing":           "Gruesse aus Köln",
		"half":              phrase[:len(phrase)-1],
		"over two pieces":   strings.Repeat(" ", searchPiece-3) + phrase,
		"behind two pieces": strings.Repeat(" ", 2*searchPiece+50) + phrase,
	} {
		t.Run(form, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := markerOf(phrase)
			if err != nil {
				t.Fatal(err)
			}
			s, err := searchFolder(t.Context(), os.DirFS(dir), m)
			if want := form != "nothing" && form != "half"; err != nil || (len(s.Found) > 0) != want || s.Bytes < int64(len(text)) {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// Everything of a learner's goes at once for everybody, and then from the disk; her
// address is free again, and a backup brings nothing back.
func TestEraseMe(t *testing.T) {
	p := start(t, t.TempDir())
	p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	lea := signIn(t, p.base, "lea@example.org")
	id := lea.must(http.StatusOK, "GET", "/api/me", nil).text("account", "id")
	spoken, silent := lea.recorded(t), lea.silentSession()
	lea.must(http.StatusCreated, "POST", "/api/topics", map[string]any{"title": "My divorce", "language": "en-US", "level": "B1"})
	backup := filepath.Join(t.TempDir(), "backup")
	backedUp(t, p.dir, backup)
	live := lea.watch()
	receipt := lea.must(http.StatusAccepted, "DELETE", "/api/me", nil).text("receipt")

	t.Run("nothing is read from then on", func(t *testing.T) {
		for _, path := range []string{"/api/me", "/api/sessions", "/api/topics", spoken.path(""), spoken.path("/audio"), silent.path("/transcript.txt")} {
			lea.refuse(http.StatusUnauthorized, "unauthenticated", "GET", path, nil)
		}
		lea.refuse(http.StatusUnauthorized, "unauthenticated", "POST", silent.path("/events"), map[string]any{"events": reports()})
	})
	t.Run("live connections end", func(t *testing.T) {
		for range live { // until it is closed
		}
	})
	type told struct {
		Tombstone events.AccountErased
		Receipt   string
	}
	again := tell[told](t, exitOK, "erase", "--account", id, "--data", p.dir, "--json", "--yes", "--wait", "swept")
	swept := again.Tombstone
	t.Run("its receipt counts what there was", func(t *testing.T) {
		a := newBrowser(t, p.base).must(http.StatusOK, "POST", "/api/receipt", map[string]string{"receipt": receipt})
		if a.text("swept_at") == "" || swept.Sessions != 2 || swept.Topics != 1 || swept.Claims != 1 || swept.Objects == 0 || swept.Events < 30 {
			t.Errorf("%s, %+v", a, swept)
		}
	})
	t.Run("an operator makes no second receipt, and gets the first of what she erases", func(t *testing.T) {
		if again.Receipt != "" {
			t.Errorf("%+v", again)
		}
		addAccount(t, p.dir, "mia@example.org", "learner")
		mias := tell[told](t, exitOK, "erase", "--account", "mia@example.org", "--data", p.dir, "--json", "--yes")
		_, key, _ := strings.Cut(mias.Receipt, p.base+"/#/receipt?key=")
		newBrowser(t, p.base).must(http.StatusOK, "POST", "/api/receipt", map[string]string{"receipt": key})
	})
	t.Run("her address is free", func(t *testing.T) { addAccount(t, p.dir, "lea@example.org", "learner") })
	t.Run("the read models are as if made from what is left", func(t *testing.T) {
		if out, errs, code := invoke(t, "", "verify", "--data", p.dir, "--json"); code != exitOK {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	})
	p.stop()
	if r := putBackWell(t, p.dir, backup, "--replace"); r.Filtered != 3 {
		t.Errorf("two sessions and an account are to be erased again: %+v", r)
	}
	p = p.again(t)
	tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes", "--accept")
	t.Run("an older backup brings nothing back", func(t *testing.T) {
		newBrowser(t, p.base).refuse(http.StatusUnauthorized, "unauthenticated", "POST", "/api/sign-in", map[string]string{"email": "lea@example.org", "password": password})
		for _, c := range []*conversation{spoken, silent} {
			if out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id); strings.Contains(out, "session_started") || !strings.Contains(out, "session_erased") {
				t.Errorf("of a session is left: %s", out)
			}
		}
	})
	p.stop()
}
