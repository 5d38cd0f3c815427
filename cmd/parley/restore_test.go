package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/events"
	"parley/events/jetstream"
)

// backedUp runs backup and reads its manifest.
func backedUp(t *testing.T, dir, to string) manifest {
	t.Helper()
	out, errs, code := invoke(t, "", "backup", "--data", dir, "--to", to, "--json")
	var m manifest
	if err := json.Unmarshal([]byte(out), &m); err != nil || code != exitOK {
		t.Fatalf("backup: exit %d, %v, %s%s", code, err, out, errs)
	}
	return m
}

// putBackWell runs restore and wants it to succeed.
func putBackWell(t *testing.T, dir, from string, args ...string) restored {
	t.Helper()
	out, errs, code := invoke(t, "", append([]string{"restore", "--data", dir, "--from", from, "--json", "--yes"}, args...)...)
	var r restored
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || !r.Done {
		t.Fatalf("restore: exit %d, %v, %s%s", code, err, out, errs)
	}
	return r
}

// refuseRestore runs restore and wants it to say why not.
func refuseRestore(t *testing.T, want, dir, from string, args ...string) {
	t.Helper()
	out, errs, code := invoke(t, "", append([]string{"restore", "--data", dir, "--from", from, "--yes"}, args...)...)
	if code == exitOK || !strings.Contains(errs, want) {
		t.Errorf("exit %d, want %q: %s%s", code, want, out, errs)
	}
}

// lose removes a folder of an instance that is stopped.
func lose(t *testing.T, path ...string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(path...)); err != nil {
		t.Fatal(err)
	}
}

// again starts the program on its folder and keeps the learner signed in.
func (p *program) again(t *testing.T, browsers ...*browser) *program {
	t.Helper()
	next := start(t, p.dir)
	for _, b := range browsers {
		b.base, b.cookie = next.base, rename(b.cookie, next.base)
	}
	return next
}

func TestBackupAndRestore(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	kept, deleted := ada.silentSession(), ada.silentSession()
	first := filepath.Join(t.TempDir(), "first")
	made := backedUp(t, p.dir, first)

	t.Run("a folder with something in it is left alone", func(t *testing.T) {
		if _, errs, code := invoke(t, "", "backup", "--data", p.dir, "--to", first); code != exitFailed || !strings.Contains(errs, "not empty") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
	t.Run("holds nobody's words, and is for its owner only", func(t *testing.T) {
		for _, f := range append([]packed{{File: manifestFile}}, made.Streams...) {
			path := filepath.Join(first, f.File)
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "marzipan") {
				t.Errorf("%s quotes the learner: %v", f.File, err)
			}
		}
	})
	t.Run("is not restored while the instance runs", func(t *testing.T) {
		refuseRestore(t, "in use", p.dir, first, "--replace")
	})
	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)
	p.untilSwept(t, events.SessionID(deleted.id))
	second := filepath.Join(t.TempDir(), "second")
	backedUp(t, p.dir, second)
	p.stop()

	t.Run("is not restored over a log unasked", func(t *testing.T) { refuseRestore(t, "--replace", p.dir, first) })
	r := putBackWell(t, p.dir, first, "--replace")
	if r.Events != made.of(jetstream.LogStream).Messages || r.Erased != 1 || r.Filtered != 1 {
		t.Errorf("%+v", r)
	}
	p = p.again(t, ada)
	t.Run("read models of another past are named, with what to do", func(t *testing.T) {
		if s := tell[state](t, exitFound, "status", "--data", p.dir, "--json"); s.Mismatch == "" {
			t.Errorf("%+v", s)
		}
		if found, code := verdicts(t, "--data", p.dir); !strings.Contains(found["identity"].Cure, "parley rebuild --accept") || code != exitFound {
			t.Errorf("exit %d, %+v", code, found["identity"])
		}
		if a := newBrowser(t, p.base).do("GET", "/readyz", nil); a.status == http.StatusOK || !strings.Contains(string(a.raw), "parley rebuild --accept") {
			t.Errorf("ready: %s", a)
		}
		_, errs, code := invoke(t, "", "rebuild", "--data", p.dir, "--yes")
		if code != exitFailed || !strings.Contains(errs, "--accept") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
	if r := tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes", "--accept"); !r.Switched {
		t.Fatalf("%+v", r)
	}
	t.Run("comes back, without what was erased since", func(t *testing.T) { wantRestored(t, p, kept, deleted) })
	p.stop()

	lose(t, p.dir, "nats")
	lose(t, p.dir, "postgres")
	t.Run("needs a newer ledger when the one here is lost", func(t *testing.T) {
		refuseRestore(t, "--accept-older-ledger", p.dir, first)
		refuseRestore(t, "not a newer backup", p.dir, second, "--ledger", first)
	})
	if r := putBackWell(t, p.dir, first, "--ledger", second); r.Erased != 1 || r.Filtered != 1 {
		t.Errorf("%+v", r)
	}
	p = p.again(t)
	ada = signIn(t, p.base, "ada@example.org")
	kept.browser, deleted.browser = ada, ada
	kept.must(http.StatusOK, "GET", kept.path("?min_position="+made.of(jetstream.LogStream).Last.String()), nil) // the read models begin empty
	t.Run("comes back after the loss of all streams", func(t *testing.T) { wantRestored(t, p, kept, deleted) })
	p.stop()

	t.Run("keys of another vault are kept unless told", func(t *testing.T) {
		elsewhere := start(t, t.TempDir())
		elsewhere.setUp(t)
		elsewhere.stop()
		refuseRestore(t, "--replace-keys", elsewhere.dir, first, "--replace", "--accept-older-ledger")
	})
}

// A deletion that nobody has begun when the log is replaced is not lost with it, be it
// of a session or of an account, whose receipt goes on to be good.
func TestRestoreKeepsWhatWasAsked(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	lea := signIn(t, p.base, "lea@example.org")
	deleted, hers := ada.recorded(t), lea.silentSession()
	backup := filepath.Join(t.TempDir(), "backup")
	backedUp(t, p.dir, backup)
	p.stop()
	p = startWith(t, p.dir, []string{"--roles", "web,projector"}) // nobody erases
	for _, b := range []*browser{ada, lea} {
		b.base, b.cookie = p.base, rename(b.cookie, p.base)
	}
	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)
	receipt := lea.must(http.StatusAccepted, "DELETE", "/api/me", nil).text("receipt")
	p.stop()

	if r := putBackWell(t, p.dir, backup, "--replace"); r.Asked != 2 || r.Filtered != 0 {
		t.Errorf("%+v", r)
	}
	p = p.again(t, ada)
	tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes", "--accept")
	p.untilSwept(t, events.SessionID(deleted.id))
	p.untilSwept(t, events.SessionID(hers.id))
	if a := deleted.do("GET", deleted.path(""), nil); a.status != http.StatusNotFound {
		t.Errorf("the deleted session is back: %s", a)
	}
	wantSweptReceipt(t, ada.must(http.StatusOK, "GET", deleted.path("/receipt"), nil), map[string]float64{"keys": 1, "objects": 2})
	newBrowser(t, p.base).must(http.StatusOK, "POST", "/api/receipt", map[string]string{"receipt": receipt})
	p.stop()
}

