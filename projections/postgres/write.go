package postgres

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"parley/projections"
)

// queueRows writes the changed rows, in the order of their keys, so that two
// projectors lock them in one order.
func queueRows(b *pgx.Batch, schema string, r *projections.Rows) {
	var stay []sessionRow
	var parts parts
	var emptied, gone []string
	for _, row := range inOrder(r.Sessions) {
		if row.Emptied {
			emptied = append(emptied, string(row.ID))
		}
		if row.Gone {
			gone = append(gone, string(row.ID))
			continue
		}
		stay = append(stay, *row)
		parts.take(row)
	}
	for _, t := range []string{calls.name, segments.name, responses.name} {
		queueDelete(b, schema, t, "session", emptied)
	}
	queueDelete(b, schema, sessions.name, "id", gone)
	sessions.queueUpsert(b, schema, stay)
	parts.queue(b, schema)
	queueStaying(b, schema, topics, values(r.Topics), func(t topicRow) (string, bool) { return string(t.ID), t.Gone })
	queueStaying(b, schema, accounts, values(r.Accounts), func(a accountRow) (string, bool) { return string(a.ID), a.Gone })
	queueStaying(b, schema, emails, values(r.Emails), func(e emailRow) (string, bool) { return e.Hash, e.Account == "" })
	queueAudit(b, schema, r)
}

// parts are the rows within sessions.
type parts struct {
	calls     []callRow
	segments  []segmentRow
	responses []responseRow
}

func (p *parts) take(of *sessionRow) {
	p.calls = append(p.calls, of.CallRows()...)
	p.segments = append(p.segments, of.SegmentRows()...)
	p.responses = append(p.responses, of.ResponseRows()...)
}

func (p *parts) queue(b *pgx.Batch, schema string) {
	calls.queueUpsert(b, schema, p.calls)
	segments.queueUpsert(b, schema, p.segments)
	responses.queueUpsert(b, schema, p.responses)
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
