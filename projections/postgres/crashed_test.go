package postgres_test

import (
	"context"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// crashing crashes its server after some commits: the death of one of its
// processes makes PostgreSQL drop its memory, and what it had not written yet.
type crashing struct {
	*postgres.Store
	url    string
	after  map[int]bool
	commit int
}

func (c *crashing) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	at, err := c.Store.Commit(ctx, from, log, batch)
	if err != nil {
		return at, err
	}
	if c.commit++; c.after[c.commit] {
		err = crash(ctx, c.url)
	}
	return at, err
}

func crash(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	for err != nil && ctx.Err() == nil { // the crash before is not over
		conn, err = pgx.Connect(ctx, url)
	}
	if err != nil {
		return err
	}
	if err := syscall.Kill(int(conn.PgConn().PID()), syscall.SIGKILL); err != nil {
		return err
	}
	_, _ = conn.Exec(ctx, "select") // returns when it is gone
	return nil
}

// Commits do not wait for the disk, so a crash may take the last of them: rows
// and checkpoint together, which the log brings back.
func TestCrashedServer(t *testing.T) {
	server, err := postgrestest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	const talks = 10
	db, keys := server.Open(t), newVault()
	log := tapeOf(conversations(talks)...)
	log.cuts = []cut{{size: 3}}
	store := &crashing{Store: postgres.NewStore(db, keys), url: server.URL(), after: map[int]bool{2: true, 9: true, 10: true}}
	project(t, log, store)

	var ids []events.SessionID
	for i := range talks {
		ids = append(ids, sessionNumber(i))
	}
	fold := projections.NewRows(wordKeys(t, keys, ids...))
	for _, e := range log.all {
		fold.Apply(e)
	}
	got, err := postgres.NewViews(db, keys).Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(postgres.ContentsOf(fold), got); diff != "" {
		t.Errorf("rows differ from the fold (-fold +rows):\n%s", diff)
	}
	if store.commit <= 10 {
		t.Errorf("only %d commits: the crashes did not come", store.commit)
	}
}
