package jetstream_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func TestWhatWasSaidIsSealed(t *testing.T) {
	b := eventstest.NewBundle(t)
	e := said(anna, 1, secret)
	at, err := b.Log.Append(t.Context(), e.Aggregate, events.ExpectNew(), e)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it is plain to who loads it", func(t *testing.T) {
		got := b.Load(t, annas)[0]
		if text := got.Body.(*events.SegmentTranscribed).Private.Text; text != secret || got.Erased || got.Sealed == nil {
			t.Errorf("got %q, erased %v, %d sealed bytes", text, got.Erased, len(got.Sealed))
		}
	})
	t.Run("the sealed bytes open by themselves", func(t *testing.T) {
		got := b.Load(t, annas)[0]
		private, err := b.Vault.Open(t.Context(), got.KeyOwner(), got.Aggregate, got.ID, got.Body.Kind(), got.Sealed)
		if err != nil || !strings.Contains(string(private), secret) {
			t.Errorf("got %q, %v", private, err)
		}
	})
	t.Run("it is nowhere on the disk", func(t *testing.T) {
		if !onDisk(t, b.NATS, "item_1") || onDisk(t, b.NATS, "café") {
			t.Error("the words are on the disk, or the event is not")
		}
	})
	if err := b.Vault.Destroy(t.Context(), annas); err != nil {
		t.Fatal(err)
	}
	t.Run("without the key it reads as erased, and the rest stays", func(t *testing.T) {
		got := b.Load(t, annas)[0]
		body := got.Body.(*events.SegmentTranscribed)
		if !got.Erased || body.Private.Text != "" || body.Words != 2 || got.Sealed == nil || got.Position != at {
			t.Errorf("got %+v of %+v", body, got)
		}
	})
	t.Run("without the key nothing more is sealed", func(t *testing.T) {
		_, err := b.Log.Append(t.Context(), annas, events.ExpectAt(at), said(anna, 2, secret))
		if events.CodeOf(err) != events.CodeErased {
			t.Errorf("got %v, want %s", err, events.CodeErased)
		}
	})
}

