package postgres

import (
	"context"

	"parley/events"
)

// Reached is how far the read models hold a stream; zero for one that was
// never projected. Errors: CodeUnavailable.
func (v *Views) Reached(ctx context.Context, stream string) (events.Position, error) {
	var at int64
	err := v.db.pool.QueryRow(ctx, "select coalesce(max(position), 0) from "+
		qualified(v.db.config.Views, "checkpoints")+" where stream = $1", stream).Scan(&at)
	return events.Position(at), translate(err, "read checkpoint")
}
