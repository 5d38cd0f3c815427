package postgres_test

import (
	"context"
	"log/slog"
	"testing"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

// watch runs a watcher that ends with the test.
func watch(t *testing.T, db *postgres.Database) *postgres.Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := postgres.NewWatcher(db, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watcher: %v", err)
		}
	})
	return w
}

// commit carries the next events of a log into the store.
func commit(t *testing.T, store *postgres.Store, log *tape, last int) {
	t.Helper()
	project(t, log.upTo(last), store)
}

func TestWatcher(t *testing.T) {
	db, keys := server.Open(t), newVault()
	store := postgres.NewStore(db, keys)
	deleted := on(first.Aggregate(), &events.SessionDeleteRequested{By: anna})
	hersAlone := talk(first, anna)
	n := len(hersAlone)
	log := tapeOf(append(hersAlone, started(second, bea), deleted)...)
	commit(t, store, log, 1)
	w := watch(t, db)
	if err := w.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	hers, cancel := w.Subscribe(anna)
	defer cancel()
	// heardOf gives the change at a position; what was committed before it may be told
	// until then.
	heardOf := func(t *testing.T, at events.Position) projections.Change {
		t.Helper()
		for got := range hers {
			if got.Position == at {
				return got
			}
			if !got.Resync && (got.Session != first || got.Position > at) {
				t.Errorf("got %+v before position %d", got, at)
			}
		}
		t.Fatal("the changes ended")
		return projections.Change{}
	}

	t.Run("a wait ends with the commit", func(t *testing.T) {
		waited := make(chan error, 1)
		go func() { waited <- w.Wait(t.Context(), 2) }()
		commit(t, store, log, 2)
		if err := <-waited; err != nil {
			t.Error(err)
		}
	})
	t.Run("a wait ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Wait(ctx, 3); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("changes of one's own sessions", func(t *testing.T) {
		commit(t, store, log, n+1)
		got := heardOf(t, events.Position(n))
		want := projections.Change{Session: first, Learner: anna, Status: events.StatusSaved, Position: events.Position(n)}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("not of another's, and after a lost connection too", func(t *testing.T) {
		exec(t, "do $$ begin if not (select bool_and(pg_terminate_backend(pid)) from pg_stat_activity"+
			" where application_name = 'parley watcher') is true then raise 'nobody watches'; end if; end $$")
		commit(t, store, log, n+2)
		if got := heardOf(t, events.Position(n+2)); got.Session != first || !got.Deleted {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		cancel()
		cancel()
		if got, open := <-hers; open {
			t.Errorf("got %+v", got)
		}
	})
}

func TestWatcherOfAnEmptyDatabase(t *testing.T) {
	db, keys := server.Open(t), newVault()
	ctx, end := context.WithCancel(t.Context())
	w := postgres.NewWatcher(db, slog.New(slog.DiscardHandler))
	hers, cancel := w.Subscribe(anna)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()

	t.Run("who came before it began reads anew", func(t *testing.T) {
		if got := <-hers; !got.Resync {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("the very first event is told", func(t *testing.T) {
		commit(t, postgres.NewStore(db, keys), tapeOf(started(first, anna)), 1)
		if got := <-hers; got.Session != first || got.Status != events.StatusActive {
			t.Errorf("got %+v", got)
		}
	})
	end()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWatcherDoesNotWaitForHearers(t *testing.T) {
	db, keys := server.Open(t), newVault()
	store := postgres.NewStore(db, keys)
	var evs []events.Event
	const changes = 70 // more than a hearer may leave untaken
	evs = append(evs, started(first, anna))
	for range changes {
		evs = append(evs, on(first.Aggregate(), &events.OutboxReceived{}))
	}
	log := tapeOf(evs...)
	w := watch(t, db)
	commit(t, store, log, 1)
	if err := w.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	lazy, cancel := w.Subscribe(anna)
	defer cancel()
	quick, stop := w.Subscribe(anna)
	defer stop()

	at, err := store.Claim(t.Context(), "PARLEY")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log.all[1:] {
		if at, err = store.Commit(t.Context(), at, log.identity, []events.Event{e}); err != nil {
			t.Fatal(err)
		}
		for told := range quick {
			if told.Position == e.Position {
				break
			}
		}
	}
	if got := <-lazy; !got.Resync {
		t.Errorf("the lazy one got %+v, want a resync", got)
	}
	if got := <-lazy; got.Resync || got.Session != first {
		t.Errorf("then it got %+v, want what came since", got)
	}
}
