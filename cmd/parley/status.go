package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/events"
	"parley/projections"
)

// state is how an instance stands, as far as its servers say.
type state struct {
	Version  string            `json:"version"`
	Log      events.Position   `json:"log"`      // last position of the log
	Views    events.Position   `json:"views"`    // what the read models hold
	Lag      uint64            `json:"lag"`      // positions between the two
	Trend    float64           `json:"trend"`    // events a second by which the lag grows; below zero it shrinks
	Standing bool              `json:"standing"` // there is something to project, and the mark does not move
	Dead     bool              `json:"dead"`     // no projector is there: a lag of zero means nothing
	Mismatch string            `json:"mismatch"` // why nothing is projected: the log is another one
	Letters  int               `json:"dead_letters"`
	Parked   int               `json:"parked"`   // aggregates that these are of
	Sessions map[string]int    `json:"sessions"` // of the newest, by status
	Room     uint64            `json:"room"`     // bytes free for the data folder
	Missing  map[string]string `json:"missing"`  // what cannot be reached, and why
}

// status asks log, read models and store. It fails when one cannot be reached, or
// nothing is projected.
func status(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "status")
	asJSON := set.Bool("json", false, "print JSON")
	watch := set.Duration("watch", time.Second, "how long to look for the trend; at least 10s tells whether the mark moves")
	if err := parse(set, args); err != nil {
		return err
	}
	now, err := lookAround(ctx, t, *data, *watch)
	if err != nil {
		return err
	}
	if *asJSON {
		err = json.NewEncoder(t.out).Encode(now)
	} else {
		err = now.print(t)
	}
	if err == nil {
		err = now.trouble()
	}
	return err
}

// trouble is what an operator must act on.
func (s state) trouble() error {
	switch {
	case len(s.Missing) > 0:
		return events.Errorf(events.CodeUnavailable, "not everything can be reached")
	case s.Mismatch != "":
		return events.Errorf(events.CodeConflict, "nothing is projected: %s", s.Mismatch)
	case s.Dead:
		return events.Errorf(events.CodeUnavailable, "no projector is there; start parley serve with the role projector")
	case s.Standing:
		return events.Errorf(events.CodeUnavailable, "the read models do not move although the log has more; see the log of serve for what fails")
	}
	return nil
}

// statusSessions is how many of the newest sessions are counted by status.
const statusSessions = 100

func lookAround(ctx context.Context, t terminal, data string, watch time.Duration) (state, error) {
	now := state{Version: version, Sessions: map[string]int{}}
	to, err := reachInstance(t, data)
	if err != nil {
		return now, err
	}
	if now.Room, err = roomAt(to.dir); err != nil {
		return now, err
	}
	b, err := openBackend(ctx, to.config, to.servers, to.dir, silent())
	if err != nil {
		return now, err
	}
	defer b.close()
	now.Missing = b.missing(ctx)
	if len(now.Missing) > 0 {
		return now, nil
	}
	if err := now.measure(ctx, b, watch); err != nil {
		return now, err
	}
	return now, now.count(ctx, b)
}

// lookEvery is the time between two looks at the lag.
const lookEvery = 500 * time.Millisecond

// measure looks at the lag for a while, and at whether the log is the one that was
// projected.
func (s *state) measure(ctx context.Context, b *backend, watch time.Duration) error {
	gauge := projections.NewGauge(b.log, b.views, b.log.Stream(), time.Now)
	lag, err := gauge.Look(ctx)
	for until := time.Now().Add(watch); err == nil && time.Now().Before(until); {
		select {
		case <-time.After(lookEvery):
			lag, err = gauge.Look(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	s.Log, s.Views, s.Lag, s.Trend = lag.Last, lag.Position, lag.Events, lag.Trend
	s.Standing, s.Dead = lag.Standing, lag.Dead
	if identity := compareLog(ctx, b); identity.Verdict == problem {
		s.Mismatch = identity.Says + ". " + identity.Cure
	}
	now, err := b.log.Identity(ctx)
	s.Log = now.Last // which may be behind the read models, when it is another log
	return err
}

func (s *state) count(ctx context.Context, b *backend) (err error) {
	if s.Letters, s.Parked, err = b.views.CountDeadLetters(ctx); err != nil {
		return err
	}
	found, err := b.views.Overview(ctx, statusSessions)
	for _, session := range found {
		s.Sessions[shownStatus(session)]++
	}
	return err
}

func (s state) print(t terminal) error {
	fmt.Fprintf(t.out, "parley %s\nlog             %s\nread models     %s, %d behind, %s\n", s.Version, s.Log, s.Views, s.Lag, s.moving())
	fmt.Fprintf(t.out, "dead letters    %d of %d aggregates\ndisk            %d MiB free\n", s.Letters, s.Parked, s.Room>>20)
	for _, status := range slices.Sorted(maps.Keys(s.Sessions)) {
		fmt.Fprintf(t.out, "%-15s %d of the newest sessions\n", status, s.Sessions[status])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Missing)) {
		fmt.Fprintf(t.out, "missing: %s: %s\n", name, s.Missing[name])
	}
	return nil
}

// moving says in words what becomes of the lag.
func (s state) moving() string {
	switch {
	case s.Mismatch != "":
		return "made from another log"
	case s.Dead:
		return "no projector is there"
	case s.Standing:
		return "the mark does not move"
	case s.Lag == 0:
		return "up to date"
	case s.Trend > 0:
		return fmt.Sprintf("growing by %.0f events a second", s.Trend)
	}
	return fmt.Sprintf("shrinking by %.0f events a second", -s.Trend)
}
