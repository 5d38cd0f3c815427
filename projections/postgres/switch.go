package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
	"parley/projections"
)

// A lock is waited for this long, so that readers do not queue up behind us;
// then it is tried again.
const (
	lockWait  = "200ms"
	lockPause = 100 * time.Millisecond
)

// standstill runs something while neither the live version nor the other one
// moves, and both stand at the same position: it locks the live checkpoint,
// where the live projector then waits, carries the other one there, and locks
// that. Locks are taken in this order everywhere: list of versions, live
// checkpoint, other checkpoint, views. A live version of another log (not same)
// has no such position: then the other one goes as far as the log does.
func (r *Rebuilder) standstill(ctx context.Context, version int, same bool, do func(tx pgx.Tx, live projections.Checkpoint) error) error {
	for {
		err := pgx.BeginFunc(ctx, r.db.pool, func(tx pgx.Tx) error {
			live, err := r.lockLive(ctx, tx)
			if err != nil {
				return err
			}
			if err := r.level(ctx, version, live, same); err != nil {
				return err
			}
			if err := r.lockCheckpoint(ctx, tx, version); err != nil {
				return err
			}
			return do(tx, live)
		})
		if !isLockTimeout(err) {
			return err
		}
		if !rest(ctx, lockPause) {
			return ctx.Err()
		}
	}
}

// lockLive locks which version is live, and its checkpoint.
func (r *Rebuilder) lockLive(ctx context.Context, tx pgx.Tx) (c projections.Checkpoint, err error) {
	if _, err := tx.Exec(ctx, "set local lock_timeout = '"+lockWait+"'"); err != nil {
		return c, err
	}
	var live int
	err = tx.QueryRow(ctx, "select version from "+r.db.config.versions()+" where state = $1 for update", stateLive).Scan(&live)
	if err != nil {
		return c, err
	}
	if err := r.lockCheckpoint(ctx, tx, live); err != nil {
		return c, err
	}
	c, err = lookAt(ctx, tx, r.db.config.schema(live), r.stream)
	c.Version = live
	return c, err
}

// lockCheckpoint locks a version's checkpoint, and makes it if need be: what is
// not there cannot be locked.
func (r *Rebuilder) lockCheckpoint(ctx context.Context, tx pgx.Tx, version int) error {
	table := r.db.table(version, "checkpoints")
	if _, err := tx.Exec(ctx, "insert into "+table+" (stream) values ($1) on conflict do nothing", r.stream); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "select from "+table+" where stream = $1 for update", r.stream)
	return err
}

// level carries a version to where the live one stands.
func (r *Rebuilder) level(ctx context.Context, version int, live projections.Checkpoint, same bool) error {
	upTo, err := r.target(ctx, live, same)
	if err == nil {
		_, err = projections.Fill(ctx, r.log, r.store(version), r.stream, upTo)
	}
	return err
}

// target is how far a version may be filled: never past a live one of the same
// log, since the two could not be compared then.
func (r *Rebuilder) target(ctx context.Context, live projections.Checkpoint, same bool) (events.Position, error) {
	if same {
		return live.Position, nil
	}
	now, err := r.log.Identity(ctx)
	return now.End(), err
}

// compare holds both versions against each other, at one position when they are
// of the same log. Nobody waits for that: both stand still only until a snapshot
// is taken. It tells where the live version stood; one of another log says
// nothing about this one, so then it tells how far the other version has come.
func (r *Rebuilder) compare(ctx context.Context, version int, same bool) (at events.Position, differences []Difference, err error) {
	snapshot, err := r.db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, snapshot.Rollback(context.WithoutCancel(ctx))) }()
	var live int
	err = r.standstill(ctx, version, same, func(_ pgx.Tx, c projections.Checkpoint) error {
		live, at = c.Version, c.Position
		_, err := snapshot.Exec(ctx, "select 1") // the first statement takes the snapshot
		return err
	})
	if err == nil && !same {
		at, err = r.reached(ctx, snapshot, version)
	}
	if err != nil {
		return 0, nil, err
	}
	differences, err = compareSchemas(ctx, snapshot, r.db.config.schema(live), r.db.config.schema(version))
	return at, differences, err
}

// reached is how far a version has come.
func (r *Rebuilder) reached(ctx context.Context, by asker, version int) (events.Position, error) {
	c, err := lookAt(ctx, by, r.db.config.schema(version), r.stream)
	return c.Position, err
}

// switchTo makes a version live, in one transaction: whoever asks sees the one
// or the other. The projector of the version that was live finds its claim
// gone, and claims the new one.
func (r *Rebuilder) switchTo(ctx context.Context, version int, same bool) (from int, err error) {
	err = r.standstill(ctx, version, same, func(tx pgx.Tx, live projections.Checkpoint) error {
		from = live.Version
		if same {
			if err := r.handOver(ctx, tx, live, version); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "update "+r.db.table(live.Version, "checkpoints")+" set fence = fence + 1"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "update "+r.db.config.versions()+" set state = case version when $1 then $2 else $3 end where version in ($1, $4)",
			version, stateLive, statePrevious, live.Version)
		if err != nil {
			return err
		}
		if err := pointViews(ctx, tx, r.db.config, version); err != nil {
			return err
		}
		return r.tellPosition(ctx, tx, version)
	})
	return from, err
}

// tellPosition lets watchers know where readers stand now: after a switch to
// another past that may be behind.
func (r *Rebuilder) tellPosition(ctx context.Context, tx pgx.Tx, version int) error {
	_, err := tx.Exec(ctx, "select pg_notify($1, position::text) from "+r.db.table(version, "checkpoints")+" where stream = $2",
		r.db.config.channel(), r.stream)
	return err
}

// handOver gives a version the live checkpoint: an event there that was erased
// meanwhile is not in the log that the version was filled from.
func (r *Rebuilder) handOver(ctx context.Context, tx pgx.Tx, live projections.Checkpoint, version int) error {
	columns := "epoch, created, position, event, aggregate_kind, aggregate_id"
	_, err := tx.Exec(ctx, "update "+r.db.table(version, "checkpoints")+" set ("+columns+") = (select "+columns+
		" from "+r.db.table(live.Version, "checkpoints")+" where stream = $1) where stream = $1", r.stream)
	return err
}

// isLockTimeout tells whether a lock was not to be had in time.
func isLockTimeout(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "55P03"
}
