package embedded

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestSpeech(t *testing.T) {
	t.Run("remembers the reason, not the farewell", func(t *testing.T) {
		said := say(t, &bytes.Buffer{}, "LOG:  starting\nFATAL:  could not bi", "nd\nLOG:  database system is shut down\n")
		if want := "FATAL:  could not bind"; said.last != want {
			t.Errorf("got %q, want %q", said.last, want)
		}
	})

	t.Run("remembers the last line when there is no reason", func(t *testing.T) {
		said := say(t, &bytes.Buffer{}, "first\n\nerror while loading shared libraries")
		if want := "error while loading shared libraries"; said.last != want {
			t.Errorf("got %q, want %q", said.last, want)
		}
	})

	t.Run("bothers nobody with routine", func(t *testing.T) {
		var log bytes.Buffer
		say(t, &log, "LOG:  starting\nWARNING:  out of shape\nERROR:  no such table\n")
		if got := log.String(); strings.Contains(got, "starting") ||
			!strings.Contains(got, "level=WARN msg=\"postgres: WARNING") || !strings.Contains(got, "level=ERROR") {
			t.Errorf("logged %s", got)
		}
	})
}

func say(t *testing.T, log *bytes.Buffer, parts ...string) *speech {
	t.Helper()
	said := &speech{log: slog.New(slog.NewTextHandler(log, nil))}
	for _, part := range parts {
		if _, err := said.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	said.end()
	return said
}
