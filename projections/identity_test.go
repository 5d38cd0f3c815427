package projections_test

import (
	"context"
	"testing"
	"time"

	"parley/events"
	"parley/projections"
)

// shelf is a log of which single events may be missing.
type shelf struct {
	identity events.Identity
	held     []events.Event
}

func (s *shelf) Identity(context.Context) (events.Identity, error) { return s.identity, nil }

func (s *shelf) At(_ context.Context, at events.Position) (events.EventID, bool, error) {
	for _, e := range s.held {
		if e.Position == at {
			return e.ID, true, nil
		}
	}
	return "", false, nil
}

func (s *shelf) Load(_ context.Context, of events.Aggregate, after events.Position) (found []events.Event, _ error) {
	for _, e := range s.held {
		if e.Aggregate == of && e.Position > after {
			found = append(found, e)
		}
	}
	return found, nil
}

func (s *shelf) Follow(_ context.Context, after events.Position, _ int, deliver func([]events.Event) error) error {
	for i, e := range s.held {
		if e.Position > after {
			if err := deliver(s.held[i : i+1]); err != nil {
				return err
			}
		}
	}
	return events.Errorf(events.CodeUnavailable, "that was all")
}

// Each row of the table "Log identity", and both sides of its limits. The same
// on a real log: projections/postgres, TestLogIdentity.
func TestCheck(t *testing.T) {
	created := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	mine, other := events.Aggregate{Kind: "session", ID: "S1"}, events.Aggregate{Kind: "session", ID: "S2"}
	stood := events.Event{ID: "e10", Aggregate: mine, Position: 10}
	tombstone := func(at events.Position, erased ...int64) events.Event {
		return events.Event{ID: "t", Aggregate: mine, Position: at, Body: &events.SessionErased{Positions: events.NumbersOf(erased...)}}
	}
	ten := projections.Checkpoint{Epoch: "E1", Created: created, Position: 10, Event: "e10", Aggregate: mine}
	for name, c := range map[string]struct {
		at          projections.Checkpoint
		epoch       string
		first, last events.Position
		held        []events.Event
		want        projections.Finding
	}{
		"the same":                      {ten, "E1", 1, 10, []events.Event{stood}, ""},
		"behind the log":                {ten, "E1", 1, 11, []events.Event{stood, {ID: "e11", Position: 11}}, ""},
		"a new checkpoint":              {projections.Checkpoint{}, "E1", 1, 10, []events.Event{stood}, ""},
		"of an empty log":               {projections.Checkpoint{}, "E1", 1, 0, nil, ""},
		"another epoch":                 {ten, "E2", 1, 10, []events.Event{stood}, projections.Recreated},
		"ends before":                   {ten, "E1", 1, 9, nil, projections.TailLost},
		"another event there":           {ten, "E1", 1, 10, []events.Event{{ID: "x", Aggregate: mine, Position: 10}}, projections.Forked},
		"another one's event there":     {ten, "E1", 1, 10, []events.Event{{ID: "x", Aggregate: other, Position: 10}}, projections.Forked},
		"erased":                        {ten, "E1", 1, 12, []events.Event{tombstone(12, 9, 10)}, ""},
		"erased, but not that one":      {ten, "E1", 1, 12, []events.Event{tombstone(12, 9)}, projections.Removed},
		"gone":                          {ten, "E1", 1, 12, []events.Event{{ID: "e12", Aggregate: mine, Position: 12}}, projections.Removed},
		"begins right behind":           {ten, "E1", 11, 12, []events.Event{tombstone(11), tombstone(12, 10)}, ""},
		"begins later":                  {ten, "E1", 12, 12, []events.Event{tombstone(12, 10)}, projections.HeadPurged},
		"begins later, all erased":      {ten, "E1", 13, 14, []events.Event{tombstone(13, 10, 11), tombstone(14, 12)}, ""},
		"new, the log's head left":      {projections.Checkpoint{}, "E1", 2, 3, []events.Event{{Position: 2}, {Position: 3}}, projections.HeadPurged},
		"new, the log's head erased":    {projections.Checkpoint{}, "E1", 3, 4, []events.Event{{Position: 3}, tombstone(4, 1, 2)}, ""},
		"new, and nothing left at all":  {projections.Checkpoint{}, "E1", 5, 4, nil, projections.HeadPurged},
		"a tombstone of something else": {projections.Checkpoint{}, "E1", 3, 4, []events.Event{{Position: 3}, tombstone(4, 2, 7)}, projections.HeadPurged},
	} {
		t.Run(name, func(t *testing.T) {
			log := &shelf{events.Identity{Epoch: c.epoch, Created: created, First: c.first, Last: c.last}, c.held}
			err := projections.Check(t.Context(), log, c.at, log.identity)
			if got := mismatchOf(err); got != c.want || (err != nil) != (c.want != "") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && events.CodeOf(err) != events.CodeConflict {
				t.Errorf("its code is %s", events.CodeOf(err))
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	given := map[string]projections.Finding{}
	for _, f := range []projections.Finding{projections.Recreated, projections.TailLost, projections.Forked, projections.Removed, projections.HeadPurged} {
		advice := (&projections.Mismatch{Finding: f}).Advice()
		if before, known := given[advice]; known || advice == "" {
			t.Errorf("%s is told what %s is", f, before)
		}
		given[advice] = f
	}
}
