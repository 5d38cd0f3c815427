package erasure

import (
	"context"
	"slices"
	"time"

	"parley/events"
)

// Requests that were under way when something was erased may still bring an object to
// the store, or claim something: a browser may hold a signed address, good for a quarter
// of an hour, and over a bad network a body of 256 MiB may take six days. So each
// erasure is looked at again, first after strayAfter and then at twice its age.
const (
	strayAfter = 20 * time.Minute
	strayUntil = 15 * 24 * time.Hour
	strayLook  = time.Minute
)

// Strays removes, until the context ends, what came after its session or account was
// erased. Errors: CodeUnavailable; then it should be begun again.
func (e *Eraser) Strays(ctx context.Context) error {
	next := time.NewTicker(strayLook)
	defer next.Stop()
	for looks := e.Looks(); ; {
		if err := looks.Look(ctx); err != nil {
			return err
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Looks are those of one eraser for strays.
type Looks struct {
	eraser  *Eraser
	through uint64 // of the ledger
	young   []events.Erasure
	since   time.Time // of the last look
}

// Looks begins as if nothing had been looked at for as long as strays may come.
func (e *Eraser) Looks() *Looks { return &Looks{eraser: e, since: e.now().Add(-strayUntil)} }

// Look removes the strays of what is due since the last look. Errors: CodeUnavailable;
// then the next one does that too.
func (l *Looks) Look(ctx context.Context) error {
	now := l.eraser.now()
	news, through, err := l.eraser.doors.Ledger.Since(ctx, l.through)
	if err != nil {
		return err
	}
	l.through = through
	l.young = slices.DeleteFunc(append(l.young, news...), func(e events.Erasure) bool {
		return l.since.Sub(e.ErasedAt) > strayUntil
	})
	first := map[string]bool{}
	for _, e := range l.young {
		due, isFirst := l.due(e, now)
		if isFirst && (e.Of.Kind == events.KindOfSession || e.Of.Kind == events.KindOfAccount) {
			first[e.Of.ID] = true
		}
		if !due || e.Of.Kind != events.KindOfSession {
			continue
		}
		if _, err := l.eraser.doors.Objects.RemoveSession(ctx, events.SessionID(e.Of.ID)); err != nil {
			return err
		}
	}
	if err := l.eraser.removeClaims(ctx, first); err != nil {
		return err
	}
	l.since = now
	return nil
}

// due tells whether an erasure is to be looked at between the last look and now, and
// whether for the first time.
func (l *Looks) due(e events.Erasure, now time.Time) (due, first bool) {
	for age := strayAfter; age <= strayUntil; age *= 2 {
		if at := e.ErasedAt.Add(age); at.After(l.since) && !at.After(now) {
			return true, age == strayAfter
		}
	}
	return false, false
}

// removeClaims erases what in claims names accounts or sessions that are erased. Only
// the first look is for them: no request lasts that long.
func (e *Eraser) removeClaims(ctx context.Context, of map[string]bool) error {
	if len(of) == 0 {
		return nil
	}
	naming, err := e.doors.Register.Claims(ctx, of)
	if err != nil {
		return err
	}
	t := task{Eraser: e}
	for claim, named := range naming {
		for _, id := range named {
			if _, err := t.buryClaim(ctx, claim, id); err != nil {
				return err
			}
		}
		if _, err := t.sweepClaim(ctx, claim); err != nil {
			return err
		}
	}
	return nil
}
