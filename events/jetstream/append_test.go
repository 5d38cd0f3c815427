package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// What a publish's answer and an append's request look like on the wire.
const (
	publishAnswer = `{"stream":"PARLEY"`
	annasRequest  = "HPUB parley.session." + string(anna)
)

// faulty is a log behind a proxy, and one beside it that sees what is true.
type faulty struct {
	nats  *eventstest.NATS
	proxy *eventstest.Proxy
	conn  *nats.Conn
	log   *jetstream.Log

	truth     *jetstream.Log
	truthConn *nats.Conn
}

func newFaulty(t *testing.T, answerWait time.Duration) *faulty {
	t.Helper()
	n := eventstest.StartNATS(t)
	beside := n.Connect()
	truth := eventstest.OpenLog(t, beside, jetstream.Config{})
	p := eventstest.StartProxy(t, n.Host())
	nc := eventstest.Dial(t, p.URL())
	return &faulty{n, p, nc, eventstest.OpenLog(t, nc, jetstream.Config{AnswerWait: answerWait}), truth, beside}
}

// stored checks that exactly these many events of Anna's are in the log, the
// last at the position.
func (f *faulty) stored(t *testing.T, want int, last events.Position) {
	t.Helper()
	got, err := f.truth.Load(t.Context(), anna.Aggregate(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != want || got[len(got)-1].Position != last {
		t.Errorf("%d events are stored, want %d; the last at %d, want %d", len(got), want, got[len(got)-1].Position, last)
	}
}

func appendTo(ctx context.Context, log *jetstream.Log, expected events.Expected, evs []events.Event) (at events.Position, err error) {
	return log.Append(ctx, evs[0].Aggregate, expected, evs...)
}

type appended struct {
	at  events.Position
	err error
}

func appendLater(ctx context.Context, log *jetstream.Log, expected events.Expected, evs []events.Event) <-chan appended {
	answer := make(chan appended, 1)
	go func() {
		at, err := appendTo(ctx, log, expected, evs)
		answer <- appended{at, err}
	}()
	return answer
}

var sizes = map[string]int{"single event": 1, "several events": 3}

func TestAppendWhoseAnswerIsLost(t *testing.T) {
	for name, n := range sizes {
		t.Run(name+" stored once", func(t *testing.T) {
			f := newFaulty(t, time.Second)
			lost := f.proxy.LoseAnswer(publishAnswer)

			at, err := appendTo(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, n, 1))

			<-lost
			if err != nil {
				t.Fatal(err)
			}
			f.stored(t, n, at)
		})
		t.Run(name+" stored once over a restart", func(t *testing.T) {
			f := newFaulty(t, time.Second)
			lost := f.proxy.LoseAnswer(publishAnswer)
			answer := appendLater(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, n, 1))
			<-lost
			restart(f.nats, f.truthConn)

			got := <-answer
			if got.err != nil {
				t.Fatal(got.err)
			}
			f.stored(t, n, got.at)
		})
	}
}

func TestAppendThatIsStoredLate(t *testing.T) {
	for name, n := range sizes {
		t.Run(name+" sent again, stored once", func(t *testing.T) {
			f := newFaulty(t, 200*time.Millisecond)
			held, release := f.proxy.HoldRequest(annasRequest)
			defer release()
			before := f.conn.Stats().OutMsgs
			answer := appendLater(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, n, 1))
			<-held
			for f.conn.Stats().OutMsgs < before+uint64(2*n) { // all was sent a second time
				runtime.Gosched()
			}
			release()

			got := <-answer
			if got.err != nil {
				t.Fatal(got.err)
			}
			f.stored(t, n, got.at)
		})
		t.Run(name+" unknown at first, settled later", func(t *testing.T) {
			f := newFaulty(t, time.Minute)
			held, release := f.proxy.HoldRequest(annasRequest)
			defer release()
			ctx, cancel := context.WithCancel(t.Context())
			answer := appendLater(ctx, f.log, events.ExpectNew(), eventstest.Turns(anna, n, 1))
			<-held
			cancel()

			got := <-answer
			if events.CodeOf(got.err) != events.CodeUnknown {
				t.Fatalf("got %v, want %s", got.err, events.CodeUnknown)
			}
			release()
			var unsettled *events.Unsettled
			if !errors.As(got.err, &unsettled) {
				t.Fatalf("%v has no handle", got.err)
			}
			at, err := unsettled.Settle(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.stored(t, n, at)
		})
	}
}

