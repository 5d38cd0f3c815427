package jetstream_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// TestGolden holds the stored bytes of each kind to what is kept in testdata.
// A file that is missing is written and the test fails, so that it is looked at
// and committed; one that is there is never written again: these bytes are in
// somebody's log.
func TestGolden(t *testing.T) {
	nc := eventstest.Server(t)
	eventstest.OpenLog(t, nc, jetstream.Config{})
	kinds := slices.Sorted(slices.Values(events.Kinds()))
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { goldenEvent(t, nc, kind.Type(), eventstest.Sample(kind)) })
	}
}

// TestGoldenLaterFields has bytes of their own for fields that a kind was given later:
// those of the kind itself go on to say what it means without them.
func TestGoldenLaterFields(t *testing.T) {
	nc := eventstest.Server(t)
	eventstest.OpenLog(t, nc, jetstream.Config{})
	started := eventstest.Sample(events.KindSessionStarted)
	started.Body.(*events.SessionStarted).TranscriptionModel = "gpt-4o-mini-transcribe"
	goldenEvent(t, nc, started.Body.Kind().Type()+".transcription_model", started)
}

// goldenEvent appends an event to a log that holds none of its aggregate, holds its
// bytes to what is kept under the name, and reads it back.
func goldenEvent(t *testing.T, nc *nats.Conn, name string, want events.Event) {
	t.Helper()
	log := openSeeded(t, nc, string(want.Body.Kind()))
	if _, err := log.Append(t.Context(), want.Aggregate, events.ExpectNew(), want); err != nil {
		t.Fatal(err)
	}
	got, err := log.Load(t.Context(), want.Aggregate, 0)
	if err != nil || len(got) != 1 {
		t.Fatalf("load: %d events, %v", len(got), err)
	}
	golden(t, name, rawAt(t, nc, "PARLEY", uint64(got[0].Position)))
	want.Position, want.Sealed = got[0].Position, got[0].Sealed
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestGoldenDataKey(t *testing.T) {
	nc := eventstest.Server(t)
	log := openSeeded(t, nc, "data key")
	owner := events.AccountID("01KKNQ5E4800000000000000AA").Aggregate()
	if _, err := log.Vault().Seal(t.Context(), owner, owner, "id", events.KindAccountRegistered, []byte("x")); err != nil {
		t.Fatal(err)
	}
	golden(t, "parley_keys", rawAt(t, nc, "PARLEY_KEYS", 1))
}

// openSeeded opens a log whose keys and nonces come out the same in each run.
// What opening itself draws is left out.
func openSeeded(t *testing.T, nc *nats.Conn, seed string) *jetstream.Log {
	t.Helper()
	source := &struct{ io.Reader }{rand.Reader}
	log := eventstest.OpenLog(t, nc, jetstream.Config{Random: source})
	source.Reader = eventstest.Random(seed)
	return log
}

func golden(t *testing.T, name string, m *nats.Msg) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	got := readable(m)
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s was missing and is written now; look at it and commit it", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("stored bytes changed (-kept +now):\n%s", diff)
	}
}

// readable writes a message as text: subject, our headers in order, body.
func readable(m *nats.Msg) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, m.Subject)
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		if !strings.HasPrefix(name, "Nats-") {
			fmt.Fprintf(&b, "%s: %s\n", name, m.Header.Get(name))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", m.Data)
	return b.Bytes()
}
