package jetstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Worker describes who acts on events of some kinds. An event is a hint: it may
// come again, late, or after others, so Handle loads the aggregate and decides
// from that.
type Worker struct {
	// Name is the worker's own for ever: instances with the same name share
	// the work, and the log remembers under it what is done.
	Name string
	// Kinds are the events that it acts on; all others are passed over.
	Kinds []events.Kind
	// Parallel bounds how many events are handled at once; 0: one.
	Parallel int
	// AckWait is how long the log waits for a sign of life before it gives an
	// event to another instance; 0: 30 seconds. Signs are sent three times as
	// often while Handle runs.
	AckWait time.Duration
	// Handle does the work. Its context ends with that of Work. After an error
	// the event comes again, later each time. An event that cannot be decoded
	// has an *events.Unreadable body, one whose key is destroyed says so.
	Handle func(context.Context, events.Event) error
	// GiveUp is called when Handle failed for the last time; when it succeeds
	// the event does not come again. nil: never give up.
	GiveUp func(context.Context, events.Event, error) error
	// Deliveries is how often an event fails in one instance before GiveUp; 0:
	// 12, which is about half an hour. That a server was out of reach does not
	// count: trying again heals it, however long it takes.
	Deliveries int
	// Delay is the wait after the n-th failure; nil: a second, doubled each
	// time, at most ten minutes.
	Delay func(n int) time.Duration
	// Trouble hears of every failure, for logs and counters; may be nil.
	Trouble func(events.Event, error)
}

const (
	workBatch   = 256                   // events asked for at once
	workGather  = 50 * time.Millisecond // for which events gather while the log is busy
	workWait    = 20 * time.Second      // how long the server holds such a request
	workPulse   = time.Second           // how often it shows that it still holds it; twice that without one, and it is asked again
	workPending = 50_000                // events put off at the same time
	farewell    = 5 * time.Second       // for the last acknowledgements
)

func (w Worker) withDefaults() Worker {
	if w.Parallel == 0 {
		w.Parallel = 1
	}
	if w.AckWait == 0 {
		w.AckWait = 30 * time.Second
	}
	if w.Deliveries == 0 {
		w.Deliveries = 12
	}
	if w.Delay == nil {
		w.Delay = doubling
	}
	if w.Trouble == nil {
		w.Trouble = func(events.Event, error) {}
	}
	return w
}

func doubling(n int) time.Duration {
	const most = 10 * time.Minute
	if n > 10 {
		return most
	}
	return min(time.Second<<(n-1), most)
}

// Work runs a worker until the context ends, and returns its error once every
// Handle has returned. It reads the whole log once, from the start.
// Errors: CodeInvalid; CodeUnavailable when the log is lost; CodeConflict with a
// *[Mismatch] when it is not the one that the worker remembers, which is looked
// at when it begins and whenever it was out of reach.
func (l *Log) Work(ctx context.Context, worker Worker) error {
	if !isToken(worker.Name) || len(worker.Kinds) == 0 || worker.Handle == nil {
		return events.Errorf(events.CodeInvalid, "a worker needs a name, kinds and something to do")
	}
	worker = worker.withDefaults()
	memory, err := l.recall(ctx, worker.Name)
	if err != nil {
		return ended(ctx, err)
	}
	config := worker.consumer()
	config.Metadata = memory.metadata()
	consumer, err := l.js.CreateOrUpdateConsumer(ctx, logStream, config)
	if err != nil {
		return unavailable(err, "the worker's place in the event log cannot be found")
	}
	s := newShift(worker, worker.concerns(), l.decode)
	s.back = func(ctx context.Context) error {
		_, err := l.recall(ctx, worker.Name)
		return err
	}
	return s.run(ctx, consumer)
}

// consumer is how the server remembers what the worker has done.
func (w Worker) consumer() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       w.Name,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       w.AckWait,
		MaxAckPending: workPending,
		MaxDeliver:    -1, // giving up is ours to do: the server only falls silent
	}
}

// concerns tells which messages are of the worker's kinds. One of a subject that
// no command writes to is nobody's work: it lies among the dead letters.
func (w Worker) concerns() func(jetstream.Msg) bool {
	var types []string
	for _, kind := range w.Kinds {
		types = append(types, kind.Type())
	}
	return func(m jetstream.Msg) bool {
		_, err := subjectOf(aggregateOf(m.Subject()))
		return err == nil && slices.Contains(types, m.Headers().Get(headerType))
	}
}

// shift is one run of a worker.
type shift struct {
	worker   Worker
	concerns func(jetstream.Msg) bool // others are passed over
	decode   func(context.Context, *stored) (events.Event, error)
	back     func(context.Context) error // looks at the log after it was out of reach
	hands    chan struct{}               // one value for each Handle that runs
	running  sync.WaitGroup

	mu       sync.Mutex
	failures map[uint64]int // that count, of events that come again, by their place in the stream
}

func newShift(worker Worker, concerns func(jetstream.Msg) bool, decode func(context.Context, *stored) (events.Event, error)) *shift {
	return &shift{
		worker: worker, concerns: concerns, decode: decode,
		back:     func(context.Context) error { return nil },
		hands:    make(chan struct{}, worker.Parallel),
		failures: map[uint64]int{},
	}
}

