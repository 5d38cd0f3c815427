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

// Store writes one version of the read models; it is a [projections.Store].
type Store struct {
	db      *Database
	deriver Deriver
	version int // 0: whichever is live at the claim
	few     int // up to so many aggregates are read with their parts at once
	many    int // from so many new rows on they are written by COPY
}

// Measured: for more aggregates another round trip costs less than looking for
// the parts of sessions that only begin; and COPY is worth its own.
const (
	defaultFew  = 20
	defaultMany = 50
)

// NewStore makes a store of the live version on an open database. The deriver
// keys the word hashes.
func NewStore(db *Database, deriver Deriver) *Store {
	return &Store{db: db, deriver: deriver, few: defaultFew, many: defaultMany}
}

const checkpointColumns = "stream, epoch, coalesce(created, 'epoch'), position, event, aggregate_kind, aggregate_id, fence, coalesce(seen_at, 'epoch')"

// Claim implements [projections.Store]. Tables that were dropped are made
// again: the log fills them.
func (s *Store) Claim(ctx context.Context, stream string) (projections.Checkpoint, error) {
	c, err := s.claim(ctx, stream)
	if s.version == 0 && isMissing(err) {
		if err := s.db.migrate(ctx); err != nil {
			return c, err
		}
		c, err = s.claim(ctx, stream)
	}
	return c, translate(err, "claim checkpoint")
}

func (s *Store) claim(ctx context.Context, stream string) (c projections.Checkpoint, err error) {
	version := s.version
	if version == 0 {
		if version, err = liveVersion(ctx, s.db.pool, s.db.config); err != nil {
			return c, err
		}
	}
	row := s.db.pool.QueryRow(ctx, "insert into "+s.db.table(version, "checkpoints")+" as c (stream, fence, seen_at) values ($1, 1, now())"+
		" on conflict (stream) do update set fence = c.fence + 1, seen_at = now() returning "+checkpointColumns, stream)
	c, err = scanCheckpoint(row)
	c.Version = version
	return c, err
}

// Look implements [projections.Store].
func (s *Store) Look(ctx context.Context, stream string) (projections.Checkpoint, error) {
	schema := s.db.config.Views
	if s.version != 0 {
		schema = s.db.config.schema(s.version)
	}
	return lookAt(ctx, s.db.pool, schema, stream)
}

// lookAt reads a checkpoint; one that is not there is zero.
func lookAt(ctx context.Context, by asker, schema, stream string) (projections.Checkpoint, error) {
	c, err := scanCheckpoint(by.QueryRow(ctx, "select "+checkpointColumns+" from "+
		qualified(schema, "checkpoints")+" where stream = $1", stream))
	if errors.Is(err, pgx.ErrNoRows) {
		return projections.Checkpoint{Stream: stream}, nil
	}
	return c, translate(err, "read checkpoint")
}

// table names a table of a version.
func (d *Database) table(version int, name string) string {
	return qualified(d.config.schema(version), name)
}

func scanCheckpoint(row pgx.Row) (c projections.Checkpoint, err error) {
	err = row.Scan(&c.Stream, &c.Epoch, &c.Created, (*uint64)(&c.Position), &c.Event,
		&c.Aggregate.Kind, &c.Aggregate.ID, &c.Fence, &c.Seen)
	return c, err
}

// Hold implements [projections.Store].
func (s *Store) Hold(ctx context.Context, c projections.Checkpoint) error {
	reads := &pgx.Batch{}
	s.queueLive(reads, c.Version)
	reads.Queue("update "+s.db.table(c.Version, "checkpoints")+" set seen_at = now()"+
		" where stream = $1 and fence = $2", c.Stream, c.Fence).Exec(oneMoved)
	return translate(s.db.pool.SendBatch(ctx, reads).Close(), "hold checkpoint")
}

// oneMoved refuses a checkpoint that is another projector's.
func oneMoved(moved pgconn.CommandTag) error {
	if moved.RowsAffected() != 1 {
		return events.Wrap(projections.ErrFenced, events.CodeConflict, "another projector goes on from here")
	}
	return nil
}

// queueLive refuses a claim on a version that is not live any more. A store of
// one version minds nobody.
func (s *Store) queueLive(b *pgx.Batch, version int) {
	if s.version != 0 {
		return
	}
	b.Queue("select state = $2 from "+s.db.config.versions()+" where version = $1", version, stateLive).
		QueryRow(func(row pgx.Row) error {
			var live bool
			if err := row.Scan(&live); err != nil || live {
				return err
			}
			return events.Wrap(projections.ErrSwitched, events.CodeUnavailable, "another version of the read models is live")
		})
}

// commitWithin bounds a commit: a connection that is half open never answers. It is
// longer than a stopped process may hold the checkpoint.
const commitWithin = time.Minute

// Commit implements [projections.Store]. When PostgreSQL refuses a value of
// the batch, and the tables are as they were made, halves of it are tried, until
// the one event that cannot be stored is found and parked.
func (s *Store) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	keys, err := s.wordKeys(ctx, batch)
	if err != nil {
		return from, err
	}
	at, err := s.commit(ctx, from, log, batch, keys)
	switch {
	case err == nil, isPassing(err):
	case isMissing(err):
		if s.hasCheckpoints(ctx, from.Version) {
			err = alteredError(err) // a single table: claiming anew makes none
		}
	case s.db.isAltered(ctx, from.Version):
		err = alteredError(err)
	case isBadValue(err):
		at, err = s.divide(ctx, from, log, batch, keys, err)
	}
	return at, translate(err, "commit batch")
}

