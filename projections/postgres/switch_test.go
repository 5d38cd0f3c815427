package postgres_test

import (
	"context"
	"sync"
	"testing"

	"parley/events"
	"parley/projections/postgres"
)

// While readers ask without a pause and a projector takes in what is appended,
// versions are switched to and fro: no query fails, and nothing is missing
// afterwards.
func TestSwitchUnderLoad(t *testing.T) {
	all := conversations(60)
	log := &growing{tape: tapeOf(all...), grown: make(chan struct{}), open: 100}
	r := newRebuilding(t, log.tape)
	ctx, cancel := context.WithCancel(t.Context())
	projector := newProjector(log, r.store)
	var running sync.WaitGroup
	running.Go(func() {
		if err := projector.Run(ctx); err != nil {
			t.Errorf("projector: %v", err)
		}
	})
	if err := projector.Wait(ctx, 100); err != nil {
		t.Fatal(err)
	}
	asked := make(chan int, 3)
	for range cap(asked) {
		running.Go(func() { asked <- r.askUntil(t, ctx) })
	}
	rebuilder := r.of(t, log)
	for range 2 {
		if _, err := rebuilder.Rebuild(ctx, false, func(postgres.Progress) { log.grow(20) }); err != nil {
			t.Error(err)
		}
		if done, err := rebuilder.SwitchBack(ctx, func(postgres.Progress) { log.grow(20) }); err != nil || len(done.Differences) > 0 {
			t.Errorf("%+v, %v", done, err)
		}
	}
	log.grow(len(all))
	if err := projector.Wait(ctx, events.Position(len(all))); err != nil {
		t.Fatal(err)
	}
	cancel()
	running.Wait()
	for range cap(asked) {
		if <-asked == 0 {
			t.Error("a reader asked nothing")
		}
	}
	if found, err := r.of(t, log.tape).Verify(t.Context(), silent); err != nil || len(found.Differences) > 0 {
		t.Errorf("afterwards: %+v, %v", found, err)
	}
}

// askUntil asks until the context ends, and counts.
func (r *rebuilding) askUntil(t *testing.T, ctx context.Context) (asked int) {
	for ; ctx.Err() == nil; asked++ {
		if _, err := r.views.Session(t.Context(), anna, sessionNumber(0)); err != nil {
			t.Errorf("a query failed: %v", err)
			return asked
		}
		if page, err := r.views.Sessions(t.Context(), anna, "", "", 5); err != nil || len(page.Sessions) == 0 {
			t.Errorf("a query failed: %+v, %v", page, err)
			return asked
		}
	}
	return asked
}

// growing is a log to which its test appends.
type growing struct {
	*tape
	mu    sync.Mutex
	open  int // so many events are there
	grown chan struct{}
}

func (g *growing) grow(by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = min(g.open+by, len(g.all))
	close(g.grown)
	g.grown = make(chan struct{})
}

func (g *growing) state() (open int, grown <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.grown
}

func (g *growing) opened() int {
	open, _ := g.state()
	return open
}

func (g *growing) Identity(context.Context) (events.Identity, error) {
	open, _ := g.state()
	return g.upTo(open).identity, nil
}

func (g *growing) Follow(ctx context.Context, after events.Position, most int, deliver func([]events.Event) error) error {
	for at := int(after); ; {
		open, grown := g.state()
		if at < open {
			next := min(at+most, open)
			if err := deliver(g.all[at:next]); err != nil {
				return err
			}
			at = next
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
