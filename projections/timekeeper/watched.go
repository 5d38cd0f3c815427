package timekeeper

import (
	"time"

	"parley/events"
)

// watched is a session with what tells whether it was abandoned.
type watched struct {
	*events.Session
	heard    time.Time // of its last event, by the server's clock
	recorded bool      // its browser recorded
}

func newWatched(id events.SessionID) *watched { return &watched{Session: events.NewSession(id)} }

// Evolve takes in the next event.
func (w *watched) Evolve(e events.Event) {
	w.Session.Evolve(e)
	w.heard = e.Time
	if _, is := e.Body.(*events.RecordingStarted); is {
		w.recorded = true
	}
}

// open is a session that was begun and is neither ended nor deleted.
func (w *watched) open() bool {
	return w.Exists() && w.Ended == nil && w.Deleted == nil && w.Erased == nil
}

// due is when its silence will have been long enough.
func (w *watched) due(silence time.Duration) time.Time { return w.heard.Add(silence) }

// abandoned ends it with what is known: a recording that was begun lies on the
// device until the device brings it, and the outbox went at least as far as the
// highest number that came.
func (w *watched) abandoned() *events.SessionEnded {
	return &events.SessionEnded{
		Reason:            events.EndedAbandoned,
		RecordingExpected: w.recorded || w.Upload != nil,
		LastN:             highest(w.Received),
	}
}

func highest(received events.Numbers) int64 {
	if received.Empty() {
		return 0
	}
	ranges := received.Ranges()
	return ranges[len(ranges)-1].Last
}
