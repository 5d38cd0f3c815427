package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

func TestFence(t *testing.T) {
	db, keys := server.Open(t), newVault()
	store, views := postgres.NewStore(db, keys), postgres.NewViews(db, keys)
	log := tapeOf(talk(first, anna)...)
	ctx := t.Context()

	old, err := store.Claim(ctx, "PARLEY")
	if err != nil {
		t.Fatal(err)
	}
	old, err = store.Commit(ctx, old, log.identity, log.all[:5])
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a claim goes on where the last one stood", func(t *testing.T) {
		claimed, err := store.Claim(ctx, "PARLEY")
		if err != nil || claimed.Fence != old.Fence+1 {
			t.Fatalf("got fence %d, %v; want %d", claimed.Fence, err, old.Fence+1)
		}
		claimed.Fence, claimed.Seen = old.Fence, old.Seen
		if diff := cmp.Diff(old, claimed); diff != "" {
			t.Errorf("the checkpoint changed (-left +claimed):\n%s", diff)
		}
	})
	t.Run("who was fenced off writes nothing and hears so", func(t *testing.T) {
		before := contents(t, reader{Views: views})
		at, err := store.Commit(ctx, old, log.identity, log.all[5:])
		if !errors.Is(err, projections.ErrFenced) || events.CodeOf(err) != events.CodeConflict || at != old {
			t.Errorf("got %+v, %v", at, err)
		}
		if diff := cmp.Diff(before, contents(t, reader{Views: views})); diff != "" {
			t.Errorf("rows changed (-before +after):\n%s", diff)
		}
	})
	t.Run("a checkpoint that has moved on is not moved back", func(t *testing.T) {
		now, err := store.Claim(ctx, "PARLEY")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Commit(ctx, now, log.identity, log.all[5:8]); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Commit(ctx, now, log.identity, log.all[5:8]); !projections.IsFenced(err) {
			t.Errorf("got %v", err)
		}
	})
}

// The projector that claims last goes on, the other one stands by, and the rows are
// those of one.
func TestTwoProjectors(t *testing.T) {
	db, keys := server.Open(t), newVault()
	store := postgres.NewStore(db, keys)
	log := tapeOf(talk(first, anna)...)
	gate := &gated{tape: log.upTo(5), more: make(chan struct{}), rest: log.all[5:]}

	refused := &overheard{Store: store, woken: gate.more, refusals: make(chan error, 1)}
	slow := newProjector(gate, refused)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- slow.Run(ctx) }()
	if err := slow.Wait(ctx, 5); err != nil {
		t.Fatal(err)
	}
	project(t, log, store)
	close(gate.more) // the slow one wakes up

	if err := <-refused.refusals; !projections.IsFenced(err) {
		t.Errorf("the slow one was refused with %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the slow one ended with %v", err)
	}
	fold := projections.NewRows(wordKeys(t, keys, first, second))
	for _, e := range log.all {
		fold.Apply(e)
	}
	got := contents(t, reader{Views: postgres.NewViews(db, keys)})
	if diff := cmp.Diff(postgres.ContentsOf(fold), got); diff != "" {
		t.Errorf("rows differ from the fold (-fold +rows):\n%s", diff)
	}
}

// overheard is a store of a projector that is stopped, and tells what its commits were
// refused with. Until it is woken nothing is noticed there: no claim that is lost, and
// no answer to a commit.
type overheard struct {
	*postgres.Store
	woken    <-chan struct{}
	refusals chan error
}

func (o *overheard) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	at, err := o.Store.Commit(ctx, from, log, batch)
	if err != nil {
		<-o.woken
		o.refusals <- err
	}
	return at, err
}

func (o *overheard) Hold(ctx context.Context, claim projections.Checkpoint) error {
	select {
	case <-o.woken:
		return o.Store.Hold(ctx, claim)
	default:
		return nil
	}
}

// gated is a log whose rest comes when more is closed.
type gated struct {
	*tape
	more chan struct{}
	rest []events.Event
}

func (g *gated) Follow(ctx context.Context, after events.Position, most int, deliver func([]events.Event) error) error {
	if err := deliver(g.all[after:]); err != nil {
		return err
	}
	select {
	case <-g.more:
		return deliver(g.rest)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commits is a store that tells of its commits.
type commits struct {
	*postgres.Store
	done chan struct{}
}

func (c *commits) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	at, err := c.Store.Commit(ctx, from, log, batch)
	if err == nil {
		c.done <- struct{}{}
	}
	return at, err
}