// run takes batch after batch. The next one is asked for when a hand is free,
// so that no instance hoards what another could do.
func (s *shift) run(ctx context.Context, consumer jetstream.Consumer) error {
	defer s.running.Wait()
	pause, took := leastPause, 0
	for {
		if err := s.untilHandFree(ctx); err != nil {
			return err
		}
		var err error
		took, err = s.batch(ctx, consumer, took)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, jetstream.ErrConsumerDeleted):
			return unavailable(err, "the worker's place in the event log is gone")
		case err != nil:
			if err := s.comeBack(ctx, &pause); err != nil {
				return ended(ctx, err)
			}
		default:
			pause = leastPause
		}
	}
}

// comeBack waits until the log answers again, and looks whether it is the same.
func (s *shift) comeBack(ctx context.Context, pause *time.Duration) error {
	for {
		if err := rest(ctx, pause); err != nil {
			return err
		}
		if err := s.back(ctx); !isTransient(err) {
			return err
		}
	}
}

func (s *shift) untilHandFree(ctx context.Context) error {
	select {
	case s.hands <- struct{}{}:
		<-s.hands
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// batch takes events and tells how many; it knows how many the one before took.
func (s *shift) batch(ctx context.Context, consumer jetstream.Consumer, before int) (took int, err error) {
	wait, cancel := context.WithTimeout(ctx, workWait)
	defer cancel()
	batch, err := ask(wait, consumer, before)
	if err != nil {
		return 0, err
	}
	for m := range batch.Messages() {
		took++
		if !s.concerns(m) {
			if err := m.Ack(); err != nil {
				return took, err
			}
			continue
		}
		s.running.Go(func() { s.handle(ctx, m) })
	}
	if err := batch.Error(); !errors.Is(err, context.DeadlineExceeded) {
		return took, err
	}
	return took, nil // nothing came
}

// ask waits for the next event on a log at rest. On a busy log events gather first:
// most are passed over, and one by one each would wake all between the disk and here.
func ask(ctx context.Context, consumer jetstream.Consumer, before int) (jetstream.MessageBatch, error) {
	if before == 0 {
		return consumer.Fetch(1, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(workPulse))
	}
	if gather := workGather; before < workBatch {
		if err := rest(ctx, &gather); err != nil {
			return nil, err
		}
	}
	return consumer.FetchNoWait(workBatch)
}

// handle does one event while the log is told that somebody is at it.
func (s *shift) handle(ctx context.Context, m jetstream.Msg) {
	alive, stop := context.WithCancel(ctx)
	var heart sync.WaitGroup
	heart.Go(func() { s.beat(alive, m) })
	event, err := s.try(ctx, m)
	stop()
	heart.Wait()
	leaving := err != nil && ctx.Err() != nil
	if err != nil && !leaving {
		s.worker.Trouble(event, err)
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := s.answer(after, m, event, err, leaving); err != nil {
		s.worker.Trouble(event, err)
	}
}

// beat sends signs of life. One that does not arrive has no consequence but
// that the event may come to another instance, which every worker can bear.
func (s *shift) beat(ctx context.Context, m jetstream.Msg) {
	every := time.NewTicker(s.worker.AckWait / 3)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			if err := m.InProgress(); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *shift) try(ctx context.Context, m jetstream.Msg) (events.Event, error) {
	select {
	case s.hands <- struct{}{}:
		defer func() { <-s.hands }()
	case <-ctx.Done():
		return events.Event{}, ctx.Err()
	}
	got, err := received(m)
	if err != nil {
		return events.Event{}, err
	}
	event, err := s.decode(ctx, got)
	if err != nil {
		return event, err
	}
	return event, s.worker.Handle(ctx, event)
}

// answer tells the log what became of an event. Done is confirmed by the
// server, so that it is not done twice for a lost acknowledgement.
func (s *shift) answer(ctx context.Context, m jetstream.Msg, event events.Event, failure error, leaving bool) error {
	if leaving {
		return m.Nak()
	}
	about, err := m.Metadata()
	if err != nil {
		return err
	}
	failed := s.count(about.Sequence.Stream, failure)
	if failure == nil {
		return m.DoubleAck(ctx)
	}
	again := s.worker.Delay(int(min(about.NumDelivered, 1<<20)))
	neverTried := event.ID == "" // its key could not be asked for
	if s.worker.GiveUp == nil || neverTried || failed < s.worker.Deliveries {
		return m.NakWithDelay(again)
	}
	if err := s.worker.GiveUp(ctx, event, failure); err != nil {
		return errors.Join(err, m.NakWithDelay(again))
	}
	s.count(about.Sequence.Stream, nil)
	return m.TermWithReason("gave up")
}

// count tells how often an event has failed here by a fault that may be its own; nil
// ends the counting. The server's count is no help: it holds whatever the cause was.
func (s *shift) count(place uint64, failure error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch events.CodeOf(failure) {
	case "":
		delete(s.failures, place)
	case events.CodeUnavailable, events.CodeUnknown:
	default:
		s.failures[place]++
	}
	return s.failures[place]
}
