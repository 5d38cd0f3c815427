package eventstest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/events"
)

// Conformance is what every [events.Log] must pass. open gives a new, empty log
// each time.
func Conformance(t *testing.T, open func(*testing.T) events.Log) {
	for name, test := range map[string]func(*testing.T, events.Log){
		"append":   conformAppend,
		"refusals": conformRefusals,
		"limits":   conformLimits,
		"load":     conformLoad,
		"follow":   conformFollow,
		"identity": conformIdentity,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Turns makes n events of a session, as a command would have stamped them.
func Turns(session events.SessionID, n int, first int) []events.Event {
	turns := make([]events.Event, n)
	for i := range turns {
		turns[i] = events.Event{
			ID:        events.EventID(fmt.Sprintf("%s-%d-0", session, first+i)),
			Aggregate: session.Aggregate(),
			Time:      Began,
			Actor:     "system:test",
			Via:       events.ViaBrowser,
			N:         int64(first + i),
			Body:      &events.SegmentPlaced{Call: 1, Item: fmt.Sprintf("item_%d", first+i), Speaker: events.Learner},
		}
	}
	return turns
}

const (
	anna = events.SessionID("01KKNQ5E4800000000000000AA")
	bea  = events.SessionID("01KKNQ5E4800000000000000BB")
)

func conformAppend(t *testing.T, log events.Log) {
	ctx := t.Context()
	first := mustAppend(t, log, events.ExpectNew(), Turns(anna, 3, 1)...)
	second := mustAppend(t, log, events.ExpectAt(first), Turns(anna, 1, 4)...)

	t.Run("positions grow", func(t *testing.T) {
		if second <= first {
			t.Errorf("the second append lies at %d, the first at %d", second, first)
		}
	})
	t.Run("neighbouring positions in order", func(t *testing.T) {
		got := mustLoad(t, log, anna, 0)
		for i, e := range got {
			if e.N != int64(i+1) || i < 3 && e.Position != first-2+events.Position(i) {
				t.Errorf("event %d is number %d at %d", i, e.N, e.Position)
			}
		}
	})
	t.Run("the same append again is stored once", func(t *testing.T) {
		again, err := log.Append(ctx, anna.Aggregate(), events.ExpectNew(), Turns(anna, 3, 1)...)
		if err != nil || again != first {
			t.Errorf("got %d, %v; want %d again", again, err, first)
		}
		if got := mustLoad(t, log, anna, 0); len(got) != 4 {
			t.Errorf("%d events, want 4", len(got))
		}
	})
	t.Run("aggregates do not guard one another", func(t *testing.T) {
		mustAppend(t, log, events.ExpectNew(), Turns(bea, 1, 1)...)
	})
}

func conformRefusals(t *testing.T, log events.Log) {
	first := mustAppend(t, log, events.ExpectNew(), Turns(anna, 1, 1)...)
	mustAppend(t, log, events.ExpectAt(first), Turns(anna, 1, 2)...)
	for name, c := range map[string]struct {
		expected events.Expected
		evs      []events.Event
		want     events.Code
	}{
		"unset guard":               {events.Expected{}, Turns(anna, 1, 3), events.CodeInvalid},
		"no events":                 {events.ExpectAt(first), nil, events.CodeInvalid},
		"events of another":         {events.ExpectAt(first), Turns(bea, 1, 3), events.CodeInvalid},
		"expected new":              {events.ExpectNew(), Turns(anna, 1, 3), events.CodeConflict},
		"expected an older":         {events.ExpectAt(first), Turns(anna, 1, 3), events.CodeConflict},
		"expected a later":          {events.ExpectAt(first + 100), Turns(anna, 1, 3), events.CodeConflict},
		"several expected an older": {events.ExpectAt(first), Turns(anna, 3, 3), events.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := log.Append(t.Context(), anna.Aggregate(), c.expected, c.evs...)
			if events.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if got := mustLoad(t, log, anna, 0); len(got) != 2 {
				t.Errorf("%d events, want the 2 from before", len(got))
			}
		})
	}
}

func conformLimits(t *testing.T, log events.Log) {
	t.Run("as many as one append may hold", func(t *testing.T) {
		mustAppend(t, log, events.ExpectNew(), Turns(anna, events.MaxAppend, 1)...)
		if got := mustLoad(t, log, anna, 0); len(got) != events.MaxAppend {
			t.Errorf("%d events, want %d", len(got), events.MaxAppend)
		}
	})
	t.Run("one more", func(t *testing.T) {
		_, err := log.Append(t.Context(), bea.Aggregate(), events.ExpectNew(), Turns(bea, events.MaxAppend+1, 1)...)
		if events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
		if got := mustLoad(t, log, bea, 0); len(got) != 0 {
			t.Errorf("%d events were stored", len(got))
		}
	})
}

func conformLoad(t *testing.T, log events.Log) {
	first := mustAppend(t, log, events.ExpectNew(), Turns(anna, 2, 1)...)
	mustAppend(t, log, events.ExpectNew(), Turns(bea, 2, 1)...)
	last := mustAppend(t, log, events.ExpectAt(first), Turns(anna, 2, 3)...)
	for name, c := range map[string]struct {
		of    events.SessionID
		after events.Position
		want  int
	}{
		"whole":             {anna, 0, 4},
		"what came after":   {anna, first, 2},
		"nothing after all": {anna, last, 0},
		"never was":         {"01KKNQ5E4800000000000000CC", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustLoad(t, log, c.of, c.after)
			if len(got) != c.want {
				t.Fatalf("%d events, want %d", len(got), c.want)
			}
			for _, e := range got {
				if e.Aggregate != c.of.Aggregate() || e.Position <= c.after {
					t.Errorf("%s at %d does not belong here", e.Aggregate, e.Position)
				}
			}
		})
	}
}