func TestAppendThatAnotherWriterOvertakes(t *testing.T) {
	for name, n := range sizes {
		t.Run(name+" conflicts and is not stored", func(t *testing.T) {
			f := newFaulty(t, time.Minute)
			held, release := f.proxy.HoldRequest(annasRequest)
			defer release()
			answer := appendLater(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, n, 1))
			<-held
			at, err := appendTo(t.Context(), f.truth, events.ExpectNew(), eventstest.Turns(anna, 1, 100))
			if err != nil {
				t.Fatal(err)
			}
			release()

			if got := <-answer; events.CodeOf(got.err) != events.CodeConflict {
				t.Errorf("got %v, want %s", got.err, events.CodeConflict)
			}
			f.stored(t, 1, at)
		})
	}
}

func TestAppendWhileTheServerIsDown(t *testing.T) {
	n := eventstest.StartNATS(t)
	nc := n.Connect()
	log := eventstest.OpenLog(t, nc, jetstream.Config{})
	first, err := appendTo(t.Context(), log, events.ExpectNew(), eventstest.Turns(anna, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	down := nc.StatusChanged(nats.RECONNECTING)
	n.Stop()
	<-down

	t.Run("nothing sent is unavailable", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := appendTo(ctx, log, events.ExpectAt(first), eventstest.Turns(anna, 1, 2))
		if events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v, want %s", err, events.CodeUnavailable)
		}
	})
	t.Run("stored once it is back", func(t *testing.T) {
		answer := appendLater(t.Context(), log, events.ExpectAt(first), eventstest.Turns(anna, 3, 2))
		n.Start()
		got := <-answer
		if got.err != nil {
			t.Fatal(got.err)
		}
		if all, err := log.Load(t.Context(), anna.Aggregate(), 0); err != nil || len(all) != 4 {
			t.Errorf("%d events are stored, want 4 (%v)", len(all), err)
		}
	})
}

func TestAppendThatWaitsForAnother(t *testing.T) {
	f := newFaulty(t, time.Minute)
	held, release := f.proxy.HoldRequest(annasRequest)
	defer release()
	first := appendLater(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, 1, 1))
	<-held

	t.Run("nothing was sent when its context ends first", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		second := appendLater(ctx, f.log, events.ExpectNew(), eventstest.Turns(anna, 1, 2))
		cancel()
		if got := <-second; events.CodeOf(got.err) != events.CodeUnavailable {
			t.Errorf("got %v, want %s", got.err, events.CodeUnavailable)
		}
	})
	release()
	t.Run("the first is not troubled", func(t *testing.T) {
		got := <-first
		if got.err != nil {
			t.Fatal(got.err)
		}
		f.stored(t, 1, got.at)
	})
}

