package erasure

import (
	"context"

	"parley/events"
)

// sweepAll overwrites events of an aggregate, in the log and in its copies.
func (t task) sweepAll(ctx context.Context, of events.Aggregate, positions events.Numbers) ([]events.Copy, error) {
	if err := each(ctx, positions, t.overwrite); err != nil {
		return nil, err
	}
	if err := each(ctx, positions, t.verify); err != nil {
		return nil, err
	}
	return t.doors.Copies.Clean(ctx, of, positions, t.turn)
}

// turn waits until the next event may be overwritten.
func (t task) turn(ctx context.Context) error {
	if err := t.pace.Wait(ctx); err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the sweep was interrupted")
	}
	return nil
}

// overwrite removes one event, unless an earlier run has. Only what rewrites a
// block waits for its turn.
func (t task) overwrite(ctx context.Context, at events.Position) error {
	there, err := t.doors.Sweeper.Has(ctx, at)
	if err != nil || !there {
		return err
	}
	if err := t.turn(ctx); err != nil {
		return err
	}
	return t.doors.Sweeper.SecureDelete(ctx, at)
}

func (t task) verify(ctx context.Context, at events.Position) error {
	there, err := t.doors.Sweeper.Has(ctx, at)
	if err == nil && there {
		return events.Errorf(events.CodeInternal, "an erased event is still at position %s", at)
	}
	return err
}

// each goes through all positions in order.
func each(ctx context.Context, positions events.Numbers, do func(context.Context, events.Position) error) error {
	for _, r := range positions.Ranges() {
		for at := r.First; at <= r.Last; at++ {
			if err := do(ctx, events.Position(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// buryRemains sets the tombstone of a topic or an audit trail.
func (t task) buryRemains(ctx context.Context, of events.Aggregate) error {
	_, err := decide(ctx, t, of, events.NewRemains(of), func(r *events.Remains) ([]events.Event, error) {
		return r.Erase(nil), nil
	})
	return err
}

// sweepRemains sweeps a topic or an audit trail that has a tombstone, and what came
// behind it.
func (t task) sweepRemains(ctx context.Context, of events.Aggregate) error {
	remains := events.NewRemains(of)
	if _, err := look(ctx, t, of, remains); err != nil || remains.Tombstone == nil || len(remains.Erase(nil)) == 0 && remains.Tombstone.Swept() {
		return err
	}
	if _, err := t.sweepAll(ctx, of, remains.Positions); err != nil {
		return err
	}
	_, err := decide(ctx, t, of, events.NewRemains(of), func(r *events.Remains) ([]events.Event, error) {
		sweptAt := t.moment()
		return r.Erase(&sweptAt), nil
	})
	return err
}
