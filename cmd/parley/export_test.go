package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/cmd/parley/embedded"
	"parley/events"
	door "parley/http"
)

// unzipped reads an export, and holds each entry against the manifest.
func unzipped(t *testing.T, a answer) (door.Manifest, map[string]string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(a.raw), int64(len(a.raw)))
	if err != nil {
		t.Fatalf("no zip: %v: %s", err, a)
	}
	files := map[string]string{}
	for _, f := range r.File {
		entry, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(entry)
		if err != nil || f.Method != zip.Store {
			t.Fatalf("%s: method %d, %v", f.Name, f.Method, err)
		}
		files[f.Name] = string(content)
	}
	var m door.Manifest
	if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
		t.Fatalf("manifest: %v", err)
	}
	listed := []string{"manifest.json"}
	for _, e := range m.Entries {
		sum := sha256.Sum256([]byte(files[e.Name]))
		if e.SHA256 != hex.EncodeToString(sum[:]) || e.Size != int64(len(files[e.Name])) {
			t.Errorf("%s is not as the manifest says: %+v", e.Name, e)
		}
		listed = append(listed, e.Name)
	}
	if slices.Sort(listed); !slices.Equal(listed, slices.Sorted(maps.Keys(files))) {
		t.Errorf("the manifest lists %v", listed)
	}
	return m, files
}

func TestExport(t *testing.T) {
	p := start(t, t.TempDir())
	p.setUp(t)
	addAccount(t, p.dir, "lea@example.org", "learner")
	addAccount(t, p.dir, "eve@example.org", "learner")
	lea, eve := signIn(t, p.base, "lea@example.org"), signIn(t, p.base, "eve@example.org")
	foreign := eve.silentSession()
	lea.must(http.StatusCreated, "POST", "/api/topics", map[string]any{"title": "Mushrooms", "language": "en-US", "level": "B1"})
	c := lea.recordedSession(t)

	t.Run("holds everything of mine as its own routes give it", func(t *testing.T) {
		m, files := unzipped(t, lea.must(http.StatusOK, "GET", "/api/me/export", nil))
		wantWhole(t, m, c, files)
		if c := m.Counts; c.Sessions != 1 || c.Recordings != 1 || c.Topics != 1 || c.AuditLines == 0 {
			t.Errorf("%+v", c)
		}
		for name, word := range map[string]string{"account.json": "lea@example.org", "topics.json": "Mushrooms", "audit.json": "signed_in"} {
			if !json.Valid([]byte(files[name])) || !strings.Contains(files[name], word) {
				t.Errorf("%s: %s", name, files[name])
			}
		}
	})
	t.Run("holds nothing of anybody else's, and no secret", func(t *testing.T) {
		_, files := unzipped(t, lea.must(http.StatusOK, "GET", "/api/me/export", nil))
		_, cookie, _ := strings.Cut(lea.cookie, "=")
		for name, content := range files {
			for _, not := range []string{foreign.id, "eve@example.org", "$argon2id$", cookie} {
				if strings.Contains(name+content, not) {
					t.Errorf("%s holds %s", name, not)
				}
			}
		}
	})
	t.Run("one session comes alone", func(t *testing.T) {
		a := c.must(http.StatusOK, "GET", c.path("/export"), nil)
		m, files := unzipped(t, a)
		if !m.Complete || len(m.Entries) != 4 || !strings.Contains(files["transcript.txt"], "marzipan") {
			t.Errorf("%+v", m)
		}
		if a.header.Get("Content-Type") != "application/zip" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", a.header)
		}
	})
	t.Run("HEAD makes none", func(t *testing.T) {
		if a := lea.must(http.StatusOK, "HEAD", "/api/me/export", nil); len(a.raw) != 0 || a.header.Get("Content-Type") != "application/zip" {
			t.Errorf("%v %s", a.header, a)
		}
	})
	open := lea.startSession()
	t.Run("names the recording that is not finished", func(t *testing.T) {
		m, _ := unzipped(t, lea.must(http.StatusOK, "GET", "/api/me/export", nil))
		if m.Complete || len(m.Missing) != 1 || m.Missing[0].Name != "sessions/"+open.id+"/audio" || m.Counts.Sessions != 2 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("names the recording that the store has lost", func(t *testing.T) {
		p.loseRecording(t, events.SessionID(c.id))
		m, files := unzipped(t, c.must(http.StatusOK, "GET", c.path("/export"), nil))
		if m.Complete || len(m.Missing) != 1 || m.Missing[0].Name != "audio.webm" || m.Missing[0].Because == "" || files["transcript.txt"] == "" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("is on my audit trail", func(t *testing.T) {
		at := lea.startSession().must(http.StatusOK, "GET", open.path(""), nil).text("position")
		mine := lines(lea.must(http.StatusOK, "GET", "/api/me/audit?min_position="+at, nil))
		if !slices.Contains(mine, "exported you export") {
			t.Errorf("%q", mine)
		}
	})
	p.stop()
}

func wantWhole(t *testing.T, m door.Manifest, c *conversation, files map[string]string) {
	t.Helper()
	at, err := events.ParsePosition(c.must(http.StatusOK, "GET", c.path(""), nil).text("position"))
	if err != nil || !m.Complete || m.Position < at {
		t.Errorf("%+v, the session is at %v (%v)", m, at, err)
	}
	for file, route := range map[string]string{
		"transcript.json": "/transcript.json", "transcript.vtt": "/transcript.vtt", "transcript.txt": "/transcript.txt", "audio.webm": "/audio",
	} {
		want := c.must(http.StatusOK, "GET", c.path(route), nil).raw
		if got := files["sessions/"+c.id+"/"+file]; got != string(want) || got == "" {
			t.Errorf("%s: %d bytes, want %d", file, len(got), len(want))
		}
	}
}

// recordedSession is one that was spoken, recorded and saved.
func (b *browser) recordedSession(t *testing.T) *conversation {
	t.Helper()
	c := b.startSession()
	c.token()
	c.report()
	c.end()
	recording := sample(t)
	c.announce(recording)
	if a := c.put(recording); a.status != http.StatusOK {
		t.Fatalf("put: %s", a)
	}
	if a := c.complete(); a.status != http.StatusOK {
		t.Fatalf("complete: %s", a)
	}
	c.saved()
	c.measured() // later its position would move on
	return c
}

// loseRecording takes the recording away behind the program's back.
func (p *program) loseRecording(t *testing.T, id events.SessionID) {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := readConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	store, _, err := openStore(t.Context(), config, *at.S3)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := store.RemoveSession(t.Context(), id); err != nil || n == 0 {
		t.Fatalf("%d objects removed: %v", n, err)
	}
}
