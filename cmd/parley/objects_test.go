package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/projections/recording"
	"parley/projections/s3"
)

// storeOf opens the store of a program that runs.
func storeOf(t *testing.T, dir string) *s3.Store {
	t.Helper()
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	store, err := reach{Config{S3Bucket: "parley"}, dir, at}.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// checkObjects wants to be told these and nothing else.
func (p *program) checkObjects(t *testing.T, code int, wants ...string) string {
	t.Helper()
	out, errs, got := invoke(t, "", "objects", "check", "--data", p.dir, "--json")
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if got != code || strings.Count(out, "\n") != len(wants) {
		t.Errorf("exit %d, want %d: %s%s", got, code, out, errs)
	}
	return out
}

// lay puts some bytes into the store.
func lay(t *testing.T, store *s3.Store, key string, body []byte) {
	t.Helper()
	sum := sha256.Sum256(body)
	o := recording.Object{Key: key, ContentType: "audio/webm", Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
	if _, err := store.Put(t.Context(), o, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
}

func TestObjects(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.recorded(t)
	store := storeOf(t, p.dir)
	check := func(code int, wants ...string) string { return p.checkObjects(t, code, wants...) }

	t.Run("says nothing when store and log agree", func(t *testing.T) { check(exitOK) })
	t.Run("tells what the log does not know, and sweep leaves it", func(t *testing.T) {
		lay(t, store, "audio/elsewhere/1", []byte("of nobody"))
		check(exitFound, `"what":"foreign","key":"audio/elsewhere/1"`)
		if out, errs, code := invoke(t, "", "objects", "sweep", "--data", p.dir, "--yes", "--json"); code != exitOK || !strings.Contains(out, `"removed":0`) {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
		check(exitFound, "audio/elsewhere/1")
		if err := store.Remove(t.Context(), "audio/elsewhere/1"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("tells an orphan, and sweep removes it", func(t *testing.T) {
		key := recording.IncomingKey(events.SessionID(c.id), events.UploadID(newID()))
		lay(t, store, key, []byte("never announced"))
		check(exitOK) // it is young
		long := time.Now().Add(-25 * time.Hour)
		if err := os.Chtimes(filepath.Join(p.dir, "s3", "objects", "parley", filepath.FromSlash(key)), long, long); err != nil {
			t.Fatal(err)
		}
		check(exitFound, `"what":"orphan","key":"`+key+`","session":"`+c.id+`","size":15`)
		if out, errs, code := invoke(t, "", "objects", "sweep", "--data", p.dir, "--yes", "--json"); code != exitOK || !strings.Contains(out, `"removed":1`) {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
		check(exitOK)
	})
	t.Run("tells what holds other bytes", func(t *testing.T) {
		key := recording.AudioKey(events.SessionID(c.id), events.UploadID(c.upload), "audio/webm")
		if err := store.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		lay(t, store, key, []byte("others"))
		check(exitFound, `"what":"differs","key":"`+key+`","session":"`+c.id+`","size":6`)
	})
	t.Run("tells what is missing from the store", func(t *testing.T) {
		if _, err := store.RemoveSession(t.Context(), events.SessionID(c.id)); err != nil {
			t.Fatal(err)
		}
		if out := check(exitFound, `.webm","session":"`+c.id, `.levels","session":"`+c.id); strings.Count(out, `"what":"missing"`) != 2 {
			t.Errorf("%s", out)
		}
	})
	p.stop()
}

// What was refused because it was not there alarms until it is made good, by an operator
// or by a second upload, and then no longer.
func TestObjectsMadeGood(t *testing.T) {
	p := startWith(t, t.TempDir(), []string{"--roles", "web,projector"})
	ada := p.setUp(t)
	store, file := storeOf(t, p.dir), sample(t)
	bring := func(t *testing.T, c *conversation) (key string) {
		t.Helper()
		c.announce(file)
		if a := c.put(file); a.status != http.StatusOK {
			t.Fatalf("upload: %s", a)
		}
		if a := c.complete(); a.status != http.StatusOK {
			t.Fatalf("complete: %s", a)
		}
		return recording.IncomingKey(events.SessionID(c.id), events.UploadID(c.upload))
	}
	lost := func(t *testing.T) (c *conversation, key string) {
		t.Helper()
		c = ada.silentSession()
		c.end()
		key = bring(t, c)
		if err := store.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if h := p.help(t, "--finalize", c.id); h.Reason != string(recording.ReasonMissing) {
			t.Errorf("%+v", h)
		}
		p.checkObjects(t, exitFound, `"what":"missing","key":"`+key+`"`)
		return c, key
	}
	for name, makeGood := range map[string]func(*testing.T, *conversation, string){
		"by an operator":     func(t *testing.T, _ *conversation, key string) { lay(t, store, key, file) },
		"by a second upload": func(t *testing.T, c *conversation, _ string) { bring(t, c) },
	} {
		t.Run(name, func(t *testing.T) {
			c, key := lost(t)
			makeGood(t, c, key)
			if h := p.help(t, "--finalize", c.id); h.Status != "saved" {
				t.Errorf("%+v", h)
			}
			p.checkObjects(t, exitOK)
		})
	}
	p.stop()
}