func conformFollow(t *testing.T, log events.Log) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	first := mustAppend(t, log, events.ExpectNew(), Turns(anna, 5, 1)...)

	t.Run("everything, in batches, and then what comes", func(t *testing.T) {
		var seen []events.Event
		err := log.Follow(ctx, 0, 2, func(batch []events.Event) error {
			if len(batch) == 0 || len(batch) > 2 {
				t.Errorf("a batch of %d", len(batch))
			}
			seen = append(seen, batch...)
			switch len(seen) {
			case 5:
				mustAppend(t, log, events.ExpectNew(), Turns(bea, 1, 1)...)
			case 6:
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatalf("follow ended with %v", err)
		}
		for i, e := range seen[1:] {
			if e.Position <= seen[i].Position {
				t.Errorf("position %d came behind %d", e.Position, seen[i].Position)
			}
		}
	})
	t.Run("only what is after the position", func(t *testing.T) {
		err := log.Follow(ctx, first-1, 100, func(batch []events.Event) error {
			if batch[0].Position != first {
				t.Errorf("began at %d, want %d", batch[0].Position, first)
			}
			return errEnough
		})
		if !errors.Is(err, errEnough) {
			t.Fatalf("follow ended with %v", err)
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		err := log.Follow(ctx, 0, 100, func([]events.Event) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("follow ended with %v", err)
		}
	})
	t.Run("past the end is named", func(t *testing.T) {
		err := log.Follow(ctx, first+1000, 100, func([]events.Event) error { return nil })
		if events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("follow ended with %v", err)
		}
	})
}

func conformIdentity(t *testing.T, log events.Log) {
	before := mustIdentify(t, log)
	t.Run("an empty log", func(t *testing.T) {
		if before.Last != 0 || before.First != before.Last+1 {
			t.Errorf("first %d, last %d", before.First, before.Last)
		}
	})
	last := mustAppend(t, log, events.ExpectNew(), Turns(anna, 2, 1)...)
	after := mustIdentify(t, log)
	t.Run("after an append", func(t *testing.T) {
		if after.Last != last || after.First != 1 {
			t.Errorf("first %d, last %d; want 1 and %d", after.First, after.Last, last)
		}
	})
	t.Run("who it is does not change", func(t *testing.T) {
		if after.Epoch == "" || after.Epoch != before.Epoch || !after.Created.Equal(before.Created) {
			t.Errorf("%v became %v", before, after)
		}
	})
}

func mustAppend(t *testing.T, log events.Log, expected events.Expected, evs ...events.Event) events.Position {
	t.Helper()
	at, err := log.Append(t.Context(), evs[0].Aggregate, expected, evs...)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return at
}

func mustLoad(t *testing.T, log events.Log, of events.SessionID, after events.Position) []events.Event {
	t.Helper()
	got, err := log.Load(t.Context(), of.Aggregate(), after)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return got
}

func mustIdentify(t *testing.T, log events.Log) events.Identity {
	t.Helper()
	id, err := log.Identity(t.Context())
	if err != nil {
		t.Fatalf("identity: %v", err)
	}
	return id
}
