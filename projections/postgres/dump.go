package postgres

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Dump writes all rows of the read models as text, in the order of their keys,
// at one moment: the same rows give the same bytes. Checkpoints are left out.
// Errors: CodeUnavailable, and those of the writer.
func (v *Views) Dump(ctx context.Context, to io.Writer) error {
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, v.db.pool, moment, func(tx pgx.Tx) error {
		for _, t := range readModels() {
			if _, err := fmt.Fprintf(to, "-- %s (%s)\n", t.name, t.list()); err != nil {
				return err
			}
			if _, err := tx.Conn().PgConn().CopyTo(ctx, to, "copy ("+t.ordered(v.db.config.Views)+") to stdout"); err != nil {
				return err
			}
		}
		return nil
	})
	return translate(err, "dump read models")
}

// ordered reads a table by its key, the same way whatever the database's locale.
func (s shape) ordered(schema string) string {
	keys := make([]string, s.keys)
	for i, c := range s.columns[:s.keys] {
		keys[i] = c
		if c != "call" && c != "position" { // numbers have no collation
			keys[i] += ` collate "C"`
		}
	}
	return "select " + s.list() + " from " + qualified(schema, s.name) + " order by " + strings.Join(keys, ", ")
}
