package timekeeper

import (
	"context"
	"time"

	"parley/events"
)

// DefaultSilence is how long nothing is heard of a session before it counts as
// abandoned. It is longer than a pause, and shorter than a call may be.
const DefaultSilence = 30 * time.Minute

// Log is what the timekeeper needs of the log.
type Log interface {
	events.LoadAppender
	events.Follower
}

// Timers wake the timekeeper.
type Timers interface {
	// Arm sets the session's one timer; it takes the place of an earlier one. A
	// moment that has passed fires at once. Errors: CodeUnavailable.
	Arm(ctx context.Context, id events.SessionID, at time.Time) error
}

// Timekeeper is the worker. It keeps nothing between two hints, and several may
// look at the same session.
type Timekeeper struct {
	log     Log
	timers  Timers
	silence time.Duration
	now     func() time.Time
	newID   func() events.EventID
}

// New makes a timekeeper; silence zero means [DefaultSilence].
func New(log Log, timers Timers, silence time.Duration, now func() time.Time, newID func() events.EventID) *Timekeeper {
	if silence == 0 {
		silence = DefaultSilence
	}
	return &Timekeeper{log: log, timers: timers, silence: silence, now: now, newID: newID}
}

// Kinds are the events that begin a session's time.
func (k *Timekeeper) Kinds() []events.Kind { return []events.Kind{events.KindSessionStarted} }

// Handle arms the timer of a session that has started. Nil means that its time is
// kept; after an error the same hint should be handled again. Errors: those of log
// and timers.
func (k *Timekeeper) Handle(ctx context.Context, hint events.Event) error {
	return k.look(ctx, events.SessionID(hint.Aggregate.ID), hint.ID)
}

// Ring looks at the session of a timer that has fired. After an error it should be
// called again. Errors: those of log and timers.
func (k *Timekeeper) Ring(ctx context.Context, id events.SessionID) error {
	return k.look(ctx, id, "")
}

// look ends the session if it is abandoned, and arms its timer if it may be one day.
func (k *Timekeeper) look(ctx context.Context, id events.SessionID, because events.EventID) error {
	now := k.now()
	session := NewSession(id)
	stamp := events.Stamp{Actor: events.System("timekeeper"), Time: now, Causation: because, NewID: k.newID}
	_, err := events.Execute(ctx, k.log, id.Aggregate(), session, stamp, func(s *Session) ([]events.Event, error) {
		if !s.IsOpen() || now.Before(s.due(k.silence)) {
			return nil, nil
		}
		return s.End(s.Ending(events.EndedAbandoned))
	})
	if err != nil || !session.IsOpen() {
		return err
	}
	return k.timers.Arm(ctx, id, session.due(k.silence))
}

// Rearm goes through the log once, up to a position, and looks at every session
// that is open there: for a start after which timers may be missing. Errors: those
// of log and timers.
func (k *Timekeeper) Rearm(ctx context.Context, through events.Position) error {
	open, err := k.open(ctx, through)
	if err != nil {
		return err
	}
	for id := range open {
		if err := k.Ring(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// open finds the sessions that have started and not ended.
func (k *Timekeeper) open(ctx context.Context, through events.Position) (map[events.SessionID]bool, error) {
	open := map[events.SessionID]bool{}
	if through == 0 {
		return open, nil
	}
	const batch = 2000
	following, enough := context.WithCancel(ctx)
	defer enough()
	reached := false
	err := k.log.Follow(following, 0, batch, func(evs []events.Event) error {
		for _, e := range evs {
			note(open, e)
		}
		if reached = evs[len(evs)-1].Position >= through; reached {
			enough()
		}
		return nil
	})
	if reached {
		return open, nil
	}
	return nil, err
}

func note(open map[events.SessionID]bool, e events.Event) {
	id := events.SessionID(e.Aggregate.ID)
	switch e.Body.(type) {
	case *events.SessionStarted:
		open[id] = true
	case *events.SessionEnded, *events.SessionDeleteRequested, *events.SessionErased:
		delete(open, id)
	}
}
