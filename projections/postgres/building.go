package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/events"
)

// rebuildLock is the first half of the advisory lock of those who rebuild or
// verify; the second names the views.
const rebuildLock = 7_252_754

// fewestConnections are those of a comparison: one holds the snapshot, one both
// checkpoints, and one fills. With fewer each would wait for the others.
const fewestConnections = 3

// alone runs something unless another rebuild or verification runs. The lock
// ends with its connection, so that a killed process leaves none; it is given back
// before, since the server notices a connection's end a moment later.
func (r *Rebuilder) alone(ctx context.Context, do func() error) (err error) {
	if most := r.db.pool.Config().MaxConns; most < fewestConnections {
		return events.Errorf(events.CodeInvalid, "a rebuild or a verification needs %d connections to PostgreSQL; pool_max_conns in PARLEY_POSTGRES_URL allows %d", fewestConnections, most)
	}
	conn, err := pgx.ConnectConfig(ctx, r.db.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		err = errors.Join(err, conn.Close(bounded))
	}()
	var mine bool
	err = conn.QueryRow(ctx, "select pg_try_advisory_lock($1, hashtext($2))", rebuildLock, r.db.config.Views).Scan(&mine)
	switch {
	case err != nil:
		return err
	case !mine:
		return events.Errorf(events.CodeConflict, "another rebuild or verification is running")
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		_, left := conn.Exec(bounded, "select pg_advisory_unlock($1, hashtext($2))", rebuildLock, r.db.config.Views)
		err = errors.Join(err, left)
	}()
	return do()
}

// begin gives a version to fill: one that an interrupted rebuild left, else a
// new one without its secondary indexes, which cost more while it is filled
// than afterwards. A left scratch version is of no use.
func (r *Rebuilder) begin(ctx context.Context, state string) (version int, err error) {
	if err := r.drop(ctx, "state = $1", stateScratch); err != nil {
		return 0, err
	}
	if err := r.dropUseless(ctx); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if err := prepareVersions(ctx, tx, r.db.config); err != nil {
			return err
		}
		version, err = versionIn(ctx, tx, r.db.config, state)
		if errors.Is(err, pgx.ErrNoRows) {
			version, err = addVersion(ctx, tx, r.db.config, state)
		}
		if err != nil {
			return err
		}
		fresh, err := build(ctx, tx, r.db.config.schema(version))
		if err == nil && fresh {
			err = r.setIndexesAside(ctx, tx, version)
		}
		return err
	})
	return version, err
}

// previous is the version that was live before, with what migrations have brought
// since then. Errors: CodeNotFound when there is none.
func (r *Rebuilder) previous(ctx context.Context) (version int, err error) {
	err = pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if err := prepareVersions(ctx, tx, r.db.config); err != nil {
			return err
		}
		version, err = versionIn(ctx, tx, r.db.config, statePrevious)
		if errors.Is(err, pgx.ErrNoRows) {
			return events.Errorf(events.CodeNotFound, "there is no version before the live one")
		}
		if err == nil {
			_, err = build(ctx, tx, r.db.config.schema(version))
		}
		return err
	})
	return version, err
}

// dropUseless removes a version that an interrupted rebuild left, when it is of
// another log or ahead of the live one.
func (r *Rebuilder) dropUseless(ctx context.Context) error {
	left, err := versionIn(ctx, r.db.pool, r.db.config, stateBuilding)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	built, err := r.store(left).Look(ctx, r.stream)
	if err != nil {
		return err
	}
	live, err := NewStore(r.db, r.deriver).Look(ctx, r.stream)
	if err != nil {
		return err
	}
	err = r.check(ctx, built)
	if !isMismatch(err) && (err != nil || built.Position <= live.Position) {
		return err
	}
	return r.drop(ctx, "version = $1", left)
}

// setIndexesAside drops the secondary indexes of a version and notes how to
// make them. That of the dead letters is asked while filling.
func (r *Rebuilder) setIndexesAside(ctx context.Context, tx pgx.Tx, version int) error {
	schema := r.db.config.schema(version)
	found, err := tx.Query(ctx, "select indexname, indexdef from pg_indexes where schemaname = $1 and tablename <> 'dead_letters'"+
		" and indexname not in (select conname from pg_constraint where connamespace = to_regnamespace($2))",
		schema, pgx.Identifier{schema}.Sanitize())
	if err != nil {
		return err
	}
	var name, definition string
	var drops, definitions []string
	_, err = pgx.ForEachRow(found, []any{&name, &definition}, func() error {
		drops = append(drops, "drop index "+qualified(schema, name))
		definitions = append(definitions, definition)
		return nil
	})
	if err != nil {
		return err
	}
	if err := execAll(ctx, tx, drops...); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "update "+r.db.config.versions()+" set indexes = $2 where version = $1", version, definitions)
	return err
}

// index makes the indexes that were set aside, and gathers statistics.
func (r *Rebuilder) index(ctx context.Context, version int) error {
	return pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		var definitions []string
		err := tx.QueryRow(ctx, "select indexes from "+r.db.config.versions()+" where version = $1 for update", version).Scan(&definitions)
		if err != nil {
			return err
		}
		if err := execAll(ctx, tx, definitions...); err != nil {
			return err
		}
		for _, t := range readModels() {
			definitions = append(definitions[:0], "analyze "+qualified(r.db.config.schema(version), t.name))
			if err := execAll(ctx, tx, definitions...); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "update "+r.db.config.versions()+" set indexes = '{}' where version = $1", version)
		return err
	})
}

// dropping bounds the clearing up after something that was interrupted.
const dropping = 10 * time.Second

// drop removes the versions that a condition names, also when the context has
// ended meanwhile.
func (r *Rebuilder) drop(ctx context.Context, where string, params ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropping)
	defer cancel()
	return pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
		if err := prepareVersions(ctx, tx, r.db.config); err != nil {
			return err
		}
		found, err := tx.Query(ctx, "select version from "+r.db.config.versions()+" where "+where, params...)
		if err != nil {
			return err
		}
		versions, err := pgx.CollectRows(found, pgx.RowTo[int])
		for _, version := range versions {
			err = errors.Join(err, dropVersion(ctx, tx, r.db.config, version))
		}
		return err
	})
}
