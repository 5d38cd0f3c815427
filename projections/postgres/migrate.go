package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/migrations"
)

// migrate makes the live version if there is none and brings it up to date, in
// one transaction, one process at a time.
func (d *Database) migrate(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if err := prepareVersions(ctx, tx, d.config); err != nil {
			return err
		}
		live, err := d.ensureLive(ctx, tx)
		if err != nil {
			return err
		}
		changed, err := build(ctx, tx, d.config.schema(live))
		if err != nil {
			return err
		}
		return expose(ctx, tx, d.config, live, changed)
	})
	return translate(err, "migrate")
}

// build makes a numbered schema, or applies what it has not had yet.
func build(ctx context.Context, tx pgx.Tx, schema string) (changed bool, err error) {
	steps, err := migrations.All()
	if err != nil {
		return false, events.Wrap(err, events.CodeInternal, "the program's own migrations cannot be read")
	}
	err = execAll(ctx, tx,
		"create schema if not exists "+pgx.Identifier{schema}.Sanitize(),
		"create table if not exists "+qualified(schema, "migrations")+
			" (name text primary key, checksum text not null, applied_at timestamptz not null default now())",
		"set local search_path to "+pgx.Identifier{schema}.Sanitize())
	if err != nil {
		return false, err
	}
	return applyMissing(ctx, tx, schema, steps)
}

// execAll runs statements one after the other.
func execAll(ctx context.Context, tx pgx.Tx, statements ...string) error {
	for _, sql := range statements {
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

// expose points the views at a version, when its tables changed or the views
// are not there yet.
func expose(ctx context.Context, tx pgx.Tx, c Config, version int, changed bool) error {
	var there bool
	if err := tx.QueryRow(ctx, "select to_regclass($1) is not null", qualified(c.Views, sessions.name)).Scan(&there); err != nil {
		return err
	}
	if there && !changed {
		return nil
	}
	return pointViews(ctx, tx, c, version)
}

// pointViews points all views at a version, always in the same order.
func pointViews(ctx context.Context, tx pgx.Tx, c Config, version int) error {
	var statements []string
	for _, t := range append(readModels(), checkpointShape) {
		statements = append(statements, "create or replace view "+qualified(c.Views, t.name)+
			" as select "+t.list()+" from "+qualified(c.schema(version), t.name))
	}
	return execAll(ctx, tx, statements...)
}
