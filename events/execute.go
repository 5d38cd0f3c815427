package events

import (
	"context"
	"math/rand/v2"
	"time"
)

// State is what a command decides from: a fold over one aggregate's events.
type State interface{ Evolve(Event) }

// LoadAppender is the part of the log that commands need.
type LoadAppender interface {
	Loader
	Appender
}

const (
	attempts  = 5
	maxJitter = 20 * time.Millisecond
)

// Execute loads the aggregate into the state, lets decide draft events from
// it, and appends them guarded by the position that was decided from. On a
// conflict the whole decision runs again on what has come since, at most five
// times, so decide must be pure. It returns the position of the aggregate's
// last event; when decide drafts nothing, nothing is appended.
//
// Errors: those of decide, Load and Append; CodeConflict after five attempts.
func Execute[S State](ctx context.Context, log LoadAppender, on Aggregate, state S, stamp Stamp, decide func(S) ([]Event, error)) (Position, error) {
	return Continue(ctx, log, on, state, 0, stamp, decide)
}

// Continue is Execute for a state that is folded up to a position already, as
// an earlier command left it. What it decides to write stands or falls with the
// guard, so that nothing is loaded for it; a refusal, or that there is nothing
// to write, counts only once it was decided from all that has come since.
func Continue[S State](ctx context.Context, log LoadAppender, on Aggregate, state S, at Position, stamp Stamp, decide func(S) ([]Event, error)) (Position, error) {
	for attempt := 1; ; attempt++ {
		isCurrent := at == 0 || attempt > 1
		if isCurrent {
			news, err := log.Load(ctx, on, at)
			if err != nil {
				return 0, err
			}
			at = fold(state, news, at)
		}
		drafts, err := decide(state)
		if err != nil || len(drafts) == 0 {
			if !isCurrent {
				continue
			}
			return at, err
		}
		last, err := log.Append(ctx, on, ExpectAt(at), stamp.apply(on, drafts)...)
		if err == nil {
			place(drafts, last)
			return fold(state, drafts, at), nil
		}
		if CodeOf(err) != CodeConflict || attempt == attempts {
			return 0, err
		}
		if err := pause(ctx); err != nil {
			return 0, err
		}
	}
}

func fold[S State](into S, evs []Event, at Position) Position {
	for _, e := range evs {
		into.Evolve(e)
		at = e.Position
	}
	return at
}

// place gives stored drafts their positions: one append lies in one piece.
func place(stored []Event, last Position) {
	for i := range stored {
		stored[i].Position = last - Position(len(stored)-1-i)
	}
}

// pause keeps two writers that collided from colliding in step.
func pause(ctx context.Context) error {
	timer := time.NewTimer(rand.N(maxJitter))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return Wrap(ctx.Err(), CodeUnavailable, "the request ended before the log answered")
	}
}
