package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// Contents are the rows of all tables, each as JSON, in the order of keys.
type Contents map[string][]string

// ContentsOf says what a fold would have in the tables.
func ContentsOf(r *projections.Rows) Contents {
	c := Contents{}
	in := changesOf(r)
	render(c, sessions, in.sessions)
	render(c, calls, in.calls)
	render(c, segments, in.segments)
	render(c, responses, in.responses)
	render(c, topics, slices.DeleteFunc(values(r.Topics), func(t topicRow) bool { return t.Gone }))
	render(c, accounts, slices.DeleteFunc(values(r.Accounts), func(a accountRow) bool { return a.Gone }))
	var held []emailRow
	for _, row := range values(r.Emails) {
		if row.Account != "" {
			held = append(held, row)
		}
	}
	render(c, emails, held)
	render(c, auditTrail, r.Audit)
	for _, l := range r.Letters {
		c.letter(l)
	}
	return c
}

// Contents says what is in the tables.
func (v *Views) Contents(ctx context.Context) (Contents, error) {
	c := Contents{}
	for _, read := range []func() error{
		func() error { return renderAll(ctx, v, c, sessions) },
		func() error { return renderAll(ctx, v, c, calls) },
		func() error { return renderAll(ctx, v, c, segments) },
		func() error { return renderAll(ctx, v, c, responses) },
		func() error { return renderAll(ctx, v, c, topics) },
		func() error { return renderAll(ctx, v, c, accounts) },
		func() error { return renderAll(ctx, v, c, emails) },
		func() error { return renderAll(ctx, v, c, auditTrail) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	letters, err := v.DeadLetters(ctx, MaxPage)
	for _, l := range letters {
		c.letter(l)
	}
	return c, err
}

// InBulk makes the store treat every batch as a large one.
func (s *Store) InBulk() *Store {
	s.few, s.many = 0, 1
	return s
}

// Clear empties all tables.
func (s *Store) Clear(ctx context.Context) error {
	live, err := liveVersion(ctx, s.db.pool, s.db.config)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	for _, t := range append(readModels(), checkpointShape) {
		b.Queue("delete from " + s.db.table(live, t.name))
	}
	return s.db.pool.SendBatch(ctx, b).Close()
}

func (c Contents) letter(l projections.DeadLetter) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	c["dead_letters"] = append(c["dead_letters"], string(text))
}

func renderAll[R any](ctx context.Context, v *Views, c Contents, t table[R]) error {
	keys := make([]string, t.keys)
	for i, name := range t.names()[:t.keys] {
		keys[i] = name + ` collate "C"`
		if name == "call" || name == "position" {
			keys[i] = name
		}
	}
	rows, err := ask(ctx, v, t, "order by "+strings.Join(keys, ", "))
	render(c, t, rows)
	return err
}

func render[R any](c Contents, t table[R], rows []R) {
	for i := range rows {
		row := map[string]any{}
		for _, column := range t.columns {
			field := column.at(&rows[i])
			if hashes, is := field.(*[]int64); is && len(*hashes) == 0 {
				field = nil // an empty array is none
			}
			row[column.name] = field
		}
		text, err := json.Marshal(row)
		if err != nil {
			panic(err)
		}
		c[t.name] = append(c[t.name], string(text))
	}
}

// KeyOf gives a session's word key, as Commit uses it.
func KeyOf(ctx context.Context, by Deriver, of events.SessionID) (projections.WordKey, bool, error) {
	return wordKey(ctx, by, of)
}