func TestSecureDelete(t *testing.T) {
	b := eventstest.NewBundle(t)
	at := b.Append(t, annas, &events.SegmentPlaced{Call: 1, Item: "item_unlike_any"})
	b.Append(t, annas, &events.SegmentPlaced{Call: 1, Item: "another"})
	if !onDisk(t, b.NATS, "item_unlike_any") {
		t.Fatal("the event is not where this test looks for it")
	}
	for range 2 { // the second time it is gone already
		if err := b.Log.SecureDelete(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("its bytes are off the disk", func(t *testing.T) {
		if onDisk(t, b.NATS, "item_unlike_any") {
			t.Error("they are still there")
		}
	})
	t.Run("the log has it no more, and its neighbour still", func(t *testing.T) {
		gone, err := b.Log.Has(t.Context(), at)
		if err != nil || gone {
			t.Errorf("has %v, %v", gone, err)
		}
		there, err := b.Log.Has(t.Context(), at+1)
		if err != nil || !there {
			t.Errorf("has %v, %v", there, err)
		}
	})
}

// Who reads up to the end must know which event is the last that will come.
func TestEndOfALog(t *testing.T) {
	b := eventstest.NewBundle(t)
	b.Append(t, annas, &events.RecordingMuted{}, &events.RecordingMuted{}, &events.RecordingMuted{})
	for _, c := range []struct {
		remove events.Position
		end    events.Position
	}{{0, 3}, {1, 3}, {3, 2}, {2, 0}} {
		if c.remove > 0 {
			deleteAt(t, b, c.remove)
		}
		if id := identify(t, b.Log); id.Last != 3 || id.End() != c.end {
			t.Errorf("without %d: last %d, end %d; want end %d", c.remove, id.Last, id.End(), c.end)
		}
	}
	b.Append(t, bea.Aggregate(), &events.RecordingMuted{})
	if id := identify(t, b.Log); id.Last != 4 || id.End() != 4 {
		t.Errorf("written on: last %d, end %d", id.Last, id.End())
	}
}

func TestUnreadableEvents(t *testing.T) {
	b := eventstest.NewBundle(t)
	first := b.Append(t, annas, &events.SegmentPlaced{Call: 1, Item: "a"})
	good := rawAt(t, b.Conn, "PARLEY", uint64(first))
	for name, spoil := range map[string]func(*nats.Msg){
		"an unknown kind":        func(m *nats.Msg) { m.Header.Set("ce-type", "parley.weather_changed.v1") },
		"an unknown version":     func(m *nats.Msg) { m.Header.Set("ce-type", "parley.segment_placed.v9") },
		"no JSON":                func(m *nats.Msg) { m.Data = []byte("{") },
		"an unknown member":      func(m *nats.Msg) { m.Data = []byte(`{"call":1,"item":"a","weather":"fine"}`) },
		"a seal that is no seal": func(m *nats.Msg) { m.Data = []byte(`{"call":1,"item":"a","sealed":"AAAA"}`) },
		"a seal that is no text": func(m *nats.Msg) { m.Data = []byte(`{"call":1,"item":"a","sealed":"*"}`) },
		"no id":                  func(m *nats.Msg) { m.Header.Del("ce-id") },
		"a broken time":          func(m *nats.Msg) { m.Header.Set("ce-time", "yesterday") },
		"a broken number":        func(m *nats.Msg) { m.Header.Set("ce-n", "many") },
		"a broken outbox":        func(m *nats.Msg) { m.Header.Set("ce-outbox", "9-1") },
		"another's subject":      func(m *nats.Msg) { m.Header.Set("ce-subject", "session/else") },
		"another specification":  func(m *nats.Msg) { m.Header.Set("ce-specversion", "2.0") },
		"no headers":             func(m *nats.Msg) { m.Header = nats.Header{} },
	} {
		t.Run(name, func(t *testing.T) {
			m := &nats.Msg{Subject: good.Subject, Header: nats.Header{}, Data: good.Data}
			for key := range good.Header {
				if strings.HasPrefix(key, "ce-") {
					m.Header.Set(key, good.Header.Get(key))
				}
			}
			spoil(m)
			js, err := natsjs.New(b.Conn)
			if err != nil {
				t.Fatal(err)
			}
			ack, err := js.PublishMsg(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Log.Load(t.Context(), annas, events.Position(ack.Sequence-1))
			if err != nil || len(got) != 1 {
				t.Fatalf("%d events, %v", len(got), err)
			}
			body, is := got[0].Body.(*events.Unreadable)
			if !is || body.Reason == "" || string(body.Raw) != string(m.Data) || got[0].Aggregate != annas {
				t.Errorf("got %+v with %+v", got[0], got[0].Body)
			}
		})
	}
}

func TestFollowOverARestart(t *testing.T) {
	n := eventstest.StartNATS(t)
	reader := eventstest.OpenLog(t, n.Connect(), jetstream.Config{})
	writer := eventstest.OpenLog(t, n.Connect(), jetstream.Config{})
	first, err := appendTo(t.Context(), writer, events.ExpectNew(), eventstest.Turns(anna, 3, 1))
	if err != nil {
		t.Fatal(err)
	}
	seen, err := eventstest.FollowUntil(t.Context(), reader, func(seen []events.Event) bool {
		if len(seen) == 3 {
			n.Stop()
			n.Start()
			if _, err := appendTo(t.Context(), writer, events.ExpectAt(first), eventstest.Turns(anna, 3, 4)); err != nil {
				t.Error(err)
			}
		}
		return len(seen) >= 6
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range seen {
		if e.N != int64(i+1) {
			t.Errorf("event %d is number %d", i, e.N)
		}
	}
}

func TestFollowOfALogThatIsLost(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *eventstest.Bundle){
		"deleted": func(t *testing.T, b *eventstest.Bundle) { dropLog(t, b) },
		"made anew": func(t *testing.T, b *eventstest.Bundle) {
			dropLog(t, b)
			eventstest.OpenLog(t, b.Conn, jetstream.Config{})
		},
		"restored from a backup, and written on": func(t *testing.T, b *eventstest.Bundle) {
			file, _ := snapshotOf(t, b.Conn, jetstream.LogStream)
			dropLog(t, b)
			if _, err := jetstream.NewArchive(b.Conn).Restore(t.Context(), jetstream.LogStream, bytes.NewReader(file)); err != nil {
				t.Fatal(err)
			}
			b.Append(t, bea.Aggregate(), &events.RecordingMuted{})
		},
		"connection closed": func(_ *testing.T, b *eventstest.Bundle) { b.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			b := eventstest.NewBundle(t)
			b.Append(t, annas, &events.RecordingMuted{On: true})
			err := b.Log.Follow(t.Context(), 0, 10, func([]events.Event) error { lose(t, b); return nil })
			if events.CodeOf(err) != events.CodeUnavailable {
				t.Errorf("got %v, want %s", err, events.CodeUnavailable)
			}
		})
	}
}

func dropLog(t *testing.T, b *eventstest.Bundle) {
	t.Helper()
	js, err := natsjs.New(b.Conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(context.WithoutCancel(t.Context()), "PARLEY"); err != nil {
		t.Fatal(err)
	}
}
