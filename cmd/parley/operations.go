package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"parley/events"
	"parley/http"
	"parley/projections"
	"parley/projections/erasure"
	"parley/projections/postgres"
	"parley/projections/s3"
)

// operations is what operators see and do through the web; status, dead-letters
// and recover are the same code.
type operations struct {
	*backend
	config Config
	dir    string
	gauge  *projections.Gauge
	calls  erasure.Calls // that a remedy hangs up; nil for a command that only looks
}

var _ http.Operations = (*operations)(nil)

func newOperations(b *backend, config Config, dir string, calls erasure.Calls) *operations {
	return &operations{b, config, dir, projections.NewGauge(b.log, b.views, b.log.Stream(), time.Now), calls}
}

// statusSessions is how many of the newest sessions are counted by status.
const statusSessions = 100

// Condition implements [http.Operations].
func (o *operations) Condition(ctx context.Context) (http.Condition, error) {
	now := http.Condition{Version: version, Sessions: map[string]int{}, ReadModels: []http.ReadModels{}}
	var err error
	if now.Room, err = roomAt(o.dir); err != nil {
		return now, err
	}
	if now.Missing = o.missing(ctx); len(now.Missing) > 0 {
		return now, nil
	}
	if err := o.measure(ctx, &now); err != nil {
		return now, err
	}
	if now.Letters, now.Parked, err = o.views.CountDeadLetters(ctx); err != nil {
		return now, err
	}
	versions, err := o.database.Versions(ctx, o.log.Stream())
	if err != nil {
		return now, err
	}
	for _, v := range versions {
		now.ReadModels = append(now.ReadModels, http.ReadModels(v))
	}
	found, err := o.views.Overview(ctx, statusSessions)
	for _, session := range found {
		now.Sessions[shownStatus(session.Status, session.Deleted)]++
	}
	return now, err
}

// measure looks at the lag, and at whether the log is the one that was
// projected.
func (o *operations) measure(ctx context.Context, now *http.Condition) error {
	lag, err := o.gauge.Look(ctx)
	if err != nil {
		return err
	}
	now.Views, now.Lag, now.Behind, now.Trend = lag.Position, lag.Events, lag.Seconds, lag.Trend
	now.Standing, now.Dead = lag.Standing, lag.Dead
	if _, err := checkLog(ctx, o.backend); err != nil {
		if now.Mismatch, err = mismatchOf(err); err != nil {
			return err
		}
	}
	log, err := o.log.Identity(ctx)
	now.Log = log.Last // which may be behind the read models, when it is another log
	return err
}

// mismatchOf says how a log is another one and what to do; any other failure to
// compare stays one, since a log that did not answer in time is no other log.
func mismatchOf(err error) (says string, failed error) {
	var mismatch *projections.Mismatch
	if errors.As(err, &mismatch) {
		return mismatch.Error() + ". " + mismatch.Advice(), nil
	}
	return "", err
}

// Lag implements [http.Operations].
func (o *operations) Lag(ctx context.Context) (projections.Lag, error) { return o.gauge.Look(ctx) }

// DeadLetters implements [http.Operations].
func (o *operations) DeadLetters(ctx context.Context) (http.DeadLetters, error) {
	return lettersIn(ctx, o.views)
}

// Retry implements [http.Operations].
func (o *operations) Retry(ctx context.Context, aggregate string) ([]http.Retried, error) {
	var of *events.Aggregate
	if aggregate != "" {
		one, err := aggregateNamed(aggregate)
		if err != nil {
			return nil, err
		}
		of = &one
	}
	done, err := retry(ctx, postgres.NewRetrier(o.database, o.log.Vault(), o.log, o.log.Stream()), of, func(int, int) {})
	return retriedOf(done), err
}

// Stuck implements [http.Operations]. Where the command reads the whole log,
// this asks the read models which sessions to look at, and the log about each. They do
// not know of levels: a session that lacks nothing else is the command's to find.
func (o *operations) Stuck(ctx context.Context, quiet time.Duration) ([]http.StuckSession, error) {
	candidates, err := o.views.Unsettled(ctx, postgres.MaxPage)
	if err != nil {
		return nil, err
	}
	found, now := []http.StuckSession{}, time.Now()
	for _, c := range candidates {
		s, err := loadTimed(ctx, o.log, c.ID)
		if err != nil {
			return nil, err
		}
		if !settled(s.Session) && now.Sub(s.Heard) >= quiet {
			found = append(found, diagnose(s, now))
		}
	}
	slices.SortFunc(found, longestFirst)
	letters, err := o.views.FirstDeadLetters(ctx, events.KindOfSession)
	if err != nil {
		return nil, err
	}
	return withLetters(ctx, o.log, found, letters, now)
}

// Plan implements [http.Operations].
func (o *operations) Plan(ctx context.Context, id events.SessionID, remedy string) (http.Helped, error) {
	return planFor(ctx, o.log, id, remedy)
}

// Help implements [http.Operations].
func (o *operations) Help(ctx context.Context, id events.SessionID, remedy string, by events.Actor) (http.Helped, error) {
	plan, err := o.Plan(ctx, id, remedy)
	if err != nil {
		return plan, err
	}
	open := func(context.Context) (*s3.Store, error) { return o.store, nil }
	err = carryOut(ctx, ward{config: o.config, log: o.log, store: open, calls: o.calls, id: id, actor: by}, &plan)
	return plan, err
}
