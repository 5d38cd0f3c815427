package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

// While learners write to a log, a projector takes in what they do and readers ask
// without a pause, versions are switched to and fro: no write and no query fails,
// each write can be read soon, and nothing is missing afterwards.
func TestSwitchUnderLoad(t *testing.T) {
	r := newReal(t)
	ctx, cancel := context.WithCancel(t.Context())
	projector := newProjector(r.Log, r.store)
	var running sync.WaitGroup
	running.Go(func() {
		if err := projector.Run(ctx); err != nil {
			t.Errorf("projector: %v", err)
		}
	})
	written := projections.NewMark()
	writers := []*writer{{real: r, of: first}, {real: r, of: second}}
	for _, w := range writers {
		running.Go(func() { w.until(t, ctx, projector, written) })
	}
	asked := make(chan int, 3)
	for range cap(asked) {
		running.Go(func() { asked <- r.askUntil(t, ctx) })
	}
	rebuilder := postgres.NewRebuilder(r.db, r.Vault, r.Log, r.Log.Stream(), r.Clock.Now)
	goesOn := func(postgres.Progress) { // writes are answered before each step, and go on through it
		if err := written.Wait(ctx, written.At()+1); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if done, err := rebuilder.Rebuild(ctx, false, goesOn); err != nil || !done.Switched {
			t.Errorf("%+v, %v", done, err)
		}
		if done, err := rebuilder.SwitchBack(ctx, goesOn); err != nil || len(done.Differences) > 0 {
			t.Errorf("%+v, %v", done, err)
		}
	}
	goesOn(postgres.Progress{})
	cancel()
	running.Wait()
	for range cap(asked) {
		if <-asked == 0 {
			t.Error("a reader asked nothing")
		}
	}
	project(t, r.Log, r.store)
	for _, w := range writers {
		view, err := r.views.Session(t.Context(), anna, w.of)
		if want := 1 + w.turns; err != nil || len(view.Segments) != want || w.turns == 0 {
			t.Errorf("%s has %d turns, want %d; %v", w.of, len(view.Segments), want, err)
		}
	}
	if found, err := rebuilder.Verify(t.Context(), silent); err != nil || len(found.Differences) > 0 {
		t.Errorf("afterwards: %+v, %v", found, err)
	}
}

// writer is a learner whose turns are appended one after the other.
type writer struct {
	*real
	of    events.SessionID
	turns int // that were acknowledged
}

// until appends until the context ends. What it has written it waits to read.
func (w *writer) until(t *testing.T, ctx context.Context, reader *projections.Projector, written *projections.Mark) {
	for ctx.Err() == nil {
		turn := &events.SegmentPlaced{Call: 1, Item: fmt.Sprintf("more-%d", w.turns), Speaker: events.Learner}
		at, err := events.Execute(t.Context(), w.Log, w.of.Aggregate(), events.NewSession(w.of), w.Stamp("system:test"),
			func(*events.Session) ([]events.Event, error) { return events.Draft(turn), nil })
		if err != nil {
			t.Errorf("a write failed: %v", err)
			return
		}
		w.turns++
		if err := reader.Wait(ctx, at); err != nil && ctx.Err() == nil {
			t.Errorf("what was written cannot be read: %v", err)
		}
		written.Reach(at)
	}
}

// askUntil asks until the context ends, and counts.
func (r *real) askUntil(t *testing.T, ctx context.Context) (asked int) {
	for ; ctx.Err() == nil; asked++ {
		if view, err := r.views.Session(t.Context(), anna, first); err != nil || len(view.Segments) == 0 {
			t.Errorf("a query failed: %d turns, %v", len(view.Segments), err)
			return asked
		}
		if page, err := r.views.Sessions(t.Context(), anna, "", "", 5); err != nil || len(page.Sessions) != 2 {
			t.Errorf("a query failed: %+v, %v", page, err)
			return asked
		}
	}
	return asked
}
