package jetstream_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

var errSick = errors.New("sick")

// atWork is a worker that runs until the test has seen enough.
type atWork struct {
	stop context.CancelFunc
	done chan error
}

func work(t *testing.T, log *jetstream.Log, w jetstream.Worker) *atWork {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := &atWork{cancel, make(chan error, 1)}
	go func() { a.done <- log.Work(ctx, w) }()
	t.Cleanup(cancel)
	return a
}

// end stops the worker and waits for it.
func (a *atWork) end(t *testing.T) {
	t.Helper()
	a.stop()
	if err := <-a.done; !errors.Is(err, context.Canceled) {
		t.Errorf("work ended with %v", err)
	}
}

func atOnce(int) time.Duration { return time.Millisecond }

// ended are the events that the workers here act on, among others.
func ended(t *testing.T, b *eventstest.Bundle, n int) {
	t.Helper()
	for range n {
		session := events.SessionID(b.IDs.ULID())
		b.Append(t, session.Aggregate(), &events.RecordingMuted{On: true}, &events.SessionEnded{LastN: 1}, &events.RecordingMuted{})
	}
}

// place is how far the worker has come, as the server knows it.
func place(t *testing.T, nc *nats.Conn, worker string) *natsjs.ConsumerInfo {
	t.Helper()
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	consumer, err := rawStream(t, nc, "PARLEY").Consumer(t.Context(), worker)
	if err != nil {
		t.Fatal(err)
	}
	return consumer.CachedInfo()
}

// unfinished is how many events wait for the worker or are put off.
func unfinished(t *testing.T, nc *nats.Conn, worker string) int {
	t.Helper()
	at := place(t, nc, worker)
	return at.NumAckPending + int(at.NumPending)
}

func TestWorkerHandlesItsKinds(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 3)
	seen := make(chan events.Event)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded},
		Handle: func(_ context.Context, e events.Event) error { seen <- e; return nil },
	})
	for range 3 {
		if e := <-seen; e.Body.Kind() != events.KindSessionEnded || e.Position == 0 {
			t.Errorf("got %s at %d", e.Body.Kind(), e.Position)
		}
	}
	t.Run("and those that come while it works", func(t *testing.T) {
		ended(t, b, 1)
		<-seen
	})
	w.end(t)
	t.Run("once: a later run finds only what is new", func(t *testing.T) {
		w := work(t, b.Log, jetstream.Worker{
			Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded, events.KindRecordingStarted},
			Handle: func(_ context.Context, e events.Event) error { seen <- e; return nil },
		})
		b.Append(t, annas, &events.RecordingStarted{})
		if e := <-seen; e.Body.Kind() != events.KindRecordingStarted {
			t.Errorf("%s at %d came again", e.Body.Kind(), e.Position)
		}
		w.end(t)
	})
}

func TestWorkerTriesAgain(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	tries := make(chan int)
	var failures atomic.Int32
	count := 0
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded}, Delay: atOnce,
		Trouble: func(_ events.Event, err error) { failures.Add(1) },
		Handle: func(context.Context, events.Event) error {
			if count++; count < 3 {
				return errSick
			}
			tries <- count
			return nil
		},
	})
	if got := <-tries; got != 3 {
		t.Errorf("done at try %d, want 3", got)
	}
	w.end(t)
	if failures.Load() != 2 {
		t.Errorf("heard of %d failures, want 2", failures.Load())
	}
	if left := unfinished(t, b.Conn, "finalizer"); left != 0 {
		t.Errorf("%d events are unfinished", left)
	}
}

func TestWorkerGivesUp(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	tries, asked := 0, 0
	given := make(chan events.Event)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded}, Deliveries: 3, Delay: atOnce,
		Handle: func(context.Context, events.Event) error { tries++; return errSick },
		GiveUp: func(_ context.Context, e events.Event, err error) error {
			if !errors.Is(err, errSick) {
				t.Errorf("gave up over %v", err)
			}
			if asked++; asked == 1 {
				return errors.New("cannot give up yet")
			}
			given <- e
			return nil
		},
	})
	if e := <-given; e.Body.Kind() != events.KindSessionEnded {
		t.Errorf("gave up %s", e.Body.Kind())
	}
	w.end(t)
	if tries != 4 || asked != 2 {
		t.Errorf("tried %d times and gave up %d times; want 4 (one more after a failed giving up) and 2", tries, asked)
	}
	late := time.After(patience)
	for left := unfinished(t, b.Conn, "finalizer"); left != 0; left = unfinished(t, b.Conn, "finalizer") {
		select { // the server does not confirm the end of an event that is given up
		case <-late:
			t.Fatalf("%d events are unfinished", left)
		default:
		}
	}
}

// Servers that are away for longer than all deliveries take heal by themselves; what
// failed before and after by its own fault is counted together.
func TestWorkerOutlastsServersThatAreAway(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	away := []error{events.Errorf(events.CodeUnavailable, "away"), events.Errorf(events.CodeUnknown, "no answer")}
	fates := slices.Concat([]error{errSick}, slices.Repeat(away, 10), []error{errSick, away[0], errSick})
	tries := 0
	given := make(chan error)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded}, Deliveries: 3, Delay: atOnce,
		Handle: func(context.Context, events.Event) error { tries++; return fates[tries-1] },
		GiveUp: func(_ context.Context, _ events.Event, err error) error { given <- err; return nil },
	})
	if err := <-given; !errors.Is(err, errSick) || tries != len(fates) {
		t.Errorf("gave up at try %d of %d over %v", tries, len(fates), err)
	}
	w.end(t)
}

