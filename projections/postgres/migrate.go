package postgres

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/events"
	"parley/migrations"
)

// migrate brings one numbered schema up to date, in one transaction, one
// process at a time.
func migrate(ctx context.Context, pool *pgxpool.Pool, c Config) error {
	steps, err := migrations.All()
	if err != nil {
		return events.Wrap(err, events.CodeInternal, "the program's own migrations cannot be read")
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := prepareSchemas(ctx, tx, c); err != nil {
			return err
		}
		changed, err := applyMissing(ctx, tx, c.Schema, steps)
		if err != nil {
			return err
		}
		return expose(ctx, tx, c, changed)
	})
	return translate(err, "migrate")
}

// migrationLock is the advisory lock that migrating processes take, any
// number that nothing else in the database uses.
const migrationLock = 7_252_753_901

// prepareSchemas makes what the migrations need, under a lock that ends with
// the transaction.
func prepareSchemas(ctx context.Context, tx pgx.Tx, c Config) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return err
	}
	for _, sql := range []string{
		"create schema if not exists " + pgx.Identifier{c.Schema}.Sanitize(),
		"create schema if not exists " + pgx.Identifier{c.Views}.Sanitize(),
		"create table if not exists " + qualified(c.Schema, "migrations") +
			" (name text primary key, checksum text not null, applied_at timestamptz not null default now())",
		"set local search_path to " + pgx.Identifier{c.Schema}.Sanitize(),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// applyMissing applies the steps that the schema has not had yet.
// Errors: CodeInvalid for a step that was changed after it was applied.
func applyMissing(ctx context.Context, tx pgx.Tx, schema string, steps []migrations.Migration) (changed bool, err error) {
	applied, err := appliedMigrations(ctx, tx, schema)
	if err != nil {
		return false, err
	}
	for _, step := range steps {
		checksum, done := applied[step.Name]
		switch {
		case done && checksum != step.Checksum:
			return false, events.Errorf(events.CodeInvalid, "migration %s was changed after it was applied to schema %s", step.Name, schema)
		case done:
			continue
		}
		if err := apply(ctx, tx, schema, step); err != nil {
			return false, err
		}
		changed = true
	}
	return changed, nil
}

func appliedMigrations(ctx context.Context, tx pgx.Tx, schema string) (map[string]string, error) {
	rows, err := tx.Query(ctx, "select name, checksum from "+qualified(schema, "migrations"))
	if err != nil {
		return nil, err
	}
	applied := map[string]string{}
	var name, checksum string
	_, err = pgx.ForEachRow(rows, []any{&name, &checksum}, func() error {
		applied[name] = checksum
		return nil
	})
	return applied, err
}

func apply(ctx context.Context, tx pgx.Tx, schema string, m migrations.Migration) error {
	if _, err := tx.Exec(ctx, m.SQL); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "insert into "+qualified(schema, "migrations")+" (name, checksum) values ($1, $2)", m.Name, m.Checksum)
	return err
}

// exposed are the tables that readers see, with the columns they see of each.
func exposed() map[string][]string {
	return map[string][]string{
		sessions.name: sessions.names(), calls.name: calls.names(),
		segments.name: segments.names(), responses.name: responses.names(),
		topics.name: topics.names(), accounts.name: accounts.names(), emails.name: emails.names(),
		"checkpoints":  {"stream", "epoch", "created", "position", "event", "aggregate_kind", "aggregate_id", "fence"},
		"dead_letters": {"position", "aggregate_kind", "aggregate_id", "event", "type", "reason"},
	}
}

// expose points the views at the tables, when the tables changed or the views
// are not there yet.
func expose(ctx context.Context, tx pgx.Tx, c Config, changed bool) error {
	var there bool
	if err := tx.QueryRow(ctx, "select to_regclass($1) is not null", qualified(c.Views, sessions.name)).Scan(&there); err != nil {
		return err
	}
	if there && !changed {
		return nil
	}
	tables := exposed()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		sql := "create or replace view " + qualified(c.Views, name) +
			" as select " + strings.Join(tables[name], ", ") + " from " + qualified(c.Schema, name)
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
