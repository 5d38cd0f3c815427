package http

import (
	"testing"
	"time"

	"parley/events"
)

// moving is a clock that a test moves.
type moving struct{ at time.Time }

func newMoving() *moving { return &moving{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (m *moving) now() time.Time { return m.at }

func (m *moving) pass(d time.Duration) { m.at = m.at.Add(d) }

func TestAllowance(t *testing.T) {
	t.Run("it tells what is left, and nothing where there is no limit", func(t *testing.T) {
		a := NewAllowance[string](Rate{Most: 3, Per: time.Minute}, newMoving().now)
		a.Take("ana", 2)
		if left := a.Left("ana"); left == nil || *left != 1 {
			t.Errorf("left %v", left)
		}
		if left := NewAllowance[string](Rate{}, newMoving().now).Left("ana"); left != nil {
			t.Errorf("without a limit %d are left", *left)
		}
	})
	thrice := Rate{3, time.Minute}
	t.Run("gives what there is, and not one more", func(t *testing.T) {
		a := NewAllowance[string](thrice, newMoving().now)
		for n := range 3 {
			if wait := a.Take("ana", 1); wait != 0 {
				t.Fatalf("number %d waits %s", n+1, wait)
			}
		}
		if wait := a.Take("ana", 1); wait != 20*time.Second {
			t.Fatalf("the fourth waits %s", wait)
		}
	})
	t.Run("gives back evenly, to the moment", func(t *testing.T) {
		clock := newMoving()
		a := NewAllowance[string](thrice, clock.now)
		a.Take("ana", 3)
		clock.pass(20*time.Second - time.Millisecond)
		if wait := a.Take("ana", 1); wait <= 0 || wait > time.Millisecond {
			t.Fatalf("a moment too early waits %s", wait)
		}
		clock.pass(time.Millisecond)
		if wait := a.Take("ana", 1); wait != 0 {
			t.Fatalf("in time waits %s", wait)
		}
	})
	t.Run("is each key's own", func(t *testing.T) {
		a := NewAllowance[string](thrice, newMoving().now)
		a.Take("ana", 3)
		if wait := a.Take("ben", 3); wait != 0 {
			t.Fatalf("another waits %s", wait)
		}
	})
	t.Run("never gives more than there can be", func(t *testing.T) {
		clock := newMoving()
		a := NewAllowance[string](thrice, clock.now)
		if wait := a.Take("ana", 4); wait < 24*time.Hour {
			t.Fatalf("four of three wait %s", wait)
		}
		if wait := a.Take("ana", 3); wait != 0 {
			t.Fatalf("the refusal cost something: %s", wait)
		}
	})
	t.Run("without a rate sets no limit", func(t *testing.T) {
		a := NewAllowance[string](Rate{}, newMoving().now)
		if wait := a.Take("ana", 1<<40); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
	})
	t.Run("remembers a bounded number of keys, the used ones longest", func(t *testing.T) {
		a := NewAllowance[int](thrice, newMoving().now)
		a.Take(-1, 3)
		for key := range 5 * rememberedKeys {
			a.Take(key, 1)
			if key%rememberedKeys == 0 && a.Take(-1, 1) == 0 {
				t.Fatalf("a key in use was forgotten after %d others", key)
			}
		}
		if kept := len(a.buckets.young) + len(a.buckets.old); kept > 2*rememberedKeys {
			t.Fatalf("%d keys are kept", kept)
		}
	})
}

func TestLimited(t *testing.T) {
	for name, test := range map[string]struct {
		wait time.Duration
		want string
	}{
		"a moment is a second":           {time.Millisecond, "1"},
		"part of a second is a whole":    {61*time.Second + 1, "62"},
		"never is tomorrow":              {1 << 62, "86400"},
		"what is over already, a second": {0, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(limited(events.CodeUsedUp, test.wait, "enough for today"))
			if p.Status != 429 || p.Code != "used_up" || p.Detail != "enough for today" {
				t.Fatalf("%+v", p)
			}
			if got := p.GetHeaders().Get("Retry-After"); got != test.want {
				t.Fatalf("Retry-After: %s, want %s", got, test.want)
			}
		})
	}
}
