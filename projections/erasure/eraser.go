package erasure

import (
	"context"
	"sync"
	"time"

	"parley/events"
)

// Eraser is the worker. It keeps nothing between two hints, and several may work on
// the same session or account.
type Eraser struct {
	one   sync.Mutex // burials
	doors Doors
	pace  Pace
	now   func() time.Time
	newID func() events.EventID
}

// NewEraser makes an eraser.
func NewEraser(doors Doors, pace Pace, now func() time.Time, newID func() events.EventID) *Eraser {
	return &Eraser{doors: doors, pace: pace, now: now, newID: newID}
}

// BuryKinds are the events that begin the first piece of work, which makes
// unreadable. It is short, and must not wait for sweeps.
func (e *Eraser) BuryKinds() []events.Kind {
	return []events.Kind{events.KindSessionDeleteRequested, events.KindAccountDeleteRequested}
}

// SweepKinds are the events that begin the second piece, which may take hours.
func (e *Eraser) SweepKinds() []events.Kind {
	return []events.Kind{events.KindSessionErased, events.KindTopicErased, events.KindAuditErased, events.KindClaimErased, events.KindAccountErased}
}

// Handle does what the hint's aggregate still needs: the way to the tombstone for
// any hint, the sweep only for a tombstone. So each piece has one message that
// stays until it is done.
//
// Nil means that the piece is done; after an error the same hint should be handled
// again, without end: an erasure is never given up. Errors: those of the doors.
func (e *Eraser) Handle(ctx context.Context, hint events.Event) error {
	_, sweeps := hint.Body.(events.Tombstone)
	t := task{e, hint}
	switch of := hint.Aggregate; {
	case of.Kind == events.KindOfSession:
		return t.session(ctx, events.SessionID(of.ID), sweeps)
	case of.Kind == events.KindOfAccount:
		return t.account(ctx, events.AccountID(of.ID), sweeps)
	case of.Kind == events.KindOfTopic, of.Kind == events.KindOfAudit:
		_, err := t.sweepRemains(ctx, of)
		return err
	case of.Kind.IsClaim():
		_, err := t.sweepClaim(ctx, of)
		return err
	default:
		return events.Errorf(events.CodeInternal, "nobody erases a %s", of.Kind)
	}
}

// task is what one hint causes.
type task struct {
	*Eraser
	hint events.Event
}

func (t task) stamp() events.Stamp {
	return events.Stamp{
		Actor:       events.System("eraser"),
		Time:        t.moment(),
		Causation:   t.hint.ID,
		Correlation: t.hint.Correlation,
		NewID:       t.newID,
	}
}

// moment is now as the log keeps it.
func (e *Eraser) moment() time.Time { return e.now().UTC().Truncate(time.Millisecond) }

// decide runs one decision on an aggregate, in the name of a task, and gives the
// position of its last event.
func decide[S events.State](ctx context.Context, t task, on events.Aggregate, state S, decision func(S) ([]events.Event, error)) (events.Position, error) {
	stamp := t.stamp()
	if on.Kind.IsClaim() { // its tombstone leads to nobody
		stamp.Causation, stamp.Correlation = "", ""
	}
	return events.Execute(ctx, t.doors.Log, on, state, stamp, decision)
}

// look only loads.
func look[S events.State](ctx context.Context, t task, on events.Aggregate, state S) (events.Position, error) {
	return decide(ctx, t, on, state, func(S) ([]events.Event, error) { return nil, nil })
}
