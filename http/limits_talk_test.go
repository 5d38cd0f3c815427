package http

import (
	"errors"
	"testing"
	"time"

	"parley/events"
	"parley/projections"
)

// talkBench is a limit of two calls at once and an hour's talk, where no
// session lasts longer than 40 minutes.
type talkBench struct {
	t     *testing.T
	clock *moving
	limit *talkLimit
}

func newTalkBench(t *testing.T) *talkBench {
	clock := newMoving()
	return &talkBench{t, clock, newTalkLimit(2, time.Hour, 40*time.Minute, clock.now)}
}

// call opens a call of ana's and mints.
func (b *talkBench) call(id events.SessionID, told ...projections.Talk) {
	b.t.Helper()
	done, err := b.limit.begin("ana", id, told)
	if err != nil {
		b.t.Fatal(err)
	}
	done(true)
}

// refused wants the code, and tells how long it says to wait.
func (b *talkBench) refused(code events.Code, id events.SessionID, told ...projections.Talk) time.Duration {
	b.t.Helper()
	_, err := b.limit.begin("ana", id, told)
	var limit *later
	if events.CodeOf(err) != code || !errors.As(err, &limit) {
		b.t.Fatalf("got %v, want %s", err, code)
	}
	return limit.wait
}

// talked is a session that the read models tell of; until is 0 while it is active.
func (b *talkBench) talked(id events.SessionID, from, until time.Duration) projections.Talk {
	talk := projections.Talk{Session: id, From: b.clock.at.Add(-from)}
	if until != 0 {
		end := b.clock.at.Add(-until)
		talk.Until = &end
	}
	return talk
}

func TestCallsAtOnce(t *testing.T) {
	t.Run("are as many as allowed, and not one more", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		b.call("b")
		b.refused(events.CodeTooManyCalls, "c")
	})
	t.Run("of one session are one", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		b.call("b")
		b.call("b")
	})
	t.Run("are free again when a session ends", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		b.call("b")
		b.limit.end("ana", "a")
		b.call("c", b.talked("a", time.Minute, 0)) // the read models are a moment behind
		b.refused(events.CodeTooManyCalls, "d")
	})
	t.Run("are free again when a session has lasted its longest", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		b.clock.pass(time.Minute)
		b.call("b")
		b.clock.pass(39*time.Minute - 1)
		b.refused(events.CodeTooManyCalls, "c")
		b.clock.pass(1)
		b.refused(events.CodeUsedUp, "c")
	})
	t.Run("are remembered by the read models", func(t *testing.T) {
		b := newTalkBench(t)
		b.refused(events.CodeTooManyCalls, "c", b.talked("a", time.Minute, 0), b.talked("b", time.Minute, 0))
	})
	t.Run("count while a token is on its way, and not when it did not come", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		done, err := b.limit.begin("ana", "b", nil)
		if err != nil {
			t.Fatal(err)
		}
		b.refused(events.CodeTooManyCalls, "c")
		done(false)
		b.call("c")
	})
	t.Run("of another are another's", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a")
		b.call("b")
		if _, err := b.limit.begin("ben", "c", nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTalkADay(t *testing.T) {
	const m = time.Minute
	t.Run("is used to the minute", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("c", b.talked("a", 100*m, 70*m), b.talked("b", 60*m, 30*m+1))
		b = newTalkBench(t)
		b.refused(events.CodeUsedUp, "c", b.talked("a", 100*m, 70*m), b.talked("b", 60*m, 30*m))
	})
	t.Run("comes back a day after it was used", func(t *testing.T) {
		b := newTalkBench(t)
		used := []projections.Talk{b.talked("a", 100*m, 70*m), b.talked("b", 60*m, 20*m)} // 70 minutes
		wait := b.refused(events.CodeUsedUp, "c", used...)
		if wait != talkDay-90*m {
			t.Fatalf("it waits %s", wait)
		}
		b.clock.pass(wait)
		b.refused(events.CodeUsedUp, "c", used...)
		b.clock.pass(1)
		b.call("c", used...)
	})
	t.Run("goes on while a session is talked in", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("b", b.talked("a", 60*m, 30*m))
		b.clock.pass(30*m - 1)
		b.call("b")
		b.clock.pass(1)
		b.refused(events.CodeUsedUp, "b")
	})
	t.Run("is not given back by deleting a session", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("c", b.talked("a", 100*m, 70*m))
		b.clock.pass(30 * m)
		b.limit.end("ana", "c")
		b.refused(events.CodeUsedUp, "d") // the read models tell of neither any more
	})
	t.Run("counts a session that nobody ended no longer than one may last", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("c", b.talked("a", 300*m, 0))
		b.refused(events.CodeUsedUp, "c", b.talked("b", 200*m, 180*m))
	})
	t.Run("is promised once, however many sessions are talked in", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("a") // until it has lasted its longest, 40 minutes
		if left := b.limit.left("ana", "b", nil); left != 20*m {
			t.Errorf("another may last %s", left)
		}
		b.call("b")
		for id, want := range map[events.SessionID]time.Duration{"a": 40 * m, "b": 20 * m, "c": 0} {
			if left := b.limit.left("ana", id, nil); left != want {
				t.Errorf("%s may last %s", id, left)
			}
		}
		b.clock.pass(10 * m)
		b.call("b") // a later call of it has no more
		if left := b.limit.left("ana", "b", nil); left != 10*m {
			t.Errorf("it may last %s", left)
		}
		b.limit.end("ana", "b")
		if left := b.limit.left("ana", "c", nil); left != 10*m {
			t.Errorf("the next may last %s", left)
		}
	})
	t.Run("that is promised whole leaves nothing to begin with", func(t *testing.T) {
		b := newTalkBench(t)
		b.call("b", b.talked("a", 100*m, 70*m))
		if wait := b.refused(events.CodeTooManyCalls, "c"); wait != callsWait {
			t.Errorf("it waits %s", wait)
		}
		b.limit.end("ana", "b")
		b.call("c")
	})
	t.Run("is not promised to a token that did not come", func(t *testing.T) {
		b := newTalkBench(t)
		done, err := b.limit.begin("ana", "b", []projections.Talk{b.talked("a", 100*m, 70*m)})
		if err != nil {
			t.Fatal(err)
		}
		b.refused(events.CodeTooManyCalls, "c")
		done(false)
		b.call("c")
	})
	t.Run("without limits is free", func(t *testing.T) {
		b := newTalkBench(t)
		b.limit = newTalkLimit(0, 0, 40*m, b.clock.now)
		b.call("c", b.talked("a", 100*m, 0), b.talked("b", 60*m, 0))
	})
}
