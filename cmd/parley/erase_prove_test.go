package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"parley/cmd/parley/embedded"
)

// closedFolder has one file that may not be read.
type closedFolder struct{ fstest.MapFS }

func (f closedFolder) Open(name string) (fs.File, error) {
	if name == "closed" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.Open(name)
}

func TestSearchFolderNamesWhatItMissed(t *testing.T) {
	m, err := markerOf("Two marzipan croissants")
	if err != nil {
		t.Fatal(err)
	}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o600} }
	for name, c := range map[string]struct {
		folder fs.FS
		missed string
		files  int
	}{
		"nothing":           {fstest.MapFS{"a/b": file("x")}, "", 1},
		"a closed file":     {closedFolder{fstest.MapFS{"closed": file("x"), "open": file("x")}}, "closed", 1},
		"a link":            {fstest.MapFS{"nats": &fstest.MapFile{Data: []byte("/mnt"), Mode: fs.ModeSymlink}, "open": file("x")}, "nats", 1},
		"a compressed file": {fstest.MapFS{"old.gz": file("\x1f\x8b\x08\x00")}, "old.gz", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := searchFolder(t.Context(), c.folder, m)
			if err != nil || s.Files != c.files || strings.Contains(strings.Join(s.Missed, " "), c.missed) != true || (len(s.Missed) > 0) != (c.missed != "") {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	t.Run("a folder that is not there is no empty one", func(t *testing.T) {
		if s, err := searchFolder(t.Context(), os.DirFS(filepath.Join(t.TempDir(), "gone")), m); err == nil {
			t.Errorf("%+v", s)
		}
	})
}

// "It is nowhere" is said of what was searched alone.
func TestProveSaysNoMoreThanItSearched(t *testing.T) {
	const session, phrase = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "a phrase that nobody said"
	p := start(t, t.TempDir())
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"an empty folder": t.TempDir(), "no folder": filepath.Join(t.TempDir(), "typo")} {
		t.Run(name+" proves nothing", func(t *testing.T) {
			if out, errs, code := invoke(t, phrase, "erase", "--prove", session, "--data", dir, "--marker-stdin"); code != exitFailed || !strings.Contains(errs, "no data folder of Parley") {
				t.Errorf("exit %d: %s%s", code, out, errs)
			}
		})
	}
	t.Run("a folder with everything in it does", func(t *testing.T) { lookFor(t, exitOK, p.dir, session, phrase) })
	t.Run("a folder behind a link is the folder", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "data")
		if err := os.Symlink(p.dir, link); err != nil {
			t.Fatal(err)
		}
		if found := lookFor(t, exitOK, link, session, phrase); found.Bytes < 1<<20 {
			t.Errorf("%+v", found.searched)
		}
	})
	servers := []string{
		"PARLEY_NATS_URL=" + strings.Replace(at.NATS.URL, "://", "://"+at.NATS.User+":"+at.NATS.Password+"@", 1), "PARLEY_ACCEPT_UNKNOWN_DURABILITY=1",
		"PARLEY_POSTGRES_URL=" + at.Postgres.URL,
		"PARLEY_S3_ENDPOINT=" + at.S3.Endpoint, "PARLEY_S3_ACCESS_KEY=" + at.S3.AccessKey, "PARLEY_S3_SECRET_KEY=" + at.S3.SecretKey,
		"PARLEY_MASTER_KEY_FILE=" + filepath.Join(p.dir, "keys", "master"),
	}
	q := start(t, t.TempDir(), servers...)
	wantMissed := func(t *testing.T) {
		found := lookFor(t, exitMissed, q.dir, session, phrase)
		for _, server := range []string{"the event log", "PostgreSQL", "the object store"} {
			if !slices.ContainsFunc(found.Missed, func(m string) bool { return strings.HasPrefix(m, server) }) {
				t.Errorf("%s is not named: %q", server, found.Missed)
			}
		}
	}
	t.Run("servers that the running instance has elsewhere are named", wantMissed)
	q.stop()
	t.Run("and when it has stopped", wantMissed)
	t.Run("a server that this shell has elsewhere is named", func(t *testing.T) {
		t.Setenv("PARLEY_POSTGRES_URL", at.Postgres.URL)
		if found := lookFor(t, exitMissed, p.dir, session, phrase); len(found.Missed) != 1 || !strings.HasPrefix(found.Missed[0], "PostgreSQL") {
			t.Errorf("%q", found.Missed)
		}
	})
	t.Run("people read it too", func(t *testing.T) {
		out, _, code := invoke(t, phrase, "erase", "--prove", session, "--data", q.dir, "--marker-stdin")
		if code != exitMissed || !strings.Contains(out, "could not be searched") || json.Valid([]byte(out)) {
			t.Errorf("exit %d: %s", code, out)
		}
	})
	p.stop()
}
