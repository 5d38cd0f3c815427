package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
	"parley/http/realtime"
	"parley/projections/erasure"
	"parley/projections/recording"
	"parley/projections/timekeeper"
)

// duty is something that an instance with the role of a worker does all the time.
type duty struct {
	name string
	do   func(context.Context) error
}

// staff makes the workers of one instance.
type staff func(*instance) []duty

// takenUp is after how long what a killed instance was about is taken up, where
// somebody waits for it: a call that nobody listens to, a deletion.
const takenUp = 5 * time.Second

// dutiesOf is the staff that every instance has.
func dutiesOf(in *instance) []duty {
	c, log, store, logger := in.config, in.backend.log, in.backend.store, in.logger
	finalizer := recording.NewFinalizer(log, store, time.Now, newEventID, logger)
	measurer := recording.NewMeasurer(log, store, time.Now, newEventID, logger)
	eraser := eraserOf(log, store, in.sideband, rate.NewLimiter(rate.Limit(c.SweepRate), 1))
	work := working(log, logger)
	return append(timekeeping(c, log, work, logger),
		work(jetstream.Worker{Name: "finalizer", Kinds: finalizer.Kinds(), Parallel: 2, Handle: finalizer.Handle, GiveUp: finalizer.GiveUp}),
		work(jetstream.Worker{Name: "measurer", Kinds: measurer.Kinds(), Parallel: 1, Handle: measurer.Handle, GiveUp: measurer.GiveUp}),
		work(jetstream.Worker{Name: "eraser", Kinds: eraser.BuryKinds(), Parallel: 2, AckWait: takenUp, Handle: eraser.Handle}),
		work(jetstream.Worker{Name: "sweeper", Kinds: eraser.SweepKinds(), Parallel: 2, Handle: eraser.Handle}),
		duty{"strays", eraser.Strays},
		duty{"orphans", recording.NewSweeper(log, store, c.OrphanAge, time.Now, logger).Run})
}

// working makes a duty of a worker.
func working(log *jetstream.Log, logger *slog.Logger) func(jetstream.Worker) duty {
	return func(worker jetstream.Worker) duty {
		worker.Trouble = trouble(worker.Name, logger)
		return duty{worker.Name, func(ctx context.Context) error { return log.Work(ctx, worker) }}
	}
}

func trouble(name string, logger *slog.Logger) func(events.Event, error) {
	return func(hint events.Event, err error) {
		logger.Warn("worker failed; it will try again", "worker", name, "aggregate", hint.Aggregate.String(), "position", hint.Position.String(), "error", err)
	}
}

// The calls that one instance listens to, and those that it hangs up, at once.
const (
	maxLines   = 1000
	maxHangUps = 256
)

// calling is to listen to the calls that are up, and to hang up those that must
// not go on.
func (in *instance) calling() []duty {
	sideband, work := in.sideband, working(in.backend.log, in.logger)
	return []duty{
		work(jetstream.Worker{Name: "sideband", Kinds: sideband.ListenKinds(), Parallel: maxLines, AckWait: takenUp, Handle: sideband.Listen}),
		work(jetstream.Worker{Name: "hangup", Kinds: sideband.HangUpKinds(), Parallel: maxHangUps, Handle: sideband.HangUp}),
	}
}

// sidebandOf is the server's own line to calls.
func sidebandOf(log *jetstream.Log, lines http.Lines, auditor *http.Auditor, tally *realtime.Tally, logger *slog.Logger) *http.Sideband {
	return http.NewSideband(http.SidebandDoors{
		Log: log, Keys: log.Vault(), SignIns: log.SignIns(), Lines: lines, Audit: auditor, Tally: tally, Now: time.Now, NewID: newID,
	}, logger)
}

// eraserOf makes an eraser that reaches all that is there.
func eraserOf(log *jetstream.Log, objects erasure.Objects, calls erasure.Calls, pace erasure.Pace) *erasure.Eraser {
	return erasure.NewEraser(eraserDoors(log, objects, calls), pace, time.Now, newEventID)
}

func eraserDoors(log *jetstream.Log, objects erasure.Objects, calls erasure.Calls) erasure.Doors {
	return erasure.Doors{
		Log: log, Calls: calls, Vault: log.Vault(), Objects: objects, Ledger: log.Ledger(), Sweeper: log,
		Copies: log, Register: log, SignIns: log.SignIns(),
	}
}

// timekeeping is to arm the timers of new sessions, to hear those that ring, and at
// each start to arm what may be missing.
func timekeeping(c Config, log *jetstream.Log, work func(jetstream.Worker) duty, logger *slog.Logger) []duty {
	keeper := timekeeper.New(log, log.Timers(), timekeeper.Limits{Silence: c.SessionSilence, Idle: c.SessionIdle}, time.Now, newEventID)
	ring := jetstream.Worker{Name: "timekeeper", Trouble: trouble("timers", logger), Handle: func(ctx context.Context, timer events.Event) error {
		return keeper.Ring(ctx, events.SessionID(timer.Aggregate.ID))
	}}
	return []duty{
		work(jetstream.Worker{Name: "timekeeper", Kinds: keeper.Kinds(), Parallel: 8, Handle: keeper.Handle}),
		{"timers", func(ctx context.Context) error { return log.Timers().Ring(ctx, ring) }},
		{"rearm", func(ctx context.Context) error {
			id, err := log.Identity(ctx)
			if err != nil {
				return err
			}
			return keeper.Rearm(ctx, id.End(), func(of events.SessionID, err error) {
				logger.Warn("a session's timer is not armed", "session", of, "error", err)
			})
		}},
	}
}

// workerNames are those under which the log remembers what workers have done.
func workerNames() []string {
	return []string{"timekeeper", "finalizer", "measurer", "eraser", "sweeper", "sideband", "hangup"}
}

const (
	dutyPause    = time.Second      // after the log was away
	dutyDecision = 10 * time.Second // between looks at a log that waits for an operator's decision
	dutySettled  = 2 * time.Second  // after which a duty that was taken up again counts as done
)

// keepDoing does a duty until the context ends, or it is done. The log being away
// for a while is no reason to stop; nor is one that the worker does not remember: it
// stands still, says why, and looks again, since an operator may decide.
func keepDoing(ctx context.Context, d duty, still *standstill, logger *slog.Logger) error {
	for {
		settled := time.AfterFunc(dutySettled, func() { still.clear(d.name) })
		err := d.do(ctx)
		settled.Stop()
		var mismatch *jetstream.Mismatch
		pause := dutyPause
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &mismatch):
			pause = dutyDecision
			logger.Error("worker stands still", "worker", d.name, "error", err)
			still.set(d.name, sentence(err)+"; if this log is the one to keep: parley rebuild --accept")
		case events.CodeOf(err) == events.CodeUnavailable, events.CodeOf(err) == events.CodeUnknown:
			logger.Warn("worker pauses", "worker", d.name, "error", err)
			still.set(d.name, sentence(err))
		default:
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// standstill keeps why duties are not done, for readiness.
type standstill struct {
	mu  sync.Mutex
	why map[string]string
}

func newStandstill() *standstill { return &standstill{why: map[string]string{}} }

func (s *standstill) set(duty, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why[duty] = why
}

func (s *standstill) clear(duty string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.why, duty)
}

// all gives a copy.
func (s *standstill) all() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.why)
}
