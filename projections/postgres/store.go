package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
	"parley/projections"
)

// Store writes the read models; it is a [projections.Store].
type Store struct {
	db      *Database
	deriver Deriver
}

// NewStore makes a store on an open database. The deriver keys the word hashes.
func NewStore(db *Database, deriver Deriver) *Store { return &Store{db, deriver} }

func (s *Store) table(name string) string { return qualified(s.db.config.Schema, name) }

// channel is where commits are notified; its payload is the position.
func (c Config) channel() string { return "parley_" + c.Schema }

const checkpointColumns = "stream, epoch, coalesce(created, 'epoch'), position, event, aggregate_kind, aggregate_id, fence"

// Claim implements [projections.Store].
func (s *Store) Claim(ctx context.Context, stream string) (projections.Checkpoint, error) {
	row := s.db.pool.QueryRow(ctx, "insert into "+s.table("checkpoints")+" as c (stream, fence) values ($1, 1)"+
		" on conflict (stream) do update set fence = c.fence + 1 returning "+checkpointColumns, stream)
	c, err := scanCheckpoint(row)
	return c, translate(err, "claim checkpoint")
}

func scanCheckpoint(row pgx.Row) (c projections.Checkpoint, err error) {
	err = row.Scan(&c.Stream, &c.Epoch, &c.Created, (*uint64)(&c.Position), &c.Event,
		&c.Aggregate.Kind, &c.Aggregate.ID, &c.Fence)
	return c, err
}

// Commit implements [projections.Store]. When PostgreSQL refuses a value of
// the batch, halves of it are tried, until the one event that cannot be stored
// is found and parked.
func (s *Store) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	keys, err := s.wordKeys(ctx, batch)
	if err != nil {
		return from, err
	}
	at, err := s.commit(ctx, from, log, batch, keys)
	return at, translate(err, "commit batch")
}

func (s *Store) commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event, keys projections.WordKeys) (projections.Checkpoint, error) {
	to := from.At(log, batch[len(batch)-1])
	rows := projections.NewRows(keys)
	err := s.transact(ctx, from, to, rows, projections.KeysOf(batch), func() {
		for _, e := range batch {
			rows.Apply(e)
		}
	})
	switch {
	case err == nil:
		return to, nil
	case !isBadValue(err):
		return from, err
	case len(batch) == 1:
		return s.park(ctx, from, to, batch[0], err)
	}
	half := len(batch) / 2
	at, err := s.commit(ctx, from, log, batch[:half], keys)
	if err != nil {
		return at, err
	}
	return s.commit(ctx, at, log, batch[half:], keys)
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
// the checkpoint.
func (s *Store) transact(ctx context.Context, from, to projections.Checkpoint, rows *projections.Rows, keys projections.Keys, change func()) error {
	return pgx.BeginFunc(ctx, s.db.pool, func(tx pgx.Tx) error {
		if err := s.load(ctx, tx, keys, rows); err != nil {
			return err
		}
		change()
		writes := &pgx.Batch{}
		s.queueRows(writes, rows)
		s.queueLetters(writes, rows)
		s.queueCheckpoint(writes, from, to)
		return tx.SendBatch(ctx, writes).Close()
	})
}

// queueCheckpoint moves the checkpoint, last of all writes, if it still is
// where this projector left it and nobody else has claimed it.
func (s *Store) queueCheckpoint(b *pgx.Batch, from, to projections.Checkpoint) {
	b.Queue("update "+s.table("checkpoints")+
		" set epoch = $1, created = $2, position = $3, event = $4, aggregate_kind = $5, aggregate_id = $6"+
		" where stream = $7 and position = $8 and fence = $9",
		to.Epoch, to.Created, uint64(to.Position), to.Event, to.Aggregate.Kind, to.Aggregate.ID,
		from.Stream, uint64(from.Position), from.Fence,
	).Exec(func(moved pgconn.CommandTag) error {
		if moved.RowsAffected() != 1 {
			return events.Wrap(projections.ErrFenced, events.CodeConflict, "another projector goes on from here")
		}
		return nil
	})
	b.Queue("select pg_notify($1, $2)", s.db.config.channel(), strconv.FormatUint(uint64(to.Position), 10))
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
