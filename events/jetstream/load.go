package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// loadBatch is how many events one request of Load asks for.
const loadBatch = 1000

// Load implements [events.Loader]. The leader says how far the aggregate goes;
// up to there the events come in batches by direct get, which any replica may
// answer. What a replica does not have yet is fetched from the leader, one by
// one.
func (l *Log) Load(ctx context.Context, of events.Aggregate, after events.Position) ([]events.Event, error) {
	subject, err := subjectOf(of)
	if err != nil {
		return nil, err
	}
	last, err := l.leader.last(ctx, subject)
	if err != nil || last == nil || last.seq <= uint64(after) {
		return nil, err
	}
	var loaded []events.Event
	for at := uint64(after); at < last.seq; {
		batch, err := l.batch(ctx, subject, at+1, last.seq)
		if err != nil {
			return nil, err
		}
		for _, m := range batch {
			e, err := l.decode(ctx, m)
			if err != nil {
				return nil, err
			}
			loaded, at = append(loaded, e), m.seq
		}
		if len(batch) == 0 {
			return loaded, nil // the rest was erased meanwhile
		}
	}
	return loaded, nil
}

// batch reads some messages of a subject, from a position on and not past
// another.
func (l *Log) batch(ctx context.Context, subject string, from, to uint64) ([]*stored, error) {
	batch, err := l.directBatch(ctx, subject, from, to)
	if err != nil || len(batch) > 0 {
		return batch, err
	}
	m, err := l.leader.next(ctx, subject, from)
	if err != nil || m == nil || m.seq > to {
		return nil, err
	}
	return []*stored{m}, nil
}

// directBatch reads by direct get. It has a channel of the right size, where
// jetstreamext.GetBatch makes one of half a megabyte for each call; most loads
// are of a few events.
func (l *Log) directBatch(ctx context.Context, subject string, from, to uint64) (batch []*stored, err error) {
	answers := make(chan *nats.Msg, loadBatch+1) // and the end of the batch
	inbox := l.nc.NewInbox()
	subscription, err := l.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, unavailable(err, "the event log cannot be read")
	}
	defer func() { err = errors.Join(err, left(subscription)) }()
	request, err := json.Marshal(getRequest{Seq: from, NextFor: subject, Batch: loadBatch})
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	if err := l.nc.PublishRequest("$JS.API.DIRECT.GET."+logStream, inbox, request); err != nil {
		return nil, unavailable(err, "the event log cannot be read")
	}
	for {
		m, err := l.nextAnswer(ctx, answers)
		if err != nil || m == nil {
			return batch, err
		}
		if m.seq <= to {
			batch = append(batch, m)
		}
	}
}

// left ends a subscription; that of a closed connection has ended.
func left(subscription *nats.Subscription) error {
	if err := subscription.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return unavailable(err, "the event log cannot be read")
	}
	return nil
}

// nextAnswer is the next message of a batch; nil at its end.
func (l *Log) nextAnswer(ctx context.Context, answers <-chan *nats.Msg) (*stored, error) {
	late := time.NewTimer(l.config.AnswerWait)
	defer late.Stop()
	select {
	case m := <-answers:
		return directAnswer(m)
	case <-late.C:
		return nil, events.Errorf(events.CodeUnavailable, "the event log broke off a read")
	case <-ctx.Done():
		return nil, unavailable(ctx.Err(), "the event log was not read in time")
	}
}

// directAnswer reads a direct get's message. Its end, and that there is
// nothing, come as a status (204 and 404).
func directAnswer(m *nats.Msg) (*stored, error) {
	switch status := m.Header.Get("Status"); status {
	case "":
	case "204", "404":
		return nil, nil
	default:
		return nil, events.Errorf(events.CodeUnavailable, "the event log refused a read: %s %s", status, m.Header.Get("Description"))
	}
	seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, unavailable(err, "a message came without its position")
	}
	return &stored{subject: m.Header.Get(jetstream.SubjectHeader), seq: seq, header: m.Header, data: m.Data}, nil
}
