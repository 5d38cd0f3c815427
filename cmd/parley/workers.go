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
)

// sweepPerSecond is what appends beside a sweep bear (design section 7).
const sweepPerSecond = 10

// workersOf makes the workers of one instance.
func workersOf(log *jetstream.Log, store *s3.Store, logger *slog.Logger) []jetstream.Worker {
	finalizer := recording.NewFinalizer(log, store, time.Now, newEventID, logger)
	eraser := erasure.NewEraser(erasure.Doors{
		Log: log, Vault: log.Vault(), Objects: store, Ledger: log.Ledger(), Sweeper: log,
	}, rate.NewLimiter(sweepPerSecond, 1), time.Now, newEventID)
	trouble := func(name string) func(events.Event, error) {
		return func(hint events.Event, err error) {
			logger.Warn("worker failed; it will try again", "worker", name, "aggregate", hint.Aggregate.String(), "position", hint.Position.String(), "error", err)
		}
	}
	return []jetstream.Worker{
		{Name: "finalizer", Kinds: finalizer.Kinds(), Parallel: 2, Handle: finalizer.Handle, GiveUp: finalizer.GiveUp, Trouble: trouble("finalizer")},
		{Name: "eraser", Kinds: eraser.Kinds(), Parallel: 2, Handle: eraser.Handle, Trouble: trouble("eraser")},
	}
}

// keepWorking runs a worker until the context ends; the log being away for a
// while is no reason to stop.
func keepWorking(ctx context.Context, log *jetstream.Log, worker jetstream.Worker, logger *slog.Logger) error {
	const pause = time.Second
	for {
		err := log.Work(ctx, worker)
		if ctx.Err() != nil {
			return nil
		}
		if events.CodeOf(err) != events.CodeUnavailable {
			return err
		}
		logger.Warn("worker pauses", "worker", worker.Name, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}
