package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// column is a column of a table whose rows are R.
type column[R any] struct {
	name  string
	typ   string       // SQL type of one value, as UNNEST takes it
	at    func(*R) any // pointer to the field: to scan into and to write from
	cast  string       // type that the written value is cast to, when UNNEST cannot carry it
	value func(*R) any // what an upsert writes, when it is not what at points to
	whole func(*R) any // what COPY writes, when it is not what at points to
}

// table lists the columns of one table, once for all uses. The first keys
// columns are its primary key.
type table[R any] struct {
	name    string
	keys    int
	columns []column[R]
}

// shape is a table without the type of its rows. The first keys columns are its
// primary key.
type shape struct {
	name    string
	keys    int
	columns []string
}

func (s shape) list() string { return strings.Join(s.columns, ", ") }

func (t table[R]) shape() shape { return shape{t.name, t.keys, t.names()} }

func (t table[R]) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

func (t table[R]) list() string { return strings.Join(t.names(), ", ") }

func (t table[R]) keyList() string { return strings.Join(t.names()[:t.keys], ", ") }

// selectFrom reads all columns of the table in that schema.
func (t table[R]) selectFrom(schema string) string {
	return "select " + t.list() + " from " + qualified(schema, t.name)
}

func qualified(schema, name string) string { return pgx.Identifier{schema, name}.Sanitize() }

// scan reads rows that selectFrom selected.
func (t table[R]) scan(rows pgx.Rows) ([]R, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (R, error) {
		var r R
		fields := make([]any, len(t.columns))
		for i, c := range t.columns {
			fields[i] = c.at(&r)
		}
		return r, row.Scan(fields...)
	})
}

// upsert writes rows set-wise: one array per column.
func (t table[R]) upsert(schema string) string {
	var values, arrays, sets []string
	for i, c := range t.columns {
		value := "u." + c.name
		if c.cast != "" {
			value += "::" + c.cast
		}
		values = append(values, value)
		arrays = append(arrays, placeholder(i+1)+"::"+c.typ+"[]")
		if i >= t.keys {
			sets = append(sets, c.name+" = excluded."+c.name)
		}
	}
	return "insert into " + qualified(schema, t.name) + " (" + t.list() + ")" +
		" select " + strings.Join(values, ", ") +
		" from unnest(" + strings.Join(arrays, ", ") + ") as u(" + t.list() + ")" +
		" on conflict (" + t.keyList() + ") do update set " + strings.Join(sets, ", ")
}

// arrays turns rows into the parameters of upsert.
func (t table[R]) arrays(rows []R) []any {
	params := make([]any, len(t.columns))
	for i, c := range t.columns {
		values := make([]any, len(rows))
		for j := range rows {
			if c.value != nil {
				values[j] = c.value(&rows[j])
			} else {
				values[j] = c.at(&rows[j])
			}
		}
		params[i] = values
	}
	return params
}

func (c column[R]) copied(r *R) any {
	if c.whole != nil {
		return c.whole(r)
	}
	return c.at(r)
}

// copy writes rows that are new by COPY, which costs the server a fraction of an
// upsert; of no rows nothing.
func (t table[R]) copy(ctx context.Context, tx pgx.Tx, schema string, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	values := make([]any, len(t.columns))
	_, err := tx.CopyFrom(ctx, pgx.Identifier{schema, t.name}, t.names(), pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		for j, c := range t.columns {
			values[j] = c.copied(&rows[i])
		}
		return values, nil
	}))
	return err
}

// queueUpsert adds the writing of rows to a batch; of no rows nothing.
func (t table[R]) queueUpsert(b *pgx.Batch, schema string, rows []R) {
	if len(rows) > 0 {
		b.Queue(t.upsert(schema), t.arrays(rows)...)
	}
}