// hasCheckpoints tells whether a version is there, as far as anybody can say now.
func (s *Store) hasCheckpoints(ctx context.Context, version int) (there bool) {
	err := s.db.pool.QueryRow(ctx, "select to_regclass($1) is not null", s.db.table(version, "checkpoints")).Scan(&there)
	return err == nil && there
}

func (s *Store) commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event, keys projections.WordKeys) (projections.Checkpoint, error) {
	to := from.At(log, batch[len(batch)-1])
	rows := projections.NewRows(keys)
	err := s.transact(ctx, from, to, rows, projections.KeysOf(batch), func() {
		for _, e := range batch {
			rows.Apply(e)
		}
	})
	if err != nil {
		return from, err
	}
	return to, nil
}

// divide commits the halves of a batch in which a value was refused.
func (s *Store) divide(ctx context.Context, at projections.Checkpoint, log events.Identity, batch []events.Event, keys projections.WordKeys, why error) (projections.Checkpoint, error) {
	if len(batch) == 1 {
		return s.park(ctx, at, at.At(log, batch[0]), batch[0], why)
	}
	half := len(batch) / 2
	for _, part := range [][]events.Event{batch[:half], batch[half:]} {
		next, err := s.commit(ctx, at, log, part, keys)
		if isBadValue(err) {
			next, err = s.divide(ctx, at, log, part, keys, err)
		}
		if err != nil {
			return next, err
		}
		at = next
	}
	return at, nil
}

// park puts an event that PostgreSQL refuses among the dead letters. No row is
// read for it: its keys may be what is refused.
func (s *Store) park(ctx context.Context, from, to projections.Checkpoint, e events.Event, why error) (projections.Checkpoint, error) {
	rows := projections.NewRows(nil)
	err := s.transact(ctx, from, to, rows, projections.Keys{}, func() { rows.Park(e, why.Error()) })
	if err != nil {
		return from, err
	}
	return to, nil
}

// transact loads the rows of the keys, lets them change, writes them and moves
// the checkpoint. The checkpoint's row is locked first: whoever else writes
// these rows (a retry of dead letters) or must see them stand still (a switch)
// takes the same lock.
func (s *Store) transact(ctx context.Context, from, to projections.Checkpoint, rows *projections.Rows, keys projections.Keys, change func()) error {
	return pgx.BeginTxFunc(ctx, s.db.pool, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		reads := &pgx.Batch{}
		s.queueLock(reads, from)
		schema := s.db.config.schema(from.Version)
		stored, err := s.load(ctx, tx, reads, schema, keys, rows)
		if err != nil {
			return err
		}
		change()
		return s.write(ctx, tx, schema, rows, stored, func(b *pgx.Batch) { s.queueCheckpoint(b, from, to, rows) })
	})
}

// begin makes a transaction find rows by their keys: the planner knows nothing
// of tables that were made just now, and would read them whole for every batch.
// One plan does for batches of any size, and making it costs more than running it.
// No commit waits for the disk: rows and checkpoint are lost together in a crash of
// PostgreSQL, and come from the log again.
const begin = "begin; set local enable_seqscan to off; set local enable_hashjoin to off; set local enable_mergejoin to off;" +
	" set local plan_cache_mode to force_generic_plan; set local synchronous_commit to off"

// queueLock waits for the checkpoint and looks whether it still is where this
// projector left it. A switch of versions fences off as well, and must not look
// like another projector: so it is asked for first.
func (s *Store) queueLock(b *pgx.Batch, from projections.Checkpoint) {
	var locked pgconn.CommandTag
	b.Queue("select from "+s.db.table(from.Version, "checkpoints")+
		" where stream = $1 and position = $2 and fence = $3 for update",
		from.Stream, uint64(from.Position), from.Fence,
	).Exec(func(found pgconn.CommandTag) error { locked = found; return nil })
	s.queueLive(b, from.Version)
	b.Queue("select").Exec(func(pgconn.CommandTag) error { return oneMoved(locked) })
}

// queueCheckpoint moves the checkpoint, last of all writes. The fence in its
// where is what makes a second projector harmless, whatever happened before.
func (s *Store) queueCheckpoint(b *pgx.Batch, from, to projections.Checkpoint, rows *projections.Rows) {
	b.Queue("update "+s.db.table(from.Version, "checkpoints")+
		" set epoch = $1, created = $2, position = $3, event = $4, aggregate_kind = $5, aggregate_id = $6, seen_at = now()"+
		" where stream = $7 and position = $8 and fence = $9",
		to.Epoch, to.Created, uint64(to.Position), storable(string(to.Event)), to.Aggregate.Kind, storable(to.Aggregate.ID),
		from.Stream, uint64(from.Position), from.Fence,
	).Exec(oneMoved)
	if s.version == 0 {
		b.Queue("select pg_notify($1, $2)", s.db.config.channel(), commitOf(to.Position, rows).String())
	}
}

// wordKeys fetches the keys of all texts to hash, before the transaction.
func (s *Store) wordKeys(ctx context.Context, batch []events.Event) (projections.WordKeys, error) {
	keys := projections.WordKeys{}
	for _, e := range batch {
		b, is := e.Body.(*events.SegmentTranscribed)
		id := events.SessionID(e.Aggregate.ID)
		if _, known := keys[id]; !is || known || b.Private.Text == "" {
			continue
		}
		key, there, err := wordKey(ctx, s.deriver, id)
		if err != nil {
			return nil, err
		}
		if there {
			keys[id] = key
		}
	}
	return keys, nil
}
