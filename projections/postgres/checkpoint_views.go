package postgres

import (
	"context"

	"parley/events"
	"parley/projections"
)

// Checkpoint is how far the read models hold a stream, and when a projector
// last stood behind it; zero for one that was never projected.
// Errors: CodeUnavailable.
func (v *Views) Checkpoint(ctx context.Context, stream string) (projections.Checkpoint, error) {
	return lookAt(ctx, v.db.pool, v.db.config.Views, stream)
}

// Reached is how far the read models hold a stream; zero for one that was
// never projected. Errors: CodeUnavailable.
func (v *Views) Reached(ctx context.Context, stream string) (events.Position, error) {
	c, err := v.Checkpoint(ctx, stream)
	return c.Position, err
}
