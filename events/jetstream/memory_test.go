package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// begins runs a worker until it has done what is there, or stops by itself.
func begins(t *testing.T, b *eventstest.Bundle) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := identify(t, b.Log).Last
	done := make(chan error, 1)
	go func() {
		done <- b.Log.Work(ctx, jetstream.Worker{
			Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded, events.KindRecordingMuted, events.KindSessionErased},
			Handle: func(_ context.Context, e events.Event) error {
				if e.Position == last {
					cancel()
				}
				return nil
			},
		})
	}()
	err := <-done
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// works checks that the worker runs; what it has done it does not do again, so
// there must be something new.
func works(t *testing.T, b *eventstest.Bundle) {
	t.Helper()
	b.Append(t, events.SessionID(b.IDs.ULID()).Aggregate(), &events.RecordingMuted{})
	if err := begins(t, b); err != nil {
		t.Fatalf("the worker stopped: %v", err)
	}
}

// stops checks that the worker refuses the log, by name.
func stops(t *testing.T, b *eventstest.Bundle, want jetstream.Finding) {
	t.Helper()
	err := begins(t, b)
	var mismatch *jetstream.Mismatch
	if !errors.As(err, &mismatch) || mismatch.Finding != want || events.CodeOf(err) != events.CodeConflict {
		t.Errorf("got %v, want %s", err, want)
	}
}

func deleteAt(t *testing.T, b *eventstest.Bundle, at events.Position) {
	t.Helper()
	if err := b.Log.SecureDelete(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// keep copies the messages of the log while the server is down, and gives a way
// to put them back: the worker's place stays as it is then.
func keep(t *testing.T, b *eventstest.Bundle) (putBack func()) {
	t.Helper()
	messages := filepath.Join(b.NATS.StoreDir(), "jetstream", "$G", "streams", "PARLEY", "msgs")
	kept := t.TempDir()
	between(b.NATS, b.Conn, func() {
		if err := os.CopyFS(kept, os.DirFS(messages)); err != nil {
			t.Fatal(err)
		}
	})
	return func() {
		t.Helper()
		between(b.NATS, b.Conn, func() {
			if err := errors.Join(os.RemoveAll(messages), os.CopyFS(messages, os.DirFS(kept))); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestWorkerKnowsItsLog(t *testing.T) {
	t.Run("the same", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		works(t, b)
		works(t, b)
	})
	t.Run("another epoch was recreated", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		works(t, b)
		changeEpoch(t, b)
		stops(t, b, jetstream.Recreated)
	})
	t.Run("a shorter one lost its tail", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		works(t, b)
		putBack := keep(t, b)
		works(t, b)
		putBack()
		stops(t, b, jetstream.TailLost)
	})
	t.Run("a shorter one that was written on is forked", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		works(t, b)
		putBack := keep(t, b)
		works(t, b)
		putBack()
		b.Append(t, bea.Aggregate(), &events.RecordingMuted{}, &events.RecordingMuted{})
		stops(t, b, jetstream.Forked)
		t.Run("and is worked on when an operator says so", func(t *testing.T) {
			if err := b.Log.Forget(t.Context(), "finalizer"); err != nil {
				t.Fatal(err)
			}
			works(t, b)
		})
	})
	t.Run("one without the event that was its last had it removed", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		works(t, b)
		last := identify(t, b.Log).Last
		b.Append(t, bea.Aggregate(), &events.RecordingMuted{})
		deleteAt(t, b, last)
		stops(t, b, jetstream.Removed)
	})
}

// What stands at the log's end when a worker begins may be anything; the worker
// remembers it, and does not take the same log for another one.
func TestWorkerRemembersWhatNobodyCanRead(t *testing.T) {
	for name, c := range map[string]struct{ subject, header string }{
		"a subject with a colon":     {"parley.session.a:b", "NATS/1.0\r\nce-id: raw\r\n\r\n"},
		"a subject that is no UTF-8": {"parley.session.a\xff\xfeb", "NATS/1.0\r\nce-id: raw\r\n\r\n"},
		"an id that is no UTF-8":     {"parley.session." + string(bea), "NATS/1.0\r\nce-id: a\xff\xfeb\r\n\r\n"},
		"headers that do not parse":  {"parley.session." + string(bea), "NATS/1.0\r\nno colon here\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := eventstest.NewBundle(t)
			remembers(t, b, c.subject, c.header)
			works(t, b)
			bad := remembers(t, b, c.subject, c.header)
			b.Append(t, events.SessionID(b.IDs.ULID()).Aggregate(), &events.RecordingMuted{})
			deleteAt(t, b, bad)
			stops(t, b, jetstream.Removed)
		})
	}
}

// remembers puts a message at the log's end and has the worker begin then.
func remembers(t *testing.T, b *eventstest.Bundle, subject, header string) events.Position {
	t.Helper()
	b.Append(t, events.SessionID(b.IDs.ULID()).Aggregate(), &events.RecordingMuted{})
	eventstest.PutRaw(t, b.NATS.URL(), subject, header, "{}")
	began := make(chan struct{}, 1)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindRecordingMuted},
		Handle: func(context.Context, events.Event) error { began <- struct{}{}; return nil },
	})
	<-began
	w.end(t)
	return identify(t, b.Log).Last
}

