package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley/events"
)

// Source is the part of the log that a projector reads.
type Source interface {
	events.Follower
	events.Identifier
}

// Projector carries the log into a store. It may run in many processes: the
// one that claimed last goes on, the others stop with ErrFenced.
type Projector struct {
	log    Source
	store  Store
	stream string
	logger *slog.Logger

	mark     *Mark
	started  *barrier
	caughtUp *barrier
}

// NewProjector makes a projector of one stream of the log.
func NewProjector(log Source, store Store, stream string, logger *slog.Logger) *Projector {
	return &Projector{
		log: log, store: store, stream: stream, logger: logger,
		mark: NewMark(), started: newBarrier(), caughtUp: newBarrier(),
	}
}

// Started is closed once the checkpoint is claimed and the log is the right one.
func (p *Projector) Started() <-chan struct{} { return p.started.passed }

// CaughtUp is closed once everything is projected that was in the log at the start.
func (p *Projector) CaughtUp() <-chan struct{} { return p.caughtUp.passed }

// Position is how far this projector has come.
func (p *Projector) Position() events.Position { return p.mark.At() }

// Wait returns when this projector has projected the position; other
// processes wait at the store. Errors: CodeUnavailable when the context ends.
func (p *Projector) Wait(ctx context.Context, position events.Position) error {
	return p.mark.Wait(ctx, position)
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
)

// Run projects until the context ends, and then returns nil. While log or
// store cannot be reached it tries again, and compares the log's identity anew
// each time. Errors: CodeConflict with a *Mismatch, or with ErrFenced.
func (p *Projector) Run(ctx context.Context) error {
	pause := firstPause
	for {
		before := p.mark.At()
		err := p.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case events.CodeOf(err) != events.CodeUnavailable:
			return err
		}
		if p.mark.At() > before {
			pause = firstPause
		}
		p.logger.Warn("projector pauses", "stream", p.stream, "position", p.mark.At(), "pause", pause, "error", err)
		if !rest(ctx, pause) {
			return nil
		}
		pause = min(2*pause, maxPause)
	}
}

// rest waits; it is false when the context ended.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow claims the checkpoint and goes on from there until something fails.
func (p *Projector) follow(ctx context.Context) error {
	at, err := p.store.Claim(ctx, p.stream)
	if err != nil {
		return err
	}
	log, err := p.log.Identity(ctx)
	if err != nil {
		return err
	}
	if err := Compare(at, log); err != nil {
		return err
	}
	p.started.pass()
	p.reach(at.Position, log.Last)
	return p.log.Follow(ctx, at.Position, MaxBatch, func(batch []events.Event) error {
		batch = after(at.Position, batch)
		if len(batch) == 0 {
			return nil
		}
		at, err = p.store.Commit(ctx, at, log, batch)
		p.reach(at.Position, log.Last)
		return err
	})
}

// after drops what was delivered before.
func after(at events.Position, batch []events.Event) []events.Event {
	for len(batch) > 0 && batch[0].Position <= at {
		batch = batch[1:]
	}
	return batch
}

func (p *Projector) reach(at, last events.Position) {
	p.mark.Reach(at)
	if at >= last {
		p.caughtUp.pass()
	}
}

// IsFenced tells whether a projector stopped because another one took over.
func IsFenced(err error) bool { return errors.Is(err, ErrFenced) }

// barrier is passed once.
type barrier struct {
	once   sync.Once
	passed chan struct{}
}

func newBarrier() *barrier { return &barrier{passed: make(chan struct{})} }

func (b *barrier) pass() { b.once.Do(func() { close(b.passed) }) }
