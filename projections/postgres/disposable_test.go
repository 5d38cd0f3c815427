package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
	"parley/projections/postgres"
)

// dropAll drops the views and every version, as somebody at a prompt might.
func (r *rebuilding) dropAll(t *testing.T) {
	t.Helper()
	dropSchemas(t, append(r.schemas(t), r.config.Views)...)
}

// dropSchemas drops amid what goes on; one who meets readers head on tries again. All go
// at once: what comes back of one is not dropped with the next.
func dropSchemas(t *testing.T, names ...string) {
	t.Helper()
	var all []string
	for _, name := range names {
		all = append(all, pgx.Identifier{name}.Sanitize())
	}
	for {
		err := execute(t.Context(), "drop schema if exists "+strings.Join(all, ", ")+" cascade")
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "40P01" { // deadlock
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

// Whatever is dropped, and whether the program runs or not: it comes back from
// the log, byte for byte.
func TestPostgresIsDisposable(t *testing.T) {
	log := tapeOf(conversations(8)...)
	for name, drop := range map[string]func(*testing.T, *rebuilding){
		"all schemas":    func(t *testing.T, r *rebuilding) { r.dropAll(t) },
		"the live rows":  func(t *testing.T, r *rebuilding) { dropSchemas(t, r.config.Views+"_v1") },
		"the views only": func(t *testing.T, r *rebuilding) { dropSchemas(t, r.config.Views) },
	} {
		t.Run(name+", while the program is down", func(t *testing.T) {
			r := newRebuilding(t, log)
			project(t, log, r.store)
			before := r.dump(t)
			drop(t, r)
			db := r.db(t) // opens the database, as the program does at its start
			project(t, log, postgres.NewStore(db, r.keys))
			if after := r.dump(t); after != before {
				t.Errorf("(-before +after)\n%s", cmp.Diff(before, after))
			}
		})
		t.Run(name+", under load", func(t *testing.T) {
			r := newRebuilding(t, log)
			project(t, log, r.store)
			before := r.dump(t)
			r.underLoad(t, drop)
			if after := r.dump(t); after != before {
				t.Errorf("(-before +after)\n%s", cmp.Diff(before, after))
			}
		})
	}
}

// underLoad runs projector, watcher and readers on a growing log, drops amid
// that, and returns once everybody sees the whole log again. A failed query
// says that it is to be tried again.
func (r *rebuilding) underLoad(t *testing.T, drop func(*testing.T, *rebuilding)) {
	t.Helper()
	log := &growing{tape: r.log, grown: make(chan struct{}), open: 40}
	r.dropAll(t)
	ctx, cancel := context.WithCancel(t.Context())
	projector := newProjector(log, r.store)
	watcher := postgres.NewWatcher(r.db(t), slog.New(slog.DiscardHandler))
	ended := make(chan error, 3)
	go func() { ended <- projector.Run(ctx) }()
	go func() { ended <- watcher.Run(ctx) }()
	if err := watcher.Wait(ctx, 40); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() { ended <- r.readThrough(ctx, read) }()
	<-read
	drop(t, r)
	log.grow(len(r.log.all))
	if err := projector.Wait(ctx, r.log.identity.Last); err != nil {
		t.Fatal(err)
	}
	if err := watcher.Wait(ctx, r.log.identity.Last); err != nil {
		t.Fatal(err)
	}
	cancel()
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// readThrough asks until the context ends; after the first answer it says so.
func (r *rebuilding) readThrough(ctx context.Context, read chan<- struct{}) error {
	for ctx.Err() == nil {
		_, err := r.views.Session(ctx, anna, sessionNumber(0))
		if read != nil {
			close(read)
			read = nil
		}
		switch events.CodeOf(err) {
		case "", events.CodeUnavailable, events.CodeNotFound: // not found: not there yet again
		default:
			return err
		}
	}
	return nil
}

// What is dropped while nothing happens is noticed too.
func TestDroppedWhileTheLogIsQuiet(t *testing.T) {
	log := tapeOf(conversations(2)...)
	r := newRebuilding(t, log)
	ctx, cancel := context.WithCancel(t.Context())
	store := &commits{Store: r.store, done: make(chan struct{}, 10)}
	projector := newProjector(log, store)
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(ctx) }()
	if err := projector.Wait(ctx, log.identity.Last); err != nil {
		t.Fatal(err)
	}
	<-store.done
	before := r.dump(t)
	r.dropAll(t)
	<-store.done // two seconds later at most
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if after := r.dump(t); after != before || !strings.Contains(after, string(sessionNumber(0))) {
		t.Errorf("(-before +after)\n%s", cmp.Diff(before, after))
	}
}
