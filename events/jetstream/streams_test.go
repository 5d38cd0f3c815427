package jetstream_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func TestOpenMakesTheStreams(t *testing.T) {
	b := eventstest.NewBundle(t)
	for _, name := range []string{"PARLEY", "PARLEY_KEYS", "PARLEY_SIGNINS", "PARLEY_ERASED", "PARLEY_TIMERS"} {
		t.Run(name+" is on disk, unlimited and erasable", func(t *testing.T) {
			c := rawStream(t, b.Conn, name).CachedInfo().Config
			if c.Storage != natsjs.FileStorage || c.Compression != natsjs.NoCompression || c.Replicas != 1 {
				t.Errorf("storage %v, compression %v, %d replicas", c.Storage, c.Compression, c.Replicas)
			}
			if c.MaxMsgs != -1 || c.MaxBytes != -1 || c.MaxAge != 0 || c.DenyDelete || c.DenyPurge {
				t.Errorf("limits or denials: %+v", c)
			}
		})
	}
	t.Run("the log takes batches; no stream of secrets is read from replicas", func(t *testing.T) {
		if c := rawStream(t, b.Conn, "PARLEY").CachedInfo().Config; !c.AllowAtomicPublish || !c.AllowDirect {
			t.Errorf("%+v", c)
		}
		if c := rawStream(t, b.Conn, "PARLEY_KEYS").CachedInfo().Config; c.AllowDirect || c.MaxMsgsPerSubject != -1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestOpenLeavesWhatIsThere(t *testing.T) {
	b := eventstest.NewBundle(t)
	js, err := natsjs.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	changed := rawStream(t, b.Conn, "PARLEY").CachedInfo().Config
	changed.Description = "an operator's note"
	if _, err := js.UpdateStream(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	before, err := b.Log.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	again := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{})

	if after, err := again.Identity(t.Context()); err != nil || after != before {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
	if c := rawStream(t, b.Conn, "PARLEY").CachedInfo().Config; c.Description != "an operator's note" {
		t.Error("the stream was set back")
	}
}

func TestOpenRefusesAConnectionThatBuffers(t *testing.T) {
	nc := eventstest.StartNATS(t).Connect(nats.ReconnectBufSize(1024))
	log := jetstream.New(nc, jetstream.Config{MasterKey: eventstest.MasterKey()})
	if err := log.Open(t.Context()); events.CodeOf(err) != events.CodeInvalid {
		t.Errorf("got %v, want %s", err, events.CodeInvalid)
	}
}

func TestAppendToANameThatReachesFurther(t *testing.T) {
	b := eventstest.NewBundle(t)
	for _, id := range []string{"", "*", ">", "a.b", "a b", "ä"} {
		e := eventstest.Turns(events.SessionID(id), 1, 1)[0]
		_, err := b.Log.Append(t.Context(), e.Aggregate, events.ExpectNew(), e)
		if events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%q: got %v, want %s", id, err, events.CodeInvalid)
		}
	}
}

func TestOpenGivesAnOlderLogItsNewSubjects(t *testing.T) {
	b := eventstest.NewBundle(t)
	js, err := natsjs.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	older := rawStream(t, b.Conn, "PARLEY").CachedInfo().Config
	older.Subjects = []string{"parley.session.*", "parley.account.*", "parley.topic.*", "parley.email.*", "parley.audit.>"}
	if _, err := js.UpdateStream(t.Context(), older); err != nil {
		t.Fatal(err)
	}

	again := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{})

	claimed := eventstest.Sample(events.KindIdentityClaimed)
	if _, err := again.Append(t.Context(), claimed.Aggregate, events.ExpectNew(), claimed); err != nil {
		t.Error(err)
	}
}
