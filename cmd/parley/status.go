package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/http"
	"parley/http/realtime"
)

// state is how an instance stands, for a person.
type state struct{ http.Condition }

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
		return finds("nothing is projected: %s", s.Mismatch)
	case s.Dead:
		return finds("no projector is there; start parley serve with the role projector")
	case s.Standing:
		return finds("the read models do not move although the log has more; see the log of serve for what fails")
	}
	return nil
}

// lookEvery is the time between two looks at the lag.
const lookEvery = 500 * time.Millisecond

// lookAround looks at the lag for a while, and then at everything.
func lookAround(ctx context.Context, t terminal, data string, watch time.Duration) (state, error) {
	to, err := reachInstance(t, data)
	if err != nil {
		return state{}, err
	}
	b, err := openBackend(ctx, to.config, to.servers, to.dir, silent())
	if err != nil {
		return state{}, err
	}
	defer b.close()
	look := newOperations(b, to.config, to.dir, nil)
	if len(b.missing(ctx)) == 0 {
		if err := look.watch(ctx, watch); err != nil {
			return state{}, err
		}
	}
	now, err := look.Condition(ctx)
	now.Retiring = retiring(to.servers.Speech, time.Now())
	return state{now}, err
}

// retiring says which models that an instance uses will be switched off; of one that
// does not say what it uses nothing is known.
func retiring(of *embedded.Speech, now time.Time) (said []string) {
	if of == nil {
		return nil
	}
	used := realtime.Config{Dialect: realtime.Dialect(of.Dialect), Model: of.Model, TranscriptionModel: of.TranscriptionModel}
	for _, r := range realtime.New(used).Retiring() {
		said = append(said, r.Says(now))
	}
	return said
}

// watch lets the gauge see for a while what becomes of the lag.
func (o *operations) watch(ctx context.Context, during time.Duration) error {
	_, err := o.gauge.Look(ctx)
	for until := time.Now().Add(during); err == nil && time.Now().Before(until); {
		select {
		case <-time.After(lookEvery):
			_, err = o.gauge.Look(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (s state) print(t terminal) error {
	fmt.Fprintf(t.out, "parley %s\nlog             %s\nread models     %s, %d behind, %s\n", s.Version, s.Log, s.Views, s.Lag, s.moving())
	fmt.Fprintf(t.out, "dead letters    %d of %d aggregates\ndisk            %d MiB free\n", s.Letters, s.Parked, s.Room>>20)
	for _, status := range slices.Sorted(maps.Keys(s.Sessions)) {
		fmt.Fprintf(t.out, "%-15s %d of the newest sessions\n", status, s.Sessions[status])
	}
	for _, model := range s.Retiring {
		fmt.Fprintf(t.out, "model           %s\n", model)
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
		return fmt.Sprintf("the oldest for %.1fs, and the mark does not move", s.Behind)
	case s.Lag == 0:
		return "up to date"
	}
	return fmt.Sprintf("the oldest for %.1fs, %s", s.Behind, s.trend())
}

// trend says whether the lag grows; less than half an event a second is neither.
func (s state) trend() string {
	switch rate := math.Round(s.Trend); {
	case rate > 0:
		return fmt.Sprintf("growing by %.0f events a second", rate)
	case rate < 0:
		return fmt.Sprintf("shrinking by %.0f events a second", -rate)
	}
	return "neither growing nor shrinking"
}
