package timekeeper

import (
	"time"

	"parley/events"
)

// Session is a session with what tells whether its time is over.
type Session struct {
	*events.Session
	Heard  time.Time // when its last event was stored; zero before the first
	spoken time.Time // when somebody was last heard to speak, or a call came up
}

// NewSession is a session that has not started.
func NewSession(id events.SessionID) *Session { return &Session{Session: events.NewSession(id)} }

// Evolve takes in the next event.
func (s *Session) Evolve(e events.Event) {
	s.Session.Evolve(e)
	if e.Time.After(s.Heard) { // one that cannot be read may have no time
		s.Heard = e.Time
	}
	switch e.Body.(type) {
	case *events.CallConnected, *events.SegmentPlaced, *events.SegmentTranscribed, *events.SegmentTimed, *events.SegmentInterrupted:
		s.spoken = e.Time
	}
}

// IsOpen tells whether it was begun and is neither ended nor deleted.
func (s *Session) IsOpen() bool {
	return s.Exists() && s.Ended == nil && s.Deleted == nil && s.Erased == nil
}

// due is when its time will be over unless more is heard, and why.
func (s *Session) due(limits Limits) (at time.Time, why events.EndReason) {
	at, why = s.Heard.Add(limits.Silence), events.EndedAbandoned
	if idle := s.spoken.Add(limits.Idle); limits.Idle > 0 && s.InCall() && idle.Before(at) {
		at, why = idle, events.EndedIdle
	}
	if until := s.Until; !until.At.IsZero() && until.At.Before(at) {
		at, why = until.At, until.Why
	}
	return at, why
}
