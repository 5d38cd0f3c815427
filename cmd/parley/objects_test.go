package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

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

func TestObjects(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.recorded(t)
	store := storeOf(t, p.dir)
	check := func(code int, wants ...string) string {
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

	t.Run("says nothing when store and log agree", func(t *testing.T) { check(exitOK) })
	t.Run("tells what the log does not know, and sweep leaves it", func(t *testing.T) {
		body := []byte("of nobody")
		sum := sha256.Sum256(body)
		o := recording.Object{Key: "audio/elsewhere/1", ContentType: "text/plain", Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
		if _, err := store.Put(t.Context(), o, bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		check(exitFound, `"what":"foreign","key":"audio/elsewhere/1"`)
		if out, errs, code := invoke(t, "", "objects", "sweep", "--data", p.dir, "--yes", "--json"); code != exitOK || !strings.Contains(out, `"removed":0`) {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
		check(exitFound, "audio/elsewhere/1")
		if err := store.Remove(t.Context(), o.Key); err != nil {
			t.Fatal(err)
		}
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
