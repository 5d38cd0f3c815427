package timekeeper

import (
	"time"

	"parley/events"
)

// Session is a session with what tells whether it was abandoned, and how to end it
// for a browser that says nothing.
type Session struct {
	*events.Session
	Heard    time.Time // when its last event was stored; zero before the first
	recorded bool      // its browser recorded
}

// NewSession is a session that has not started.
func NewSession(id events.SessionID) *Session { return &Session{Session: events.NewSession(id)} }

// Evolve takes in the next event.
func (s *Session) Evolve(e events.Event) {
	s.Session.Evolve(e)
	s.Heard = e.Time
	if _, is := e.Body.(*events.RecordingStarted); is {
		s.recorded = true
	}
}

// IsOpen tells whether it was begun and is neither ended nor deleted.
func (s *Session) IsOpen() bool {
	return s.Exists() && s.Ended == nil && s.Deleted == nil && s.Erased == nil
}

// Ending is the end of it as far as the server can tell: a recording that was begun
// lies on the device until the device brings it, and the outbox went at least as far
// as the highest number that came.
func (s *Session) Ending(because events.EndReason) *events.SessionEnded {
	return &events.SessionEnded{
		Reason:            because,
		RecordingExpected: s.recorded || s.Upload != nil,
		LastN:             highest(s.Received),
	}
}

// due is when its silence will have been long enough.
func (s *Session) due(silence time.Duration) time.Time { return s.Heard.Add(silence) }

func highest(received events.Numbers) int64 {
	if received.Empty() {
		return 0
	}
	ranges := received.Ranges()
	return ranges[len(ranges)-1].Last
}
