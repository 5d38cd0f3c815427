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
		return r.Erase(nil, nil), nil
	})
	return err
}

// sweepRemains sweeps a topic or an audit trail that has a tombstone, and what came
// behind it, and gives what it is then.
func (t task) sweepRemains(ctx context.Context, of events.Aggregate) (*events.Remains, error) {
	remains := events.NewRemains(of)
	if _, err := look(ctx, t, of, remains); err != nil || remains.Tombstone == nil || len(remains.Erase(nil, nil)) == 0 && remains.Tombstone.Swept() {
		return remains, err
	}
	copies, err := t.sweepAll(ctx, of, remains.Positions)
	if err != nil {
		return nil, err
	}
	remains = events.NewRemains(of)
	_, err = decide(ctx, t, of, remains, func(r *events.Remains) ([]events.Event, error) {
		sweptAt := t.moment()
		return r.Erase(&sweptAt, copies), nil
	})
	return remains, err
}

// buryClaim sets the tombstone of what in a claim names an account or a session, by
// its id, and tells whether there is one. Whoever claims it next is not touched.
func (t task) buryClaim(ctx context.Context, claim events.Aggregate, of string) (bool, error) {
	remains := events.NewClaimRemains(of)
	if _, err := look(ctx, t, claim, remains); err != nil || len(remains.Bury()) == 0 {
		return remains.Buried(), err
	}
	if err := t.doors.Ledger.Record(ctx, claim, t.moment()); err != nil {
		return false, err
	}
	_, err := decide(ctx, t, claim, events.NewClaimRemains(of), func(c *events.ClaimRemains) ([]events.Event, error) {
		return c.Bury(), nil
	})
	return true, err
}

// sweepClaim sweeps what the tombstones of a claim stand for, and gives what it is
// then.
func (t task) sweepClaim(ctx context.Context, claim events.Aggregate) (*events.ClaimRemains, error) {
	remains := events.NewClaimRemains("")
	if _, err := look(ctx, t, claim, remains); err != nil {
		return nil, err
	}
	buried := remains.ToSweep()
	if buried.Empty() {
		return remains, nil
	}
	copies, err := t.sweepAll(ctx, claim, buried)
	if err != nil {
		return nil, err
	}
	remains = events.NewClaimRemains("")
	_, err = decide(ctx, t, claim, remains, func(c *events.ClaimRemains) ([]events.Event, error) {
		return c.Sweep(buried, t.moment(), copies), nil
	})
	return remains, err
}
