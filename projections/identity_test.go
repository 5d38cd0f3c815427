package projections_test

import (
	"errors"
	"testing"
	"time"

	"parley/events"
	"parley/projections"
)

func TestCompare(t *testing.T) {
	created := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	log := events.Identity{Epoch: "E1", Created: created, First: 1, Last: 10}
	at := projections.Checkpoint{Stream: "PARLEY", Epoch: "E1", Created: created, Position: 10}
	for name, c := range map[string]struct {
		change func(*projections.Checkpoint, *events.Identity)
		want   projections.Finding
	}{
		"the same":                     {func(*projections.Checkpoint, *events.Identity) {}, ""},
		"a new checkpoint":             {func(c *projections.Checkpoint, _ *events.Identity) { *c = projections.Checkpoint{} }, ""},
		"of an empty log":              {func(c *projections.Checkpoint, l *events.Identity) { c.Position, l.Last = 0, 0 }, ""},
		"behind the log":               {func(_ *projections.Checkpoint, l *events.Identity) { l.Last = 11 }, ""},
		"another epoch":                {func(_ *projections.Checkpoint, l *events.Identity) { l.Epoch = "E2" }, projections.Recreated},
		"made anew":                    {func(_ *projections.Checkpoint, l *events.Identity) { l.Created = created.Add(1) }, projections.Restored},
		"ends before":                  {func(_ *projections.Checkpoint, l *events.Identity) { l.Last = 9 }, projections.TailLost},
		"begins right behind":          {func(_ *projections.Checkpoint, l *events.Identity) { l.First, l.Last = 11, 20 }, ""},
		"begins later":                 {func(_ *projections.Checkpoint, l *events.Identity) { l.First, l.Last = 12, 20 }, projections.HeadPurged},
		"new, but the log's head left": {func(c *projections.Checkpoint, l *events.Identity) { *c, l.First = projections.Checkpoint{}, 2 }, projections.HeadPurged},
	} {
		t.Run(name, func(t *testing.T) {
			at, log := at, log
			c.change(&at, &log)
			err := projections.Compare(at, log)
			var mismatch *projections.Mismatch
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v", err)
			case c.want == "":
			case !errors.As(err, &mismatch) || mismatch.Finding != c.want || events.CodeOf(err) != events.CodeConflict:
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
