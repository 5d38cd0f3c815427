package http

import (
	"fmt"
	"testing"
	"time"

	"parley/events"
)

func TestSessionsThatTalk(t *testing.T) {
	now := time.Date(2026, time.March, 14, 9, 0, 0, 0, time.UTC)
	const one, other = events.SessionID("01KKNQ5E48000000000SESS1AA"), events.SessionID("01KKNQ5E48000000000SESS1BB")
	talked := func(id events.SessionID, items int) *events.Session {
		s := events.NewSession(id)
		for n := range items {
			s.Evolve(events.Event{N: int64(n + 1), Body: &events.SegmentPlaced{Call: 1, Item: fmt.Sprint("item_", n)}})
		}
		return s
	}
	held := func(r *talking, id events.SessionID) bool {
		_, at := r.take(id)
		return at > 0
	}
	given := func() *talking { return newTalking(func() time.Time { return now }) }

	t.Run("who takes one has it alone", func(t *testing.T) {
		r := given()
		r.put(talked(one, 1), 7)
		if session, at := r.take(one); session.ID != one || at != 7 {
			t.Fatalf("%v at %d", session.ID, at)
		}
		if held(r, one) {
			t.Error("a second one got it too")
		}
	})
	t.Run("too many push out the oldest", func(t *testing.T) {
		r := given()
		r.put(talked(one, 1), 1)
		for n := range recentTalks - 1 {
			r.put(talked(events.SessionID(fmt.Sprintf("01KKNQ5E48000000000S%06d", n)), 1), 2)
		}
		if len(r.byID) != recentTalks {
			t.Fatal("just enough was too much")
		}
		r.put(talked(other, 1), 3)
		if held(r, one) || !held(r, other) {
			t.Error("not the oldest left")
		}
	})
	t.Run("none takes more the longer it lasts", func(t *testing.T) {
		for items, left := range map[int]int{recentItems: recentItems, recentItems + 1: 0, 10_000: 0} {
			r, long := given(), talked(one, items-1)
			long.Evolve(events.Event{N: int64(items), Body: &events.SegmentTimed{Call: 1, Response: "resp", EndedRecMS: new(int64)}})
			r.put(long, 1)
			session, _ := r.take(one)
			if got := len(session.Turns.Items) + len(session.Turns.Responses); got != left || len(session.Positions) > 0 || !session.Exists() {
				t.Errorf("of %d items and responses %d are left, of as many positions %d", items, got, len(session.Positions))
			}
		}
	})
	t.Run("idle ones leave", func(t *testing.T) {
		r := given()
		r.put(talked(one, 1), 1)
		now = now.Add(recentIdle)
		r.put(talked(other, 1), 2)
		if len(r.byID) != 2 {
			t.Fatal("it left too early")
		}
		now = now.Add(1)
		r.put(talked(other, 1), 3)
		if held(r, one) {
			t.Error("it stayed")
		}
	})
	t.Run("a deleted one is forgotten", func(t *testing.T) {
		r := given()
		r.put(talked(one, 1), 1)
		r.forget(one)
		gone := talked(other, 1)
		gone.Deleted = &events.SessionDeleteRequested{}
		r.put(gone, 2)
		if len(r.byID) != 0 {
			t.Errorf("%d sessions", len(r.byID))
		}
	})
}
