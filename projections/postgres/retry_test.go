package postgres_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/projections/postgres"
)

// misread is a log of which this program could not read some events, and now
// can: all but those it still cannot.
func misread(log *tape, at ...events.Position) *tape {
	before := *log
	before.all = slices.Clone(log.all)
	for _, p := range at {
		before.all[p-1].Body = &events.Unreadable{Type: "parley.session_sang.v1", Reason: "unknown kind"}
	}
	return &before
}

func TestRetry(t *testing.T) {
	whole := tapeOf(slices.Concat(talk(first, anna), talk(second, bea))...)
	letters := func(t *testing.T, r *rebuilding) (at []events.Position) {
		t.Helper()
		found, err := r.views.DeadLetters(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range found {
			at = append(at, l.Position)
		}
		return at
	}
	given := func(t *testing.T, unread ...events.Position) (*rebuilding, func(now *tape) *postgres.Retrier) {
		t.Helper()
		r := newRebuilding(t, whole)
		project(t, misread(whole, unread...), r.store)
		return r, func(now *tape) *postgres.Retrier {
			return postgres.NewRetrier(r.db(t), r.keys, now, "PARLEY")
		}
	}

	t.Run("what can be read now is released, as if it always could", func(t *testing.T) {
		r, by := given(t, 7, 26)
		if n, of, err := r.views.CountDeadLetters(t.Context()); err != nil || n != 14+15 || of != 2 {
			t.Fatalf("%d letters of %d, %v", n, of, err)
		}
		var tried []int
		done, err := by(whole).RetryAll(t.Context(), func(done, all int) { tried = append(tried, done, all) })
		if !slices.Equal(tried, []int{1, 2, 2, 2}) {
			t.Errorf("told %v", tried)
		}
		want := []postgres.Retried{{Aggregate: first.Aggregate(), Released: 14}, {Aggregate: second.Aggregate(), Released: 15}}
		if diff := cmp.Diff(want, done); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		straight := newRebuilding(t, whole)
		project(t, whole, straight.store)
		if diff := cmp.Diff(straight.dump(t), r.dump(t)); diff != "" {
			t.Errorf("rows are not those of a log that was always readable:\n%s", diff)
		}
	})
	t.Run("up to the first that still cannot be read", func(t *testing.T) {
		r, by := given(t, 7, 10)
		done, err := by(misread(whole, 10)).Retry(t.Context(), first.Aggregate())
		if err != nil || done.Released != 3 || len(done.Stuck) != 11 || done.Stuck[0].Position != 10 {
			t.Fatalf("got %+v, %v", done, err)
		}
		if got := letters(t, r); len(got) != 11 || got[0] != 10 {
			t.Errorf("left are %v", got)
		}
		if done, err = by(whole).Retry(t.Context(), first.Aggregate()); err != nil || done.Released != 11 || len(letters(t, r)) != 0 {
			t.Errorf("then %+v, %v", done, err)
		}
	})
	t.Run("only of the aggregate that is asked for", func(t *testing.T) {
		r, by := given(t, 20, 40)
		if _, err := by(whole).Retry(t.Context(), second.Aggregate()); err != nil {
			t.Fatal(err)
		}
		if got := letters(t, r); !slices.Equal(got, []events.Position{20}) {
			t.Errorf("left are %v", got)
		}
	})
	t.Run("a letter whose event was erased leaves", func(t *testing.T) {
		r, by := given(t, 19)
		erased := *whole
		erased.all = slices.Delete(slices.Clone(whole.all), 18, 19)
		if done, err := by(&erased).Retry(t.Context(), first.Aggregate()); err != nil || done.Released != 2 || len(letters(t, r)) != 0 {
			t.Errorf("got %+v, %v", done, err)
		}
	})
	t.Run("what PostgreSQL cannot hold stays, with why", func(t *testing.T) {
		log := tapeOf(started(first, anna), said(first, "nul\x00", events.Final, "x"))
		r := newRebuilding(t, log)
		project(t, log, r.store)
		done, err := postgres.NewRetrier(r.db(t), r.keys, log, "PARLEY").RetryAll(t.Context(), untold)
		if err != nil || len(done) != 1 || done[0].Released != 0 || len(done[0].Stuck) != 1 || done[0].Stuck[0].Reason == "" {
			t.Errorf("got %+v, %v", done, err)
		}
	})
	t.Run("nothing waits", func(t *testing.T) {
		_, by := given(t)
		if done, err := by(whole).RetryAll(t.Context(), untold); err != nil || done != nil {
			t.Errorf("got %+v, %v", done, err)
		}
	})
}

// untold is for those who need not know how far it is.
func untold(int, int) {}

// While letters are released the projector goes on; neither overwrites what the
// other wrote.
func TestRetryBesideTheProjector(t *testing.T) {
	whole := tapeOf(conversations(40)...)
	log := &growing{tape: misread(whole, 4), grown: make(chan struct{}), open: 10}
	r := newRebuilding(t, whole)
	ctx, cancel := context.WithCancel(t.Context())
	projector := newProjector(log, r.store)
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(ctx) }()
	if err := projector.Wait(ctx, 10); err != nil {
		t.Fatal(err)
	}
	retrier := postgres.NewRetrier(r.db(t), r.keys, whole, "PARLEY")
	for log.opened() < len(whole.all) {
		log.grow(15)
		if _, err := retrier.RetryAll(ctx, untold); err != nil {
			t.Fatal(err)
		}
	}
	if err := projector.Wait(ctx, whole.identity.Last); err != nil {
		t.Fatal(err)
	}
	if _, err := retrier.RetryAll(ctx, untold); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	straight := newRebuilding(t, whole)
	project(t, whole, straight.store)
	if diff := cmp.Diff(straight.dump(t), r.dump(t)); diff != "" {
		t.Errorf("rows are not those of a log that was always readable:\n%s", diff)
	}
}
