package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// How much of the log is on its way to a follower at most.
const (
	followPull   = 2000             // messages asked for at once
	followBuffer = 2000             // messages waiting to be delivered
	followIdle   = 30 * time.Second // after which the server forgets a follower that left
)

// Follow implements [events.Follower] with an ordered consumer: it comes back
// by itself after a lost connection or a gap. Whenever it does, the log is
// looked at again, since the server starts a consumer past the log's end
// without a word.
func (l *Log) Follow(ctx context.Context, after events.Position, max int, deliver func([]events.Event) error) error {
	if max < 1 {
		return events.Errorf(events.CodeInvalid, "a batch holds at least one event")
	}
	began, err := l.Identity(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	f := &follower{log: l, began: began, at: after, max: max, deliver: deliver}
	if err := f.check(ctx); err != nil {
		return err
	}
	return f.run(ctx)
}

type follower struct {
	log     *Log
	began   events.Identity
	at      events.Position // of the last event delivered
	max     int
	deliver func([]events.Event) error
}

func (f *follower) run(ctx context.Context) error {
	consumer, err := f.log.js.OrderedConsumer(ctx, logStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       uint64(f.at) + 1,
		InactiveThreshold: followIdle,
	})
	if err != nil {
		return unavailable(err, "the event log cannot be followed")
	}
	status := f.log.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer f.log.nc.RemoveStatusListener(status)
	inbox := make(chan jetstream.Msg, followBuffer)
	trouble := make(chan error, 1)
	stopped := make(chan struct{})
	consuming, err := consumer.Consume(
		func(m jetstream.Msg) { pass(inbox, m, stopped) },
		jetstream.PullMaxMessages(followPull),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { note(trouble, err) }))
	if err != nil {
		return unavailable(err, "the event log cannot be followed")
	}
	defer func() { consuming.Stop(); close(stopped); <-consuming.Closed() }()
	return f.loop(ctx, inbox, trouble, status)
}

// pass hands a message over, unless the follower has stopped.
func pass(inbox chan<- jetstream.Msg, m jetstream.Msg, stopped <-chan struct{}) {
	select {
	case inbox <- m:
	case <-stopped:
	}
}

// note keeps one unheard error; a second one would say nothing new.
func note(trouble chan<- error, err error) {
	select {
	case trouble <- err:
	default:
	}
}

func (f *follower) loop(ctx context.Context, inbox <-chan jetstream.Msg, trouble <-chan error, status <-chan nats.Status) error {
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-status:
			err = f.lost(ctx, now)
		case <-trouble:
			err = f.check(ctx)
		case m := <-inbox:
			err = f.pass(ctx, m, inbox)
		}
		if err != nil {
			return err
		}
	}
}

// pass delivers what is there, at most a batch.
func (f *follower) pass(ctx context.Context, first jetstream.Msg, inbox <-chan jetstream.Msg) error {
	messages, err := f.gather(first, inbox)
	if err != nil {
		return err
	}
	batch, err := f.log.decodeAll(ctx, messages)
	if err != nil {
		return ended(ctx, err)
	}
	f.at = batch[len(batch)-1].Position
	return f.deliver(batch)
}

// gather takes what has come already.
func (f *follower) gather(first jetstream.Msg, inbox <-chan jetstream.Msg) ([]*stored, error) {
	var messages []*stored
	for m := first; ; {
		s, err := received(m)
		if err != nil {
			return nil, err
		}
		messages = append(messages, s)
		if len(messages) == f.max {
			return messages, nil
		}
		select {
		case m = <-inbox:
		default:
			return messages, nil
		}
	}
}

// ended prefers the context's error to one that it caused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// received reads what a consumer delivered.
func received(m jetstream.Msg) (*stored, error) {
	about, err := m.Metadata()
	if err != nil {
		return nil, unavailable(err, "a message came without its position")
	}
	return &stored{subject: m.Subject(), seq: about.Sequence.Stream, header: m.Headers(), data: m.Data()}, nil
}

func (f *follower) lost(ctx context.Context, now nats.Status) error {
	if now == nats.CLOSED {
		return events.Errorf(events.CodeUnavailable, "the connection to the event log was closed")
	}
	return f.check(ctx)
}

// check ends following a log that is gone, is another one, or ends before what
// was delivered. A server that just does not answer is waited for.
func (f *follower) check(ctx context.Context) error {
	now, err := f.log.Identity(ctx)
	switch {
	case isTransient(err):
		return nil
	case err != nil:
		return err
	case now.Epoch != f.began.Epoch:
		return events.Errorf(events.CodeUnavailable, "the event log was made anew: its epoch is %s, not %s", now.Epoch, f.began.Epoch)
	case !now.Created.Equal(f.began.Created):
		return events.Errorf(events.CodeUnavailable, "the event log was made anew at %s, from a backup", now.Created)
	case now.Last < f.at:
		return events.Errorf(events.CodeUnavailable, "the event log ends at %d, before position %d that was read from it", now.Last, f.at)
	}
	return nil
}

// isTransient is true of an error that has a cause in the connection; that
// there is no such stream has none.
func isTransient(err error) bool {
	var e *events.Error
	return errors.As(err, &e) && e.Code == events.CodeUnavailable && e.Err != nil
}
