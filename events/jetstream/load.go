package jetstream

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"parley/events"
)

// Load implements [events.Loader]. The leader says how far the aggregate goes; the
// events come in batches by direct get, which any replica may answer, the first of a
// whole aggregate side by side with the leader's answer. What a replica does not have
// yet is fetched from the leader, one by one.
func (l *Log) Load(ctx context.Context, of events.Aggregate, after events.Position) ([]events.Event, error) {
	subject, err := subjectOf(of)
	if err != nil {
		return nil, err
	}
	last, batch, err := l.begin(ctx, subject, uint64(after))
	if err != nil || last == nil {
		return nil, err
	}
	var loaded []events.Event
	for at := uint64(after); at < last.seq; {
		if len(batch) == 0 {
			if batch, err = l.batch(ctx, subject, at+1, last.seq); err != nil {
				return nil, err
			}
		}
		if len(batch) == 0 {
			return loaded, nil // the rest was erased meanwhile
		}
		for _, m := range batch {
			e, err := l.decode(ctx, m)
			if err != nil {
				return nil, err
			}
			loaded, at = append(loaded, e), m.seq
		}
		batch = nil
	}
	return loaded, nil
}

// begin asks for a subject's last message, and from the start for its first ones.
func (l *Log) begin(ctx context.Context, subject string, after uint64) (last *stored, first []*stored, err error) {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		last, err = l.leader.last(ctx, subject)
		return err
	})
	if after == 0 {
		both.Go(func() (err error) {
			first, err = l.replica.batch(ctx, subject, 1, math.MaxUint64)
			return err
		})
	}
	err = both.Wait()
	return last, first, err
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
