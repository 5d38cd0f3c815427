// Package postgres is the one door to PostgreSQL.
//
// The read models lie in numbered versions, each a schema of its own
// (parley_v1) that only a [Store] writes. Readers go through views of the same
// names in the schema "parley"; a table beside them says which version is live.
// A [Rebuilder] fills another version beside it, compares the two and switches
// the views. All queries name their columns; each table's columns are listed
// once, in tables.go, for reading, writing, comparing and views alike.
//
// [Store] commits a batch: read the touched rows, apply ([projections.Rows]),
// write the changed rows set-wise, and move the checkpoint under its fence,
// all in one transaction. [Views] answers queries and opens what is sealed.
// [Watcher] hears of commits, in this process or another, and tells those who
// wait for a position or for changes.
//
// PostgreSQL is disposable: whatever is here comes from the log. Errors of pgx
// become [events.Error] here.
package postgres
