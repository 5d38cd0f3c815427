package projections_test

import (
	"context"
	"testing"
	"time"

	"parley/events"
	"parley/projections"
)

// dial is a log and a projection whose figures a test sets.
type dial struct {
	now            time.Time
	last, position events.Position
	seen           time.Time
	stored         time.Time // the oldest event that is not projected

	logErr, checkpointEr, storedErr error
}

func (d *dial) Identity(context.Context) (events.Identity, error) {
	return events.Identity{Last: d.last}, d.logErr
}

func (d *dial) StoredAfter(context.Context, events.Position) (time.Time, error) {
	return d.stored, d.storedErr
}

func (d *dial) Checkpoint(context.Context, string) (projections.Checkpoint, error) {
	return projections.Checkpoint{Position: d.position, Seen: d.seen}, d.checkpointEr
}

func TestGauge(t *testing.T) {
	began := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	type step struct {
		after          time.Duration // since the test began
		last, position events.Position
		unseen         time.Duration // how long nobody has stood behind the checkpoint
		waits          time.Duration // how long the oldest event that is not projected has been there
	}
	for name, c := range map[string]struct {
		steps []step
		want  projections.Lag
	}{
		"level":                    {[]step{{0, 5, 5, 0, 0}}, projections.Lag{Position: 5, Last: 5}},
		"the mark ahead of a look": {[]step{{0, 5, 7, 0, time.Hour}}, projections.Lag{Position: 7, Last: 7}},
		"one look tells the time":  {[]step{{0, 9, 5, 0, time.Hour}}, projections.Lag{Position: 5, Last: 9, Events: 4, Seconds: 3600}},
		"falling behind":           {[]step{{0, 10, 10, 0, 0}, {2 * time.Second, 30, 20, 0, time.Second}, {4 * time.Second, 60, 20, 0, 3 * time.Second}}, projections.Lag{Position: 20, Last: 60, Events: 40, Seconds: 3, Trend: 10}},
		"catching up":              {[]step{{0, 100, 0, 0, time.Minute}, {5 * time.Second, 100, 50, 0, 30 * time.Second}}, projections.Lag{Position: 50, Last: 100, Events: 50, Seconds: 30, Trend: -10}},
		"not standing yet":         {[]step{{0, 9, 5, 0, 0}, {10*time.Second - 1, 9, 5, 0, 10 * time.Second}}, projections.Lag{Position: 5, Last: 9, Events: 4, Seconds: 10}},
		"standing":                 {[]step{{0, 9, 5, 0, 0}, {10 * time.Second, 9, 5, 0, 10 * time.Second}}, projections.Lag{Position: 5, Last: 9, Events: 4, Seconds: 10, Standing: true}},
		"moved in between":         {[]step{{0, 9, 4, 0, 0}, {2 * time.Second, 9, 5, 0, 0}, {11 * time.Second, 9, 5, 0, 11 * time.Second}}, projections.Lag{Position: 5, Last: 9, Events: 4, Seconds: 11, Trend: -1. / 11}},
		"a log's clock ahead":      {[]step{{0, 9, 5, 0, -time.Second}}, projections.Lag{Position: 5, Last: 9, Events: 4}},
		"nothing to do":            {[]step{{0, 5, 5, 0, 0}, {time.Hour, 5, 5, 0, 0}}, projections.Lag{Position: 5, Last: 5}},
		"nobody there just now":    {[]step{{0, 5, 5, 10*time.Second - 1, 0}}, projections.Lag{Position: 5, Last: 5}},
		"nobody there any more":    {[]step{{0, 5, 5, 10 * time.Second, 0}}, projections.Lag{Position: 5, Last: 5, Dead: true}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &dial{}
			gauge := projections.NewGauge(d, d, "PARLEY", func() time.Time { return d.now })
			var lag projections.Lag
			for _, s := range c.steps {
				d.now, d.last, d.position = began.Add(s.after), s.last, s.position
				d.seen, d.stored = d.now.Add(-s.unseen), d.now.Add(-s.waits)
				var err error
				if lag, err = gauge.Look(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			lag.Seen = time.Time{}
			if lag != c.want {
				t.Errorf("got %+v, want %+v", lag, c.want)
			}
		})
	}
	t.Run("is not made to forget by who looks often", func(t *testing.T) {
		d := &dial{now: began, last: 9, position: 5}
		gauge := projections.NewGauge(d, d, "PARLEY", func() time.Time { return d.now })
		var lag projections.Lag
		for d.now = began; d.now.Sub(began) <= projections.StandingAfter; d.now = d.now.Add(10 * time.Millisecond) {
			d.seen = d.now
			var err error
			if lag, err = gauge.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !lag.Standing {
			t.Errorf("%+v", lag)
		}
	})
	t.Run("what was there is gone meanwhile", func(t *testing.T) {
		d := &dial{last: 9, position: 5, seen: time.Now()}
		if lag, err := projections.NewGauge(d, d, "PARLEY", time.Now).Look(t.Context()); err != nil || lag.Seconds != 0 {
			t.Errorf("%+v, %v", lag, err)
		}
	})
	t.Run("a server is away", func(t *testing.T) {
		away := events.Errorf(events.CodeUnavailable, "away")
		for _, d := range []*dial{{logErr: away}, {checkpointEr: away}, {last: 1, storedErr: away}} {
			if _, err := projections.NewGauge(d, d, "PARLEY", time.Now).Look(t.Context()); events.CodeOf(err) != events.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		}
	})
}
