package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

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

func (l *Log) directBatch(ctx context.Context, subject string, from, to uint64) ([]*stored, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.AnswerWait+directGetTime)
	defer cancel()
	answers, err := jetstreamext.GetBatch(ctx, l.js, logStream, loadBatch,
		jetstreamext.GetBatchSubject(subject), jetstreamext.GetBatchSeq(from))
	if err != nil {
		return nil, unavailable(err, "the event log does not answer")
	}
	var batch []*stored
	for m, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return nil, nil
		}
		if err != nil {
			return nil, unavailable(err, "the event log broke off a read")
		}
		if m.Sequence <= to {
			batch = append(batch, storedOf(m))
		}
	}
	return batch, nil
}

// directGetTime is how much longer than one answer a whole batch may take.
const directGetTime = 8 * time.Second

func storedOf(m *jetstream.RawStreamMsg) *stored {
	return &stored{subject: m.Subject, seq: m.Sequence, header: m.Header, data: m.Data}
}
