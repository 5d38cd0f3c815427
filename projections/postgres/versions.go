package postgres

import (
	"context"
	"errors"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
)

// The states of a version of the read models. The table "versions" beside the
// views keeps them; exactly one version is live.
const (
	stateLive     = "live"     // the views point at it, projectors write it
	statePrevious = "previous" // was live before; can be switched back to
	stateBuilding = "building" // a rebuild fills it; goes on after an interruption
	stateScratch  = "scratch"  // a verification fills it; leaves with the next one
)

// migrationLock is the advisory lock of those who change the list of versions,
// any number that nothing else in the database uses.
const migrationLock = 7_252_753_901

// versions is the table of versions.
func (c Config) versions() string { return qualified(c.Views, "versions") }

// prepareVersions makes the list of versions, under a lock that ends with the
// transaction.
func prepareVersions(ctx context.Context, tx pgx.Tx, c Config) error {
	return execAll(ctx, tx,
		"select pg_advisory_xact_lock("+strconv.Itoa(migrationLock)+")",
		"create schema if not exists "+pgx.Identifier{c.Views}.Sanitize(),
		"create table if not exists "+c.versions()+
			" (version int primary key, state text not null, indexes text[] not null default '{}')")
}

// ensureLive gives the live version. Where none is known, because the list is
// new or was dropped, a new one begins: nobody can say whether one that is left
// was whole.
func (d *Database) ensureLive(ctx context.Context, tx pgx.Tx) (int, error) {
	live, err := liveVersion(ctx, tx, d.config)
	if !errors.Is(err, pgx.ErrNoRows) {
		return live, err
	}
	return addVersion(ctx, tx, d.config, stateLive)
}

// asker is a pool, a connection or a transaction.
type asker interface {
	QueryRow(ctx context.Context, sql string, params ...any) pgx.Row
	Query(ctx context.Context, sql string, params ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, params ...any) (pgconn.CommandTag, error)
}

// liveVersion is the version that readers see. Errors: pgx.ErrNoRows.
func liveVersion(ctx context.Context, by asker, c Config) (version int, err error) {
	return versionIn(ctx, by, c, stateLive)
}

// versionIn is the newest version in a state. Errors: pgx.ErrNoRows.
func versionIn(ctx context.Context, by asker, c Config, state string) (version int, err error) {
	err = by.QueryRow(ctx, "select version from "+c.versions()+
		" where state = $1 order by version desc limit 1", state).Scan(&version)
	return version, err
}

// addVersion lists a version with a number above all schemas that are there,
// listed or not.
func addVersion(ctx context.Context, tx pgx.Tx, c Config, state string) (version int, err error) {
	numbered := "^" + c.Views + "_v([0-9]{1,9})$"
	err = tx.QueryRow(ctx, "insert into "+c.versions()+" (version, state)"+
		" select 1 + coalesce(max(n), 0), $2 from ("+
		"  select substring(nspname from $1)::int from pg_namespace where nspname ~ $1"+
		"  union select version from "+c.versions()+") as taken(n) returning version",
		numbered, state).Scan(&version)
	return version, err
}

// dropVersion removes a version with its schema.
func dropVersion(ctx context.Context, tx pgx.Tx, c Config, version int) error {
	return execAll(ctx, tx,
		"drop schema if exists "+pgx.Identifier{c.schema(version)}.Sanitize()+" cascade",
		"delete from "+c.versions()+" where version = "+strconv.Itoa(version))
}

// isMissing tells whether the version or its tables are not there: never made,
// or dropped under us.
func isMissing(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code == "42P01" || refused.Code == "3F000"
	}
	return errors.Is(err, pgx.ErrNoRows)
}

// goneError says that tables were dropped. They are made again at the next
// claim, and filled from the log.
func goneError(err error) error {
	return events.Wrap(err, events.CodeUnavailable, "the read models are being made anew from the event log; try again")
}