// wantRestored reads the session that was kept, and does not find the other.
func wantRestored(t *testing.T, p *program, kept, deleted *conversation) {
	t.Helper()
	wantSegments(t, kept)
	if a := deleted.do("GET", deleted.path(""), nil); a.status != http.StatusNotFound {
		t.Errorf("the erased session is back: %s", a)
	}
	out, errs, _ := invoke(t, "", "replay", "--data", p.dir, "--json", deleted.id)
	if strings.Contains(out, "session_started") || strings.Count(out, "session_erased") != 2 {
		t.Errorf("the log holds of the erased session: %s%s", out, errs)
	}
}

func TestDamagedBackup(t *testing.T) {
	p := start(t, t.TempDir())
	whole := filepath.Join(t.TempDir(), "backup")
	backedUp(t, p.dir, whole)
	p.stop()
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"cut short before its end": {func(t *testing.T, dir string) { lose(t, dir, manifestFile) }, "cut short"},
		"a file cut short": {func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "log.snapshot"), 100); err != nil {
				t.Fatal(err)
			}
		}, "cut short"},
		"a file lost":        {func(t *testing.T, dir string) { lose(t, dir, "keys.snapshot") }, "keys.snapshot"},
		"one bit turned":     {func(t *testing.T, dir string) { turnBit(t, filepath.Join(dir, "ledger.snapshot")) }, "damaged"},
		"a broken manifest":  {func(t *testing.T, dir string) { edit(t, dir, `"format"`, `"format`) }, "cannot be read"},
		"another format":     {func(t *testing.T, dir string) { edit(t, dir, `"format": 1`, `"format": 2`) }, "format 2"},
		"a stream left out":  {func(t *testing.T, dir string) { edit(t, dir, `"PARLEY_ERASED"`, `"OTHER"`) }, "PARLEY_ERASED"},
		"a path that climbs": {func(t *testing.T, dir string) { edit(t, dir, `"log.snapshot"`, `"../log.snapshot"`) }, "no file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "damaged")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			c.damage(t, dir)
			refuseRestore(t, c.want, p.dir, dir, "--replace")
		})
	}
	t.Run("and the log that was there still is", func(t *testing.T) {
		refuseRestore(t, "there is a log here", p.dir, whole)
	})
}

func turnBit(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		text[len(text)/2] ^= 1
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// edit changes the manifest of a backup by hand.
func edit(t *testing.T, dir, old, new string) {
	t.Helper()
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
