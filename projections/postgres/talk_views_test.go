package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/events"
	"parley/projections"
)

func TestTalks(t *testing.T) {
	begun := func(id events.SessionID, learner events.AccountID, minutes int, more ...events.Event) []events.Event {
		evs := append([]events.Event{started(id, learner)}, more...)
		for i := range evs {
			evs[i].Time = time.Date(2026, 3, 14, 9, minutes+i, 0, 0, time.UTC)
		}
		return evs
	}
	token := func(id events.SessionID, call int) events.Event {
		if call == 1 {
			return on(id.Aggregate(), &events.TokenIssued{Call: 1})
		}
		return on(id.Aggregate(), &events.TokenRefreshed{Call: call})
	}
	ended := func(id events.SessionID) events.Event {
		return on(id.Aggregate(), &events.SessionEnded{Reason: events.EndedByLearner})
	}
	ids := make([]events.SessionID, 5) // before, active, over, silent, another's
	for i := range ids {
		ids[i] = events.SessionID(fmt.Sprintf("01KKNQ5E48000000000TA1K00%d", i))
	}
	read := given(t, slices.Concat(
		begun(ids[0], anna, 0, token(ids[0], 1), ended(ids[0])),     // before the moment
		begun(ids[1], anna, 10, token(ids[1], 1), token(ids[1], 2)), // active
		begun(ids[2], anna, 20, token(ids[2], 1), ended(ids[2])),
		begun(ids[3], anna, 30),                  // never talked in
		begun(ids[4], bea, 40, token(ids[4], 1)), // another's
	)...)
	talks, err := read.Talks(t.Context(), anna, time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(talks, func(a, b projections.Talk) int { return a.From.Compare(b.From) })
	at := func(minute int) time.Time { return time.Date(2026, 3, 14, 9, minute, 0, 0, time.UTC) }
	if len(talks) != 2 ||
		talks[0].Session != ids[1] || !talks[0].From.Equal(at(11)) || talks[0].Until != nil ||
		talks[1].Session != ids[2] || !talks[1].From.Equal(at(21)) || talks[1].Until == nil || !talks[1].Until.Equal(at(22)) {
		t.Fatalf("%+v", talks)
	}
}
