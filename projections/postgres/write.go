package postgres

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"parley/projections"
)

// write brings changed rows into the tables: first what leaves, then what is
// new and many by COPY, then the rest, with what finish asks besides. Rows come
// in the order of their keys, so that two projectors lock them in one order.
func (s *Store) write(ctx context.Context, tx pgx.Tx, schema string, r *projections.Rows, stored found, finish func(*pgx.Batch)) error {
	changed := changesOf(r)
	writes := &pgx.Batch{}
	changed.queueRemovals(writes, schema)
	if fresh := changed.takeFresh(stored, s.many); !fresh.empty() {
		if err := tx.SendBatch(ctx, writes).Close(); err != nil {
			return err
		}
		if err := fresh.copy(ctx, tx, schema); err != nil {
			return err
		}
		writes = &pgx.Batch{}
	}
	changed.queueUpserts(writes, schema)
	queueStaying(writes, schema, topics, values(r.Topics), func(t topicRow) (string, bool) { return string(t.ID), t.Gone })
	queueStaying(writes, schema, accounts, values(r.Accounts), func(a accountRow) (string, bool) { return string(a.ID), a.Gone })
	queueStaying(writes, schema, emails, values(r.Emails), func(e emailRow) (string, bool) { return e.Hash, e.Account == "" })
	queueAudit(writes, schema, r)
	queueLetters(writes, schema, r)
	finish(writes)
	return tx.SendBatch(ctx, writes).Close()
}

// changes are the rows of sessions that a batch changed.
type changes struct {
	sessions  []sessionRow
	calls     []callRow
	segments  []segmentRow
	responses []responseRow
	emptied   []string // sessions whose stored parts leave
	gone      []string // sessions that leave
}

func changesOf(r *projections.Rows) (c changes) {
	for _, row := range inOrder(r.Sessions) {
		if row.Emptied {
			c.emptied = append(c.emptied, string(row.ID))
		}
		if row.Gone {
			c.gone = append(c.gone, string(row.ID))
			continue
		}
		c.sessions = append(c.sessions, *row)
		c.calls = append(c.calls, row.CallRows()...)
		c.segments = append(c.segments, row.SegmentRows()...)
		c.responses = append(c.responses, row.ResponseRows()...)
	}
	return c
}

func (c *changes) queueRemovals(b *pgx.Batch, schema string) {
	for _, t := range []string{calls.name, segments.name, responses.name} {
		queueDelete(b, schema, t, "session", c.emptied)
	}
	queueDelete(b, schema, sessions.name, "id", c.gone)
}

func (c *changes) queueUpserts(b *pgx.Batch, schema string) {
	sessions.queueUpsert(b, schema, c.sessions)
	calls.queueUpsert(b, schema, c.calls)
	segments.queueUpsert(b, schema, c.segments)
	responses.queueUpsert(b, schema, c.responses)
}

// takeFresh takes the rows out that were not stored, of tables where they are
// many.
func (c *changes) takeFresh(stored found, many int) (fresh changes) {
	fresh.sessions, c.sessions = split(c.sessions, stored[sessions.name], keyOfSession, many)
	fresh.calls, c.calls = split(c.calls, stored[calls.name], keyOfCall, many)
	fresh.segments, c.segments = split(c.segments, stored[segments.name], keyOfSegment, many)
	fresh.responses, c.responses = split(c.responses, stored[responses.name], keyOfResponse, many)
	return fresh
}

func (c *changes) empty() bool {
	return len(c.sessions)+len(c.calls)+len(c.segments)+len(c.responses) == 0
}

func (c *changes) copy(ctx context.Context, tx pgx.Tx, schema string) error {
	return errors.Join(
		sessions.copy(ctx, tx, schema, c.sessions),
		calls.copy(ctx, tx, schema, c.calls),
		segments.copy(ctx, tx, schema, c.segments),
		responses.copy(ctx, tx, schema, c.responses))
}

// split parts new rows from stored ones. Fewer than many new ones stay with the
// others.
func split[R any](rows []R, stored map[projections.PartKey]bool, keyOf func(R) projections.PartKey, many int) (fresh, rest []R) {
	if len(stored) == 0 && len(rows) >= many {
		return rows, nil
	}
	for _, r := range rows {
		if stored[keyOf(r)] {
			rest = append(rest, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) < many {
		return nil, rows
	}
	return fresh, rest
}

// queueStaying writes the rows that stay and deletes the others.
func queueStaying[R any](b *pgx.Batch, schema string, t table[R], rows []R, is func(R) (id string, gone bool)) {
	var leaving []string
	stay := slices.DeleteFunc(rows, func(r R) bool {
		id, gone := is(r)
		if gone {
			leaving = append(leaving, id)
		}
		return gone
	})
	queueDelete(b, schema, t.name, t.keyList(), leaving)
	t.queueUpsert(b, schema, stay)
}

func queueDelete(b *pgx.Batch, schema, table, key string, ids []string) {
	if len(ids) > 0 {
		b.Queue("delete from "+qualified(schema, table)+" where "+key+" = any($1)", ids)
	}
}

// queueLetters writes new dead letters; those of what was erased leave first.
func queueLetters(b *pgx.Batch, schema string, r *projections.Rows) {
	for _, erased := range r.Released {
		b.Queue("delete from "+qualified(schema, "dead_letters")+" where aggregate_kind = $1 and aggregate_id = $2", erased.Kind, erased.ID)
	}
	for _, l := range r.Letters {
		b.Queue("insert into "+qualified(schema, "dead_letters")+
			" (position, aggregate_kind, aggregate_id, event, type, reason) values ($1, $2, $3, $4, $5, $6)"+
			" on conflict (position) do nothing",
			uint64(l.Position), l.Aggregate.Kind, storable(l.Aggregate.ID),
			storable(string(l.Event)), storable(l.Type), storable(l.Reason))
	}
}

// storable replaces what a text column cannot hold.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// inOrder lists rows by key.
func inOrder[K cmp.Ordered, R any](rows map[K]*R) []*R {
	list := make([]*R, 0, len(rows))
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		list = append(list, rows[key])
	}
	return list
}

func values[K cmp.Ordered, R any](rows map[K]*R) []R {
	list := make([]R, 0, len(rows))
	for _, r := range inOrder(rows) {
		list = append(list, *r)
	}
	return list
}
