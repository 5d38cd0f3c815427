package jetstream

import (
	"context"

	"parley/events"
)

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
	batch, err := l.replica.batch(ctx, subject, from, to)
	if err != nil || len(batch) > 0 {
		return batch, err
	}
	m, err := l.leader.next(ctx, subject, from)
	if err != nil || m == nil || m.seq > to {
		return nil, err
	}
	return []*stored{m}, nil
}