func TestAppendAfterErasure(t *testing.T) {
	b := eventstest.NewBundle(t)
	old := b.Append(t, anna.Aggregate(), &events.RecordingMuted{On: true}, &events.RecordingMuted{})
	tombstone := b.Append(t, anna.Aggregate(), &events.SessionErased{})
	for at := events.Position(1); at <= old; at++ {
		if err := b.Log.SecureDelete(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		expected events.Expected
		want     events.Code
	}{
		"expecting a new session conflicts": {events.ExpectNew(), events.CodeConflict},
		"expecting the old last conflicts":  {events.ExpectAt(old), events.CodeConflict},
		"expecting the tombstone is stored": {events.ExpectAt(tombstone), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := appendTo(t.Context(), b.Log, c.expected, eventstest.Turns(anna, 1, 1))
			if events.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAppendOfLargeEvents(t *testing.T) {
	b := eventstest.NewBundle(t)
	big := func(of events.SessionID, size int) events.Event {
		e := eventstest.Turns(of, 1, 7)[0]
		e.Body = &events.SegmentPlaced{Call: 1, Item: strings.Repeat("x", size)}
		return e
	}
	asked := int(b.Conn.MaxPayload())
	_, err := appendTo(t.Context(), b.Log, events.ExpectNew(), []events.Event{big(anna, asked)})
	var id string
	var has, takes int
	if _, bad := fmt.Sscanf(err.Error(), "too_large: event %s has %d bytes; the event log takes %d", &id, &has, &takes); bad != nil {
		t.Fatalf("the refusal does not name the event, its size and the limit: %v", err)
	}
	most := asked - (has - takes) // what fits exactly
	refused := func(t *testing.T, err error, of events.SessionID) {
		t.Helper()
		if named := string(big(of, 1).ID); events.CodeOf(err) != events.CodeTooLarge || !strings.Contains(err.Error(), named) {
			t.Errorf("got %v, want %s that names %s", err, events.CodeTooLarge, named)
		}
		if !b.Conn.IsConnected() || b.Conn.Reconnects != 0 {
			t.Error("the connection was lost")
		}
	}
	t.Run("a byte over the limit is refused by name, and the connection stays", func(t *testing.T) {
		_, err := appendTo(t.Context(), b.Log, events.ExpectNew(), []events.Event{big(anna, most+1)})
		refused(t, err, anna)
	})
	t.Run("among others it is named, and none of them is stored", func(t *testing.T) {
		several := append(eventstest.Turns(anna, 2, 1), big(anna, most+1))
		_, err := appendTo(t.Context(), b.Log, events.ExpectNew(), several)
		refused(t, err, anna)
		if stored := b.Load(t, anna.Aggregate()); len(stored) != 0 {
			t.Errorf("%d events were stored", len(stored))
		}
	})
	t.Run("appends of others at the same moment are stored", func(t *testing.T) {
		var answers []<-chan appended
		for range 40 { // enough to leave in batches
			id := events.SessionID(b.IDs.ULID())
			answers = append(answers, appendLater(t.Context(), b.Log, events.ExpectNew(), eventstest.Turns(id, 2, 1)))
		}
		_, err := appendTo(t.Context(), b.Log, events.ExpectNew(), []events.Event{big(anna, most+1)})
		refused(t, err, anna)
		for _, answer := range answers {
			if got := <-answer; got.err != nil {
				t.Errorf("a neighbour: %v", got.err)
			}
		}
	})
	t.Run("at the limit it is stored", func(t *testing.T) {
		if _, err := appendTo(t.Context(), b.Log, events.ExpectNew(), []events.Event{big(bea, most)}); err != nil {
			t.Error(err)
		}
	})
}

func TestAppendsOfOneAggregateAtTheSameTime(t *testing.T) {
	b := eventstest.NewBundle(t)
	var answers []<-chan appended
	for n := range 8 {
		answers = append(answers, appendLater(t.Context(), b.Log, events.ExpectNew(), eventstest.Turns(anna, 2, 10*n)))
	}
	stored := 0
	for _, answer := range answers {
		got := <-answer
		switch events.CodeOf(got.err) {
		case "":
			stored++
		case events.CodeConflict:
		default:
			t.Errorf("neither stored nor conflict: %v", got.err)
		}
	}
	if stored != 1 || len(b.Load(t, anna.Aggregate())) != 2 {
		t.Errorf("%d appends were stored, want 1", stored)
	}
}

// A later attempt that the log refuses for good says nothing of the one before,
// which may be stored.
func TestRefusalAfterALostAnswer(t *testing.T) {
	f := newFaulty(t, time.Second)
	stream := rawStream(t, f.truthConn, "PARLEY")
	limit := func(bytes int32) {
		t.Helper()
		js, err := natsjs.New(f.truthConn)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		config.MaxMsgSize = bytes
		if _, err := js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	lost := f.proxy.LoseAnswer(publishAnswer)
	back, release := f.proxy.HoldRequest("CONNECT {")
	t.Cleanup(release)
	answer := appendLater(t.Context(), f.log, events.ExpectNew(), eventstest.Turns(anna, 1, 1))
	<-lost
	<-back
	limit(10)
	release()
	got := <-answer
	var unsettled *events.Unsettled
	if events.CodeOf(got.err) != events.CodeUnknown || !errors.As(got.err, &unsettled) {
		t.Fatalf("got %v, want %s with a handle", got.err, events.CodeUnknown)
	}
	limit(-1)
	at, err := unsettled.Settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.stored(t, 1, at)
}
