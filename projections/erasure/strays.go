package erasure

import (
	"context"
	"time"
)

// How late an object may come to an erased session: a browser may hold a signed
// address, good for a quarter of an hour, and may be sending until then.
const (
	strayAfter = 20 * time.Minute
	strayUntil = 24 * time.Hour // an eraser that was away for longer looks no more
	strayLook  = time.Minute
)

// Strays removes, until the context ends, what came to the store after its session
// was erased. Errors: CodeUnavailable; then it should be begun again.
func (e *Eraser) Strays(ctx context.Context) error {
	look := time.NewTicker(strayLook)
	defer look.Stop()
	for since := e.now().Add(-strayUntil); ; {
		until := e.now().Add(-strayAfter)
		if err := e.RemoveStrays(ctx, since, until); err != nil {
			return err
		}
		since = until
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// RemoveStrays does so once, for the sessions that were erased between two moments.
// Errors: CodeUnavailable.
func (e *Eraser) RemoveStrays(ctx context.Context, since, until time.Time) error {
	erased, err := e.doors.Ledger.Sessions(ctx, since, until)
	if err != nil {
		return err
	}
	for _, id := range erased {
		if _, err := e.doors.Objects.RemoveSession(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
