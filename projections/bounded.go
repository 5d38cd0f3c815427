package projections

import (
	"context"
	"errors"

	"parley/events"
)

// errRead ends following: all was read that was wanted.
var errRead = errors.New("read as far as wanted")

// ignoring drops an error that only ends something.
func ignoring(err, end error) error {
	if errors.Is(err, end) {
		return nil
	}
	return err
}

// Fill carries the log up to a position into a store and returns then, also when
// the last events there are gone from the log. It is a
// projector's loop without its patience: what it meets, it returns.
// Errors: those of Store; CodeConflict with a *Mismatch; CodeUnavailable.
func Fill(ctx context.Context, log Source, store Store, stream string, upTo events.Position) (Checkpoint, error) {
	at, err := store.Claim(ctx, stream)
	if err != nil {
		return at, err
	}
	now, err := log.Identity(ctx)
	if err != nil {
		return at, err
	}
	if err := Check(ctx, log, at, now); err != nil {
		return at, err
	}
	if upTo = min(upTo, now.End()); at.Position >= upTo {
		return at, nil
	}
	err = pipe(ctx, log, at.Position, func(batch []events.Event) error {
		last := batch[len(batch)-1].Position
		if batch = notBehind(upTo, after(at.Position, batch)); len(batch) > 0 {
			if at, err = store.Commit(ctx, at, now, batch); err != nil {
				return err
			}
		}
		if last >= upTo {
			return errRead
		}
		return nil
	})
	return at, ignoring(err, errRead)
}

// notBehind drops what comes behind a position.
func notBehind(upTo events.Position, batch []events.Event) []events.Event {
	for len(batch) > 0 && batch[len(batch)-1].Position > upTo {
		batch = batch[:len(batch)-1]
	}
	return batch
}
