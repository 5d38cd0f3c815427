package main

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/erasure"
	"parley/projections/recording"
	"parley/projections/s3"
	"parley/projections/timekeeper"
)

// sweepPerSecond is what appends beside a sweep bear (design section 7).
const sweepPerSecond = 10

// duty is something that an instance with the role of a worker does all the time.
type duty struct {
	name string
	do   func(context.Context) error
}

// dutiesOf makes the workers of one instance.
func dutiesOf(c Config, log *jetstream.Log, store *s3.Store, logger *slog.Logger) []duty {
	finalizer := recording.NewFinalizer(log, store, time.Now, newEventID, logger)
	eraser := erasure.NewEraser(erasure.Doors{
		Log: log, Vault: log.Vault(), Objects: store, Ledger: log.Ledger(), Sweeper: log,
	}, rate.NewLimiter(sweepPerSecond, 1), time.Now, newEventID)
	trouble := func(name string) func(events.Event, error) {
		return func(hint events.Event, err error) {
			logger.Warn("worker failed; it will try again", "worker", name, "aggregate", hint.Aggregate.String(), "position", hint.Position.String(), "error", err)
		}
	}
	work := func(worker jetstream.Worker) duty {
		worker.Trouble = trouble(worker.Name)
		return duty{worker.Name, func(ctx context.Context) error { return log.Work(ctx, worker) }}
	}
	return append(timekeeping(c, log, work, trouble),
		work(jetstream.Worker{Name: "finalizer", Kinds: finalizer.Kinds(), Parallel: 2, Handle: finalizer.Handle, GiveUp: finalizer.GiveUp}),
		work(jetstream.Worker{Name: "eraser", Kinds: eraser.Kinds(), Parallel: 2, Handle: eraser.Handle}))
}

// timekeeping is to arm the timers of new sessions, to hear those that ring, and at
// each start to arm what may be missing.
func timekeeping(c Config, log *jetstream.Log, work func(jetstream.Worker) duty, trouble func(string) func(events.Event, error)) []duty {
	keeper := timekeeper.New(log, log.Timers(), c.SessionSilence, time.Now, newEventID)
	ring := jetstream.Worker{Name: "timekeeper", Trouble: trouble("timers"), Handle: func(ctx context.Context, timer events.Event) error {
		return keeper.Ring(ctx, events.SessionID(timer.Aggregate.ID))
	}}
	return []duty{
		work(jetstream.Worker{Name: "timekeeper", Kinds: keeper.Kinds(), Handle: keeper.Handle}),
		{"timers", func(ctx context.Context) error { return log.Timers().Ring(ctx, ring) }},
		{"rearm", func(ctx context.Context) error {
			id, err := log.Identity(ctx)
			if err != nil {
				return err
			}
			return keeper.Rearm(ctx, id.Last)
		}},
	}
}

// keepDoing does a duty until the context ends, or it is done; the log being away
// for a while is no reason to stop.
func keepDoing(ctx context.Context, d duty, logger *slog.Logger) error {
	const pause = time.Second
	for {
		err := d.do(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if events.CodeOf(err) != events.CodeUnavailable {
			return err
		}
		logger.Warn("worker pauses", "worker", d.name, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}