func TestWorkerIsBounded(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 9)
	entered, leave := make(chan struct{}), make(chan struct{})
	var now, most atomic.Int32
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded}, Parallel: 3,
		Handle: func(context.Context, events.Event) error {
			most.Store(max(most.Load(), now.Add(1)))
			entered <- struct{}{}
			<-leave
			now.Add(-1)
			return nil
		},
	})
	for range 3 {
		for range 3 { // three enter before one leaves
			<-entered
		}
		for range 3 {
			leave <- struct{}{}
		}
	}
	w.end(t)
	if most.Load() != 3 {
		t.Errorf("%d at once, want 3", most.Load())
	}
}

func TestWorkerShowsThatItLives(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	answers := make(chan *nats.Msg, 100)
	listening, err := b.NATS.Connect().ChanSubscribe("$JS.ACK.PARLEY.finalizer.>", answers)
	if err != nil {
		t.Fatal(err)
	}
	alive := make(chan struct{})
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded}, AckWait: 300 * time.Millisecond,
		Handle: func(context.Context, events.Event) error { <-alive; return nil },
	})
	await := func(answer func(*nats.Msg) bool) {
		for !answer(<-answers) {
		}
	}
	await(func(m *nats.Msg) bool { return string(m.Data) == "+WPI" })
	close(alive)
	await(func(m *nats.Msg) bool { return string(m.Data) == "+ACK" && m.Reply != "" }) // confirmed
	w.end(t)
	if err := listening.Unsubscribe(); err != nil {
		t.Error(err)
	}
}

func TestWorkerOverARestart(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	seen := make(chan events.Position)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded},
		Handle: func(_ context.Context, e events.Event) error { seen <- e.Position; return nil },
	})
	first := <-seen
	restart(b.NATS, b.Conn)
	ended(t, b, 1)
	for at := range seen { // the first may come again: its acknowledgement can be lost
		if at != first {
			break
		}
	}
	w.end(t)
}

func TestWorkerLeavesOnlyWhenItIsDone(t *testing.T) {
	b := eventstest.NewBundle(t)
	ended(t, b, 1)
	entered, leave := make(chan struct{}), make(chan struct{})
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindSessionEnded},
		Handle: func(ctx context.Context, _ events.Event) error {
			close(entered)
			<-ctx.Done()
			<-leave
			return nil
		},
	})
	<-entered
	w.stop()
	select {
	case err := <-w.done:
		t.Fatalf("left with %v while somebody was at work", err)
	default:
	}
	close(leave)
	if err := <-w.done; !errors.Is(err, context.Canceled) {
		t.Errorf("left with %v", err)
	}
	if at := place(t, b.Conn, "finalizer"); at.AckFloor.Stream < 2 {
		t.Errorf("the event at 2 is not done: all is up to %d", at.AckFloor.Stream)
	}
}

func TestWorkerThatMakesNoSense(t *testing.T) {
	b := eventstest.NewBundle(t)
	good := jetstream.Worker{Name: "w", Kinds: []events.Kind{events.KindSessionEnded}, Handle: func(context.Context, events.Event) error { return nil }}
	for name, spoil := range map[string]func(*jetstream.Worker){
		"no name":       func(w *jetstream.Worker) { w.Name = "" },
		"a wide name":   func(w *jetstream.Worker) { w.Name = "a.*" },
		"no kinds":      func(w *jetstream.Worker) { w.Kinds = nil },
		"nothing to do": func(w *jetstream.Worker) { w.Handle = nil },
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			w := good
			spoil(&w)
			if err := b.Log.Work(t.Context(), w); events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v, want %s", err, events.CodeInvalid)
			}
		})
	}
}

// What no command could have written is passed over: nobody could load it, and
// it lies among the dead letters.
func TestWorkerPassesOverWhatIsNobodys(t *testing.T) {
	b := eventstest.NewBundle(t)
	const muted = "NATS/1.0\r\nce-specversion: 1.0\r\nce-id: raw\r\nce-time: 2026-03-14T09:26:53.000Z\r\nce-type: parley.recording_muted.v1\r\nce-subject: session/"
	for _, id := range []string{"a:b", "*", ">", "é"} {
		eventstest.PutRaw(t, b.NATS.URL(), "parley.session."+id, muted+id+"\r\n\r\n", `{"on":true}`)
	}
	b.Append(t, annas, &events.RecordingMuted{})
	seen := make(chan events.Event, 10)
	w := work(t, b.Log, jetstream.Worker{
		Name: "finalizer", Kinds: []events.Kind{events.KindRecordingMuted},
		Handle: func(_ context.Context, e events.Event) error { seen <- e; return nil },
	})
	if e := <-seen; e.Aggregate != annas {
		t.Errorf("it was given %s", e.Aggregate)
	}
	w.end(t)
	if left := unfinished(t, b.Conn, "finalizer"); left != 0 {
		t.Errorf("%d events are put off", left)
	}
}
