package http

import (
	"testing"
	"time"

	"parley/events"
)

func TestSessionsThatTalk(t *testing.T) {
	now := time.Date(2026, time.March, 14, 9, 0, 0, 0, time.UTC)
	const one, other = events.SessionID("01KKNQ5E48000000000SESS1AA"), events.SessionID("01KKNQ5E48000000000SESS1BB")
	long := func(id events.SessionID, length int) *events.Session {
		s := events.NewSession(id)
		s.Positions = make([]events.Position, length)
		return s
	}
	held := func(r *talking, id events.SessionID) bool {
		_, at := r.take(id)
		return at > 0
	}
	given := func() *talking { return newTalking(func() time.Time { return now }) }

	t.Run("who takes one has it alone", func(t *testing.T) {
		r := given()
		r.put(long(one, 1), 7)
		if session, at := r.take(one); session.ID != one || at != 7 {
			t.Fatalf("%v at %d", session.ID, at)
		}
		if held(r, one) {
			t.Error("a second one got it too")
		}
	})
	t.Run("too many events push out the oldest", func(t *testing.T) {
		r := given()
		r.put(long(one, 1), 1)
		r.put(long(other, recentEvents-1), 2)
		if len(r.byID) != 2 {
			t.Fatal("just enough was too much")
		}
		r.put(long("01KKNQ5E48000000000SESS1CC", 1), 3)
		if held(r, one) || !held(r, other) {
			t.Error("not the oldest left")
		}
	})
	t.Run("idle ones leave", func(t *testing.T) {
		r := given()
		r.put(long(one, 1), 1)
		now = now.Add(recentIdle)
		r.put(long(other, 1), 2)
		if len(r.byID) != 2 {
			t.Fatal("it left too early")
		}
		now = now.Add(1)
		r.put(long(other, 1), 3)
		if held(r, one) {
			t.Error("it stayed")
		}
	})
	t.Run("a deleted one is forgotten", func(t *testing.T) {
		r := given()
		r.put(long(one, 1), 1)
		r.forget(one)
		gone := long(other, 1)
		gone.Deleted = &events.SessionDeleteRequested{}
		r.put(gone, 2)
		if len(r.byID) != 0 || r.events != 0 {
			t.Errorf("%d sessions, %d events", len(r.byID), r.events)
		}
	})
}
