package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// MaxDifferences is how many differences of one table are named.
const MaxDifferences = 1000

// What tells how a row or a table of the live version differs.
type What string

// How the live version differs from what the log says.
const (
	RowMissing   What = "missing" // the log has it, the live version has not
	RowExtra     What = "extra"   // the live version has it, the log has not
	RowDiffers   What = "differs" // in the columns named
	TableAltered What = "altered" // the table's own columns are others; its rows were not compared
)

// Difference is one row, or one table, of the live version that is not what
// the log says.
type Difference struct {
	Table   string
	What    What
	Key     string   // of the row, its columns joined by "/"; empty for a table
	Columns []string // that differ
}

// compareSchemas holds the live tables against built ones: first their columns,
// then sums of row hashes, and row by row only where these differ. Sessions
// whose deletion was asked for are left out.
func compareSchemas(ctx context.Context, by asker, live, built string) ([]Difference, error) {
	all, err := alteredTables(ctx, by, live, built)
	if err != nil {
		return nil, err
	}
	altered := map[string]bool{}
	for _, d := range all {
		altered[d.Table] = true
	}
	for _, t := range readModels() {
		if altered[t.name] || altered[sessions.name] && t.ofSession() {
			continue
		}
		found, err := compareTables(ctx, by, t, live, built)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// alteredTables finds tables whose columns, or their types, are not the same.
func alteredTables(ctx context.Context, by asker, live, built string) ([]Difference, error) {
	columns := "(select table_name::text, column_name::text, data_type::text, udt_name::text, is_nullable::text" +
		" from information_schema.columns where table_schema = "
	names := make([]string, 0, len(readModels()))
	for _, t := range readModels() {
		names = append(names, t.name)
	}
	found, err := by.Query(ctx, "select coalesce(a.table_name, b.table_name) as name, array_agg(distinct coalesce(a.column_name, b.column_name))"+
		" from "+columns+"$1) a full join "+columns+"$2) b on a.table_name = b.table_name and a.column_name = b.column_name"+
		" where coalesce(a.table_name, b.table_name) = any($3)"+
		" and (a.data_type, a.udt_name, a.is_nullable) is distinct from (b.data_type, b.udt_name, b.is_nullable)"+
		" group by 1 order by 1", live, built, names)
	if err != nil {
		return nil, err
	}
	var altered []Difference
	d := Difference{What: TableAltered}
	_, err = pgx.ForEachRow(found, []any{&d.Table, &d.Columns}, func() error {
		altered = append(altered, d)
		return nil
	})
	return altered, err
}

// compareTables compares the digests of two tables, and their rows where these
// differ.
func compareTables(ctx context.Context, by asker, t shape, live, built string) ([]Difference, error) {
	var same bool
	err := by.QueryRow(ctx, "select ("+t.digest(live)+") = ("+t.digest(built)+")").Scan(&same)
	if err != nil || same {
		return nil, err
	}
	found, err := by.Query(ctx, t.differences(live, built), MaxDifferences)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (Difference, error) {
		d := Difference{Table: t.name}
		return d, row.Scan(&d.Key, &d.What, &d.Columns)
	})
}

// digest sums the hashes of all rows that count: the order of rows does not
// matter then.
func (s shape) digest(schema string) string {
	return "select count(*)::text || ' ' || coalesce(sum(hash_record_extended(row(" + s.list() + "), 0)), 0)::text" +
		" from " + s.counting(schema)
}

// counting is the table without the sessions whose deletion was asked for.
func (s shape) counting(schema string) string {
	rows := "(select " + s.list() + " from " + qualified(schema, s.name)
	switch {
	case s.name == sessions.name:
		rows += " where deleted is null"
	case s.ofSession():
		rows += " where session not in (select id from " + qualified(schema, sessions.name) + " where deleted is not null)"
	}
	return rows + ") as counting"
}

// ofSession tells whether the table holds parts of sessions.
func (s shape) ofSession() bool { return s.columns[0] == "session" }

// differences asks for the rows that differ, by key.
func (s shape) differences(live, built string) string {
	var key, on, differ []string
	for _, c := range s.columns[:s.keys] {
		key = append(key, "coalesce(a."+c+", b."+c+")::text")
		on = append(on, "a."+c+" = b."+c)
	}
	for _, c := range s.columns[s.keys:] {
		differ = append(differ, "case when a."+c+" is distinct from b."+c+" then '"+c+"' end")
	}
	first := s.columns[0]
	return "select " + strings.Join(key, " || '/' || ") + " as key," +
		" case when a." + first + " is null then '" + string(RowMissing) + "' when b." + first + " is null then '" + string(RowExtra) + "' else '" + string(RowDiffers) + "' end as what," +
		" case when a." + first + " is null or b." + first + " is null then '{}' else array_remove(array[" + strings.Join(differ, ", ") + "], null) end as columns" +
		" from (select * from " + s.counting(live) + ") a full join (select * from " + s.counting(built) + ") b on " + strings.Join(on, " and ") +
		" where a." + first + " is null or b." + first + " is null or cardinality(array_remove(array[" + strings.Join(differ, ", ") + "], null)) > 0" +
		" order by key limit $1"
}
