package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// isAltered tells whether somebody gave a version's tables what the migrations do
// not: a column of another type, a constraint, a trigger, a unique index. PostgreSQL
// may then refuse what is as it should be. It builds the tables anew, compares, and
// takes that back; when it cannot, nobody knows, and the answer is no.
func (d *Database) isAltered(ctx context.Context, version int) (altered bool) {
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		const asMade = 0 // no version has this number
		if _, err := build(ctx, tx, d.config.schema(asMade)); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, "select exists ("+made("$1")+" except "+made("$2")+")",
			d.config.schema(version), d.config.schema(asMade)).Scan(&altered)
		return errors.Join(err, errTakeBack)
	})
	return altered && errors.Is(err, errTakeBack)
}

// errTakeBack ends a transaction that was only to look.
var errTakeBack = errors.New("only to look")

// made asks for all of a schema's tables that may refuse a value.
func made(schema string) string {
	of := " join pg_class c on c.oid = "
	in := " where c.relkind = 'r' and c.relnamespace = to_regnamespace(quote_ident(" + schema + "::text))"
	return "(select c.relname, 'column', a.attname::text, format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || a.attgenerated::text" +
		" from pg_attribute a" + of + "a.attrelid" + in + " and a.attnum > 0 and not a.attisdropped" +
		" union all select c.relname, 'constraint', '', pg_get_constraintdef(k.oid) from pg_constraint k" + of + "k.conrelid" + in +
		" union all select c.relname, 'trigger', '', t.tgname::text from pg_trigger t" + of + "t.tgrelid" + in + " and not t.tgisinternal" +
		" union all select c.relname, 'unique', '', regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') from pg_index i" +
		of + "i.indrelid" + in + " and i.indisunique)"
}
