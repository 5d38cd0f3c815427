package timekeeper

import (
	"context"
	"time"

	"parley/events"
)

// Limits are how long a session may be quiet.
type Limits struct {
	Silence time.Duration // nothing is heard of it; 0: [DefaultSilence]
	Idle    time.Duration // nobody speaks in its call; 0: for ever
}

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
	log    Log
	timers Timers
	limits Limits
	now    func() time.Time
	newID  func() events.EventID
}

// New makes a timekeeper.
func New(log Log, timers Timers, limits Limits, now func() time.Time, newID func() events.EventID) *Timekeeper {
	if limits.Silence == 0 {
		limits.Silence = DefaultSilence
	}
	return &Timekeeper{log: log, timers: timers, limits: limits, now: now, newID: newID}
}

// Kinds are the events from which a session may have less time than before.
func (k *Timekeeper) Kinds() []events.Kind {
	return []events.Kind{events.KindSessionStarted, events.KindTokenIssued, events.KindTokenRefreshed, events.KindCallConnected}
}

// Handle arms the timer of a session of which such an event came. Nil means that its time is
// kept; after an error the same hint should be handled again. Errors: those of log
// and timers.
func (k *Timekeeper) Handle(ctx context.Context, hint events.Event) error {
	id, is := hint.Aggregate.Session()
	if !is {
		return nil
	}
	return k.look(ctx, id, hint.ID)
}

// Ring looks at the session of a timer that has fired. After an error it should be
// called again. Errors: those of log and timers.
func (k *Timekeeper) Ring(ctx context.Context, id events.SessionID) error {
	return k.look(ctx, id, "")
}

// look ends the session if its time is over, and arms its timer if it may be one day.
func (k *Timekeeper) look(ctx context.Context, id events.SessionID, because events.EventID) error {
	now := k.now()
	session := NewSession(id)
	stamp := events.Stamp{Actor: events.System("timekeeper"), Time: now, Causation: because, NewID: k.newID}
	_, err := events.Execute(ctx, k.log, id.Aggregate(), session, stamp, func(s *Session) ([]events.Event, error) {
		at, why := s.due(k.limits)
		if !s.IsOpen() || now.Before(at) {
			return nil, nil
		}
		return s.Stop(why)
	})
	if err != nil || !session.IsOpen() {
		return err
	}
	at, _ := session.due(k.limits)
	return k.timers.Arm(ctx, id, at)
}

// Rearm goes through the log once, up to a position, and looks at every session
// that is open there: for a start after which timers may be missing. What is wrong
// with one session trouble hears of; it keeps no other from its timer.
// Errors: CodeUnavailable, CodeUnknown.
func (k *Timekeeper) Rearm(ctx context.Context, through events.Position, trouble func(events.SessionID, error)) error {
	open, err := k.open(ctx, through)
	if err != nil {
		return err
	}
	for id := range open {
		err := k.Ring(ctx, id)
		if isAway(err) || ctx.Err() != nil {
			return err
		}
		if err != nil {
			trouble(id, err)
		}
	}
	return nil
}

// isAway is true of an error that has to do with no session.
func isAway(err error) bool {
	code := events.CodeOf(err)
	return code == events.CodeUnavailable || code == events.CodeUnknown
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
	id, is := e.Aggregate.Session()
	if !is {
		return
	}
	switch e.Body.(type) {
	case *events.SessionStarted:
		open[id] = true
	case *events.SessionEnded, *events.SessionDeleteRequested, *events.SessionErased:
		delete(open, id)
	}
}