func TestWorkerAfterErasures(t *testing.T) {
	erase := func(t *testing.T, b *eventstest.Bundle, positions ...int64) {
		t.Helper()
		b.Append(t, anna.Aggregate(), &events.SessionErased{Positions: events.NumbersOf(positions...)})
		if err := b.Log.Ledger().Record(t.Context(), anna.Aggregate(), b.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		for _, at := range positions {
			deleteAt(t, b, events.Position(at))
		}
	}
	t.Run("an event that a tombstone lists may be gone", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		b.Append(t, bea.Aggregate(), &events.RecordingMuted{})
		b.Append(t, anna.Aggregate(), &events.RecordingMuted{})
		if err := begins(t, b); err != nil {
			t.Fatal(err)
		}
		erase(t, b, 2)
		works(t, b)
	})
	t.Run("a head that tombstones list may be gone", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		b.Append(t, anna.Aggregate(), &events.RecordingMuted{})
		if err := begins(t, b); err != nil {
			t.Fatal(err)
		}
		b.Append(t, anna.Aggregate(), &events.RecordingMuted{On: true})
		erase(t, b, 1, 2)
		works(t, b)
	})
	t.Run("a head that they do not list was purged", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		b.Append(t, anna.Aggregate(), &events.RecordingMuted{})
		if err := begins(t, b); err != nil {
			t.Fatal(err)
		}
		b.Append(t, bea.Aggregate(), &events.RecordingMuted{})
		erase(t, b, 1)
		deleteAt(t, b, 2)
		stops(t, b, jetstream.HeadPurged)
	})
}

// A head that was purged by hand is the worker's business as far as it has not done
// what was there, whatever it remembers of the log's end.
func TestWorkerBehindAPurgedHead(t *testing.T) {
	muted := func(t *testing.T, b *eventstest.Bundle, n int) {
		t.Helper()
		for range n {
			b.Append(t, events.SessionID(b.IDs.ULID()).Aggregate(), &events.RecordingMuted{})
		}
	}
	purge := func(t *testing.T, b *eventstest.Bundle, through events.Position) {
		t.Helper()
		for at := events.Position(1); at <= through; at++ {
			deleteAt(t, b, at)
		}
	}
	// stuck begins and does nothing.
	stuck := func(t *testing.T, b *eventstest.Bundle) {
		t.Helper()
		began := make(chan struct{}, 1)
		w := work(t, b.Log, jetstream.Worker{
			Name: "finalizer", Kinds: []events.Kind{events.KindRecordingMuted},
			Handle: func(ctx context.Context, _ events.Event) error { began <- struct{}{}; <-ctx.Done(); return ctx.Err() },
		})
		<-began
		w.end(t)
	}
	does := func(t *testing.T, b *eventstest.Bundle, n int) {
		t.Helper()
		done := make(chan struct{}, n)
		w := work(t, b.Log, jetstream.Worker{
			Name: "finalizer", Kinds: []events.Kind{events.KindRecordingMuted},
			Handle: func(context.Context, events.Event) error { done <- struct{}{}; return nil },
		})
		for range n {
			<-done
		}
		w.end(t)
	}
	t.Run("what it has not done is missing", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		muted(t, b, 4)
		stuck(t, b)
		purge(t, b, 3)
		stops(t, b, jetstream.HeadPurged)
		t.Run("and is done without, when an operator says so", func(t *testing.T) {
			if err := b.Log.Forget(t.Context(), "finalizer"); err != nil {
				t.Fatal(err)
			}
			stuck(t, b) // nothing is done of what is left
			works(t, b)
			works(t, b)
		})
	})
	t.Run("what it had done when it last began is not", func(t *testing.T) {
		b := eventstest.NewBundle(t)
		for _, n := range []int{3, 1} {
			muted(t, b, n)
			does(t, b, n)
		}
		purge(t, b, 3)
		works(t, b)
	})
}

func TestWorkerOnARestoredLog(t *testing.T) {
	b := eventstest.NewBundle(t)
	works(t, b)
	file, _ := snapshotOf(t, b.Conn, jetstream.LogStream)
	archive := jetstream.NewArchive(b.Conn)
	before := identify(t, b.Log)
	if err := archive.Remove(t.Context(), jetstream.LogStream); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Restore(t.Context(), jetstream.LogStream, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	if after := identify(t, b.Log); after.Created.Equal(before.Created) {
		t.Fatal("the restored log was not made anew")
	}
	t.Run("goes on, and remembers the new one", func(t *testing.T) {
		works(t, b)
		written := place(t, b.Conn, "finalizer").Config.Metadata["parley_created"]
		if want := identify(t, b.Log).Created.Format("2006-01-02T15:04:05.999999999Z07:00"); written != want {
			t.Errorf("it remembers %s, want %s", written, want)
		}
	})
}

func TestWorkerWhoseLogChangesUnderIt(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	seen := make(chan events.Event)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded},
		Handle: func(_ context.Context, e events.Event) error { seen <- e; return nil },
	})
	<-seen
	changeEpoch(t, b)
	restart(b.NATS, b.Conn)
	var mismatch *jetstream.Mismatch
	if err := <-w.done; !errors.As(err, &mismatch) || mismatch.Finding != jetstream.Recreated {
		t.Errorf("got %v, want %s", err, jetstream.Recreated)
	}
}

// changeEpoch makes the log another one, as far as anybody can tell.
func changeEpoch(t *testing.T, b *eventstest.Bundle) {
	t.Helper()
	js, err := natsjs.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	config := rawStream(t, b.Conn, "PARLEY").CachedInfo().Config
	config.Metadata["parley_epoch"] = "01KKNQ5E480000000000000EEE"
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}
