package projections

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley/events"
)

// Source is what a projector needs of the log: to read it whole, and to find
// out whether it still is the one that was projected.
type Source interface {
	events.Follower
	events.Identifier
	events.Loader
	// At gives the id of the event at the position; there is false when there is
	// none. Errors: CodeUnavailable.
	At(ctx context.Context, at events.Position) (id events.EventID, there bool, err error)
}

// Projector carries the log into a store. It may run in many processes: the
// one that claimed last goes on, the others stand by until it does not.
type Projector struct {
	log    Source
	store  Store
	stream string
	logger *slog.Logger

	mark     *Mark
	started  *barrier
	caughtUp *barrier
	trouble  trouble
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

// Trouble is why nothing is projected just now: a *Mismatch, or a server that
// is away. Nil while all is well, also behind another projector.
func (p *Projector) Trouble() error { return p.trouble.get() }

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
	// holdEvery is how often a projector says that it is there, and looks
	// whether its claim still stands.
	holdEvery = 2 * time.Second
	// patience is how many looks in turn a checkpoint must not have been held
	// before one who stands by takes over.
	patience = 3
)

// Run projects until the context ends, and then returns nil. Whatever fails is
// tried again, and is its Trouble meanwhile: a server that is away, a log that is
// not the one projected before ([Check]), tables that nobody can write to. The
// log takes what is said all the same, and an operator may mend the rest. Behind
// another projector it stands by.
func (p *Projector) Run(ctx context.Context) error {
	pause := firstPause
	for {
		before := p.mark.At()
		err := p.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		p.trouble.set(err)
		switch {
		case errors.Is(err, ErrSwitched):
			p.logger.Info("projector goes on with another version of the read models", "stream", p.stream)
			continue
		case IsFenced(err):
			p.standBy(ctx)
			continue
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
	if err := Check(ctx, p.log, at, log); err != nil {
		return err
	}
	if at.Epoch != "" && !at.Created.Equal(log.Created) {
		p.logger.Warn("the event log was restored from a backup; the events it holds are those that were projected", "stream", p.stream, "created", log.Created, "position", at.Position)
	}
	p.trouble.set(nil)
	p.started.pass()
	p.mark.Set(at.Position)
	p.reach(at.Position, log.End())
	ctx, lost := context.WithCancelCause(ctx)
	held := make(chan struct{})
	go func() { defer close(held); p.hold(ctx, at, lost) }()
	defer func() { lost(nil); <-held }()
	return causeOf(ctx, p.project(ctx, at, log))
}

// project commits batches until something fails.
func (p *Projector) project(ctx context.Context, at Checkpoint, log events.Identity) (err error) {
	return pipe(ctx, p.log, at.Position, func(batch []events.Event) error {
		batch = after(at.Position, batch)
		if len(batch) == 0 {
			return nil
		}
		at, err = p.store.Commit(ctx, at, log, batch)
		p.reach(at.Position, log.End())
		return err
	})
}

// standBy returns once nobody has stood behind the checkpoint for a while.
func (p *Projector) standBy(ctx context.Context) {
	p.logger.Info("projector stands by; another one goes on", "stream", p.stream, "position", p.mark.At())
	p.trouble.set(nil)
	var seen time.Time
	for still := 0; still < patience && rest(ctx, holdEvery); {
		now, err := p.store.Look(ctx, p.stream)
		if err == nil && !now.Seen.Equal(seen) {
			seen, still = now.Seen, 0
		} else {
			still++
		}
	}
}

// hold says every now and then that this projector is there. A claim that is
// lost while the log is quiet would else be noticed at the next event only.
func (p *Projector) hold(ctx context.Context, claim Checkpoint, lost context.CancelCauseFunc) {
	for rest(ctx, holdEvery) {
		if err := p.store.Hold(ctx, claim); err != nil && ctx.Err() == nil {
			lost(err)
			return
		}
	}
}

// causeOf prefers why a context was cancelled to what that did.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
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

// IsFenced tells whether a projector was fenced off by another one.
func IsFenced(err error) bool { return errors.Is(err, ErrFenced) }

// barrier is passed once.
type barrier struct {
	once   sync.Once
	passed chan struct{}
}

func newBarrier() *barrier { return &barrier{passed: make(chan struct{})} }

func (b *barrier) pass() { b.once.Do(func() { close(b.passed) }) }

// trouble keeps the last error.
type trouble struct {
	mu  sync.Mutex
	err error
}

func (t *trouble) set(err error) { t.mu.Lock(); defer t.mu.Unlock(); t.err = err }

func (t *trouble) get() error { t.mu.Lock(); defer t.mu.Unlock(); return t.err }
