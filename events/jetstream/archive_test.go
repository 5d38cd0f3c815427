package jetstream_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func snapshotOf(t *testing.T, nc *nats.Conn, stream jetstream.Stream) ([]byte, jetstream.Contents) {
	t.Helper()
	var file bytes.Buffer
	held, err := jetstream.NewArchive(nc).Snapshot(t.Context(), stream, &file)
	if err != nil {
		t.Fatalf("snapshot of %s: %v", stream, err)
	}
	return file.Bytes(), held
}

// restoreAll carries a log from one server to a new one.
func restoreAll(t *testing.T, from, to *nats.Conn) {
	t.Helper()
	for _, stream := range []jetstream.Stream{jetstream.KeyStream, jetstream.LogStream, jetstream.LedgerStream} {
		file, held := snapshotOf(t, from, stream)
		got, err := jetstream.NewArchive(to).Restore(t.Context(), stream, bytes.NewReader(file))
		if err != nil || got.Messages != held.Messages || got.Last != held.Last {
			t.Fatalf("%s: restored %+v of %+v (%v)", stream, got, held, err)
		}
	}
}

func TestRestoredLog(t *testing.T) {
	b := eventstest.NewBundle(t)
	words := said(anna, 1, "me pone un café")
	first, err := appendTo(t.Context(), b.Log, events.ExpectNew(), []events.Event{words})
	if err != nil {
		t.Fatal(err)
	}
	gone := b.Append(t, bea.Aggregate(), eventstest.Turns(bea, 1, 1)[0].Body)
	b.Append(t, bea.Aggregate(), &events.SessionErased{Positions: events.NumbersOf(int64(gone))})
	if err := b.Log.SecureDelete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := b.Log.Ledger().Record(t.Context(), bea.Aggregate(), b.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	server := eventstest.StartNATS(t)
	nc := server.Connect()
	restoreAll(t, b.Conn, nc)
	restored := eventstest.OpenLog(t, nc, jetstream.Config{})

	t.Run("holds the same words at the same positions", func(t *testing.T) {
		got, err := restored.Load(t.Context(), anna.Aggregate(), 0)
		if err != nil || len(got) != 1 || got[0].Position != first || got[0].ID != words.ID {
			t.Fatalf("got %+v, %v", got, err)
		}
		if text := got[0].Body.(*events.SegmentTranscribed).Private.Text; text != "me pone un café" {
			t.Errorf("she said %q", text)
		}
	})
	t.Run("does not hold what was erased", func(t *testing.T) {
		if there, err := restored.Has(t.Context(), gone); err != nil || there {
			t.Errorf("position %d is there: %t (%v)", gone, there, err)
		}
	})
	t.Run("is the same epoch, made anew", func(t *testing.T) {
		before, after := identify(t, b.Log), identify(t, restored)
		if after.Epoch != before.Epoch || after.Last != before.Last || after.Created.Equal(before.Created) {
			t.Errorf("%+v became %+v", before, after)
		}
	})
	t.Run("goes on", func(t *testing.T) {
		if _, err := appendTo(t.Context(), restored, events.ExpectAt(first), eventstest.Turns(anna, 3, 2)); err != nil {
			t.Error(err)
		}
	})
	t.Run("its ledger lists the erased", func(t *testing.T) {
		listed, err := restored.Ledger().All(t.Context())
		if err != nil || len(listed) != 1 || listed[0].Of != bea.Aggregate() || listed[0].ErasedAt.IsZero() {
			t.Errorf("got %+v, %v", listed, err)
		}
	})
	t.Run("is still the same after a restart", func(t *testing.T) {
		before := identify(t, restored)
		restart(server, nc)
		if after := identify(t, restored); after != before {
			t.Errorf("%+v became %+v", before, after)
		}
	})
}

func identify(t *testing.T, log *jetstream.Log) events.Identity {
	t.Helper()
	id, err := log.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSnapshotOfALargeLog(t *testing.T) {
	b := eventstest.NewBundle(t)
	last := events.Position(0)
	for n := range 3 { // some megabytes: more than one piece
		evs := eventstest.Turns(anna, events.MaxAppend, 1+n*events.MaxAppend)
		for i := range evs {
			evs[i].Correlation = string(bytes.Repeat([]byte{byte('a' + i%26)}, 1000))
		}
		var err error
		if last, err = appendTo(t.Context(), b.Log, events.ExpectAt(last), evs); err != nil {
			t.Fatal(err)
		}
	}
	nc := eventstest.StartNATS(t).Connect()
	restoreAll(t, b.Conn, nc)
	got, err := eventstest.OpenLog(t, nc, jetstream.Config{AnswerWait: time.Minute}).Load(t.Context(), anna.Aggregate(), 0)
	if err != nil || len(got) != 3*events.MaxAppend || got[len(got)-1].Position != last {
		t.Errorf("%d events were restored, want %d (%v)", len(got), 3*events.MaxAppend, err)
	}
}

func TestRestoreOfWhatIsNotWhole(t *testing.T) {
	b := eventstest.NewBundle(t)
	b.Append(t, anna.Aggregate(), &events.RecordingMuted{On: true})
	file, _ := snapshotOf(t, b.Conn, jetstream.LogStream)
	nc := eventstest.StartNATS(t).Connect()
	archive := jetstream.NewArchive(nc)
	changed := bytes.Clone(file)
	changed[len(changed)/2] ^= 1
	for name, c := range map[string]struct {
		stream jetstream.Stream
		file   []byte
	}{
		"nothing":              {jetstream.LogStream, nil},
		"another file":         {jetstream.LogStream, []byte("PK\x03\x04 this is a zip file")},
		"cut in its head":      {jetstream.LogStream, file[:40]},
		"cut in the middle":    {jetstream.LogStream, file[:len(file)/2]},
		"cut by its last byte": {jetstream.LogStream, file[:len(file)-1]},
		"one bit changed":      {jetstream.LogStream, changed},
		"of another stream":    {jetstream.KeyStream, file},
	} {
		t.Run(name+" is refused, and nothing is made", func(t *testing.T) {
			if _, err := archive.Restore(t.Context(), c.stream, bytes.NewReader(c.file)); events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v, want %s", err, events.CodeInvalid)
			}
			if _, err := archive.Contents(t.Context(), c.stream); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("the stream: got %v, want %s", err, events.CodeNotFound)
			}
		})
	}
	t.Run("whole is restored", func(t *testing.T) {
		if _, err := archive.Restore(t.Context(), jetstream.LogStream, bytes.NewReader(file)); err != nil {
			t.Error(err)
		}
	})
	t.Run("over a stream that is there conflicts, and leaves it", func(t *testing.T) {
		if _, err := archive.Restore(t.Context(), jetstream.LogStream, bytes.NewReader(file)); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("got %v, want %s", err, events.CodeConflict)
		}
		if held, err := archive.Contents(t.Context(), jetstream.LogStream); err != nil || held.Messages != 1 {
			t.Errorf("it holds %+v (%v)", held, err)
		}
	})
	t.Run("after removing it is restored again", func(t *testing.T) {
		if err := archive.Remove(t.Context(), jetstream.LogStream); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Restore(t.Context(), jetstream.LogStream, bytes.NewReader(file)); err != nil {
			t.Error(err)
		}
	})
}

func TestSnapshotOfNoStream(t *testing.T) {
	archive := jetstream.NewArchive(eventstest.StartNATS(t).Connect())
	if _, err := archive.Snapshot(t.Context(), jetstream.LogStream, new(bytes.Buffer)); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v, want %s", err, events.CodeNotFound)
	}
	if err := archive.Remove(t.Context(), jetstream.LogStream); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}
