package http

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/events"
)

func TestArchive(t *testing.T) {
	said := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	t.Run("names what broke off, and keeps the rest", func(t *testing.T) {
		var out bytes.Buffer
		a := newArchive(&out, 7, time.Unix(1, 0))
		a.put("audio.webm", func(w io.Writer) error {
			return errors.Join(said("half")(w), events.Errorf(events.CodeUnavailable, "the object store broke off"))
		})
		a.put("transcript.txt", said("whole"))
		a.miss("gone.webm", errors.New("password=hunter2"))
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
		m, files := opened(t, out.Bytes())
		if m.Complete || m.Position != 7 || len(m.Entries) != 2 || files["audio.webm"] != "half" || files["transcript.txt"] != "whole" {
			t.Errorf("%+v %v", m, files)
		}
		if len(m.Missing) != 2 || m.Missing[0] != (MissingEntry{"audio.webm", "the object store broke off"}) || strings.Contains(m.Missing[1].Because, "hunter2") {
			t.Errorf("%+v", m.Missing)
		}
	})
	t.Run("holds no content back", func(t *testing.T) {
		var out bytes.Buffer
		a := newArchive(&out, 7, time.Unix(1, 0))
		const size, buffers = 1 << 20, 64 << 10
		a.put("audio.webm", func(w io.Writer) error {
			_, err := w.Write(make([]byte, size))
			if out.Len() < size-buffers {
				t.Errorf("only %d of %d bytes went out", out.Len(), size)
			}
			return err
		})
	})
	t.Run("is not ended when its reader leaves", func(t *testing.T) {
		a := newArchive(&leaving{after: 10_000}, 7, time.Unix(1, 0))
		a.put("long.txt", said(strings.Repeat("x", 20_000)))
		if err := a.close(); !a.abandoned() || !errors.Is(err, errLeft) {
			t.Errorf("abandoned %v, %v", a.abandoned(), err)
		}
	})
}

var errLeft = errors.New("the reader left")

// leaving reads so many bytes.
type leaving struct{ after int }

func (l *leaving) Write(p []byte) (int, error) {
	if l.after -= len(p); l.after < 0 {
		return 0, errLeft
	}
	return len(p), nil
}

func opened(t *testing.T, raw []byte) (m Manifest, files map[string]string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range r.File {
		entry, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(entry)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	return m, files
}

func TestOneExportAtATime(t *testing.T) {
	var e exports
	done, err := e.begin("ada")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.begin("ada"); events.CodeOf(err) != events.CodeLimited || problemOf(err).GetHeaders().Get("Retry-After") != "60" {
		t.Errorf("a second one: %v", err)
	}
	if _, err := e.begin("lea"); err != nil {
		t.Errorf("somebody else's: %v", err)
	}
	done()
	if _, err := e.begin("ada"); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
