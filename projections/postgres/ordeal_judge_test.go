package postgres_test

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
	"parley/projections/postgres"
)

// judge holds all that was answered against what is there.
func (o *ordeal) judge() {
	o.t.Helper()
	end := o.end()
	log, err := eventstest.FollowUntil(o.ctx, o.truth, func(all []events.Event) bool { return all[len(all)-1].Position >= end })
	if err != nil {
		o.t.Fatal(err)
	}
	f, operations := factsOf(log), o.history.operations()
	found := append(checkAppends(operations, f), checkMoves(o.moves(), o.history.commits, f, end)...)
	for _, one := range found[:min(len(found), 10)] {
		o.t.Errorf("%s: %s", one.verdict, one.about)
	}
	got, err := postgres.NewViews(o.db, o.truth.Vault()).Contents(o.ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	if diff := cmp.Diff(postgres.ContentsOf(o.fold(log)), got); diff != "" {
		o.t.Errorf("rows differ from the fold (-fold +rows):\n%s", diff)
	}
	o.wantTrouble(operations, f)
	o.t.Logf("%s", o.summary(operations, log))
	if o.t.Failed() {
		o.t.Logf("troubles: %q\nrepeat with %s=%d", o.troubles, seedEnv, o.seed)
	}
}

// fold is the log's rows in memory alone.
func (o *ordeal) fold(log []events.Event) *projections.Rows {
	o.t.Helper()
	keys := projections.WordKeys{}
	for _, e := range log {
		id := events.SessionID(e.Aggregate.ID)
		if _, known := keys[id]; known {
			continue
		}
		key, there, err := postgres.KeyOf(o.ctx, o.truth.Vault(), id)
		if err != nil {
			o.t.Fatal(err)
		}
		if there {
			keys[id] = key
		}
	}
	rows := projections.NewRows(keys)
	for _, e := range log {
		rows.Apply(e)
	}
	return rows
}

func (o *ordeal) moves() []move {
	o.t.Helper()
	conn, err := pgx.Connect(o.ctx, o.views.URL)
	if err != nil {
		o.t.Fatal(err)
	}
	defer conn.Close(o.ctx)
	found, err := conn.Query(o.ctx, "select old, new from "+pgx.Identifier{o.views.Views + "_v1", "moves"}.Sanitize()+" order by n")
	if err != nil {
		o.t.Fatal(err)
	}
	moves, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (m move, err error) {
		return m, row.Scan((*uint64)(&m.from), (*uint64)(&m.to))
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return moves
}

// wantTrouble checks that the troubles reached those who appended: an ordeal that
// nobody notices proves nothing.
func (o *ordeal) wantTrouble(operations []operation, f *facts) {
	o.t.Helper()
	noticed := map[string]bool{
		"a session is erased":             f.erased.Count() > 0,
		"an outcome is unknown at first":  slices.ContainsFunc(operations, func(op operation) bool { return op.unknown }),
		"an unknown one turns out stored": slices.ContainsFunc(operations, func(op operation) bool { return op.unknown && op.code == "" }),
		"another one comes first":         slices.ContainsFunc(operations, func(op operation) bool { return op.code == events.CodeConflict }),
		"a commit follows another":        len(o.history.commits) > 1,
	}
	for what, so := range noticed {
		if !so {
			o.t.Errorf("it never happens that %s", what)
		}
	}
}

// summary tells what an ordeal was made of.
func (o *ordeal) summary(operations []operation, log []events.Event) string {
	codes, unknown := map[events.Code]int{}, 0
	for _, op := range operations {
		codes[op.code]++
		if op.unknown {
			unknown++
		}
	}
	return fmt.Sprintf("%d troubles, %d appends %v, of them %d unknown first; %d events, %d commits",
		len(o.troubles), len(operations), codes, unknown, len(log), len(o.history.commits))
}
