// Package projections turns the log into rows that can be asked.
//
// A projection is a pure function: [Rows.Apply] takes the rows that a batch of
// events touches and the next event, and changes the rows. It knows no clock,
// no chance and no effect, so the same log always gives the same rows, however
// it was cut into batches and however often it was read. What events mean is
// not decided here: sessions fold by [events.Session], turns by
// [events.Transcript], and a better rule there improves the past by a rebuild.
//
//	log ── Follow ──▶ Projector ── batch ≤ 2000 ──▶ Store ── rows + checkpoint ──▶ PostgreSQL
//
// The [Projector] reads, compares the log with what the checkpoint remembers
// of it, and offers barriers to wait for. The [Store] (projections/postgres)
// loads the touched rows, applies the batch and writes rows and checkpoint in
// one transaction. An event that cannot be applied parks its aggregate in the
// dead letters; everything else goes on.
//
// No row holds a word of anyone: what is sealed in the log stays sealed in its
// row, and search compares keyed hashes ([HashWords]).
//
// The view types of views.go are what readers get, with sealed parts opened.
package projections
