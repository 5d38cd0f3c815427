package main

import (
	"testing"
	"time"

	"parley/events"
)

func TestTalkIsASessionThatIsSaved(t *testing.T) {
	for name, c := range map[string]struct{ exchanges, events, turns int }{
		"brief": {briefTalk, briefEvents, 1},
		"whole": {wholeTalk, wholeEvents, 1 + 2*wholeTalk},
	} {
		t.Run(name, func(t *testing.T) {
			talk := newTalk(events.AccountID(newID()), c.exchanges, time.Now())
			if len(talk.evs) != c.events {
				t.Fatalf("%d events, want %d", len(talk.evs), c.events)
			}
			session := events.NewSession(talk.session)
			for i, e := range talk.evs {
				e.Position = events.Position(i + 1)
				session.Evolve(e)
			}
			if status, reason := session.Facts().Status(time.Now()); status != events.StatusSaved {
				t.Errorf("status %s, reason %s", status, reason)
			}
			if turns := session.Turns.Segments(true); len(turns) != c.turns {
				t.Errorf("%d turns, want %d", len(turns), c.turns)
			}
		})
	}
}

func TestSentenceHasSixtyCharacters(t *testing.T) {
	if got := len([]rune(sentence())); got != textLength {
		t.Fatalf("%d characters", got)
	}
}
