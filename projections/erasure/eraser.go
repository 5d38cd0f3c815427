package erasure

import (
	"context"
	"time"

	"parley/events"
)

// Log is what the eraser needs of the log.
type Log = events.LoadAppender

// Vault keeps the data keys.
type Vault interface {
	// Destroy makes everything unreadable that was sealed for the owner. Doing it
	// again is no error. Errors: CodeUnavailable.
	Destroy(ctx context.Context, owner events.Aggregate) error
}

// Objects is the store.
type Objects interface {
	// RemoveSession deletes everything of a session, all versions and unfinished
	// uploads, and tells how many there were. Errors: CodeUnavailable.
	RemoveSession(ctx context.Context, id events.SessionID) (int, error)
}

// Ledger lists what was erased, apart from the log, for backups to be filtered by.
type Ledger interface {
	// Record notes an erasure; the first note of a session stands.
	// Errors: CodeUnavailable.
	Record(ctx context.Context, id events.SessionID, unreadableAt time.Time) error
}

// Sweeper overwrites single events on the disk.
type Sweeper interface {
	// Has tells whether an event lies at the position. Errors: CodeUnavailable.
	Has(ctx context.Context, at events.Position) (bool, error)

	// SecureDelete overwrites the event at the position; none there is no error.
	// Errors: CodeUnavailable.
	SecureDelete(ctx context.Context, at events.Position) error
}

// Pace holds the sweep back: Wait returns when the next event may be overwritten,
// or with the context's error. Ten a second is what appends beside it bear (design
// section 7); *rate.Limiter of golang.org/x/time does it.
type Pace interface {
	Wait(ctx context.Context) error
}

// Doors is all that an eraser reaches.
type Doors struct {
	Log     Log
	Vault   Vault
	Objects Objects
	Ledger  Ledger
	Sweeper Sweeper
}

// Eraser is the worker. It keeps nothing between two hints, and several may work on
// the same session.
type Eraser struct {
	doors Doors
	pace  Pace
	now   func() time.Time
	newID func() events.EventID
}

// NewEraser makes an eraser.
func NewEraser(doors Doors, pace Pace, now func() time.Time, newID func() events.EventID) *Eraser {
	return &Eraser{doors: doors, pace: pace, now: now, newID: newID}
}

// Kinds are the events that begin a piece of work.
func (e *Eraser) Kinds() []events.Kind {
	return []events.Kind{events.KindSessionDeleteRequested, events.KindSessionErased}
}

// Handle does what the hint's session still needs: the way to the tombstone for any
// hint, the sweep only for the tombstone itself. So each piece has one message that
// stays until it is done, and the sweep does not run twice side by side.
//
// Nil means that the piece is done; after an error the same hint should be handled
// again, without end: an erasure is never given up. Errors: those of the doors.
func (e *Eraser) Handle(ctx context.Context, hint events.Event) error {
	session, err := e.decide(ctx, hint, nothing)
	if err != nil {
		return err
	}
	switch {
	case session.Erased == nil && session.Deleted != nil:
		return e.bury(ctx, hint, session.ID)
	case session.Erased != nil && session.Erased.SweptAt == nil && isTombstone(hint):
		return e.sweep(ctx, hint, session)
	}
	return nil
}

func isTombstone(hint events.Event) bool {
	_, is := hint.Body.(*events.SessionErased)
	return is
}

// bury makes the session unreadable and sets the tombstone. The count of objects is
// that of this run: one that was interrupted took its count along.
func (e *Eraser) bury(ctx context.Context, hint events.Event, id events.SessionID) error {
	if err := e.doors.Vault.Destroy(ctx, id.Aggregate()); err != nil {
		return err
	}
	unreadableAt := e.moment()
	objects, err := e.doors.Objects.RemoveSession(ctx, id)
	if err != nil {
		return err
	}
	if err := e.doors.Ledger.Record(ctx, id, unreadableAt); err != nil {
		return err
	}
	_, err = e.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		positions := s.ToSweep()
		return s.Erase(&events.SessionErased{
			Positions:    positions,
			Events:       int(positions.Count()),
			Objects:      objects,
			UnreadableAt: unreadableAt,
		})
	})
	return err
}

// sweep overwrites what the tombstone lists, looks whether it is gone, and says so.
// The objects are removed once more: a finalizer that was at work while the
// tombstone was set may have placed one after.
func (e *Eraser) sweep(ctx context.Context, hint events.Event, session *events.Session) error {
	tombstone := session.Erased
	if err := e.each(ctx, tombstone.Positions, e.overwrite); err != nil {
		return err
	}
	if err := e.each(ctx, tombstone.Positions, e.verify); err != nil {
		return err
	}
	late, err := e.doors.Objects.RemoveSession(ctx, session.ID)
	if err != nil {
		return err
	}
	swept := *tombstone
	swept.Objects += late
	_, err = e.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		sweptAt := e.moment()
		swept.SweptAt = &sweptAt
		return s.Erase(&swept)
	})
	return err
}

// overwrite removes one event, unless an earlier run has. Only what rewrites a
// block waits for its turn.
func (e *Eraser) overwrite(ctx context.Context, at events.Position) error {
	there, err := e.doors.Sweeper.Has(ctx, at)
	if err != nil || !there {
		return err
	}
	if err := e.pace.Wait(ctx); err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the sweep was interrupted")
	}
	return e.doors.Sweeper.SecureDelete(ctx, at)
}

func (e *Eraser) verify(ctx context.Context, at events.Position) error {
	there, err := e.doors.Sweeper.Has(ctx, at)
	if err == nil && there {
		return events.Errorf(events.CodeInternal, "an erased event is still at position %s", at)
	}
	return err
}

// each goes through all positions in order.
func (e *Eraser) each(ctx context.Context, positions events.Numbers, do func(context.Context, events.Position) error) error {
	for _, r := range positions.Ranges() {
		for at := r.First; at <= r.Last; at++ {
			if err := do(ctx, events.Position(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

func nothing(*events.Session) ([]events.Event, error) { return nil, nil }

// decide runs one decision on the hint's session and gives the session after it.
func (e *Eraser) decide(ctx context.Context, hint events.Event, decision func(*events.Session) ([]events.Event, error)) (*events.Session, error) {
	session := events.NewSession(events.SessionID(hint.Aggregate.ID))
	_, err := events.Execute(ctx, e.doors.Log, hint.Aggregate, session, e.stamp(hint), decision)
	return session, err
}

func (e *Eraser) stamp(hint events.Event) events.Stamp {
	return events.Stamp{
		Actor:       events.System("eraser"),
		Time:        e.moment(),
		Causation:   hint.ID,
		Correlation: hint.Correlation,
		NewID:       e.newID,
	}
}

// moment is now as the log keeps it.
func (e *Eraser) moment() time.Time { return e.now().UTC().Truncate(time.Millisecond) }
