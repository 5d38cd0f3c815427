package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// Talks lists the sessions that a learner was given a token for and that began
// after a moment. Those that she deleted are not among them.
func (v *Views) Talks(ctx context.Context, learner events.AccountID, after time.Time) ([]projections.Talk, error) {
	schema := v.db.config.Views
	found, err := v.db.pool.Query(ctx, "select s.id, c.issued_at, s.ended_at"+
		" from "+qualified(schema, sessions.name)+" s join "+qualified(schema, calls.name)+" c on c.session = s.id and c.call = 1"+
		" where s.learner = $1 and s.started_at > $2 and c.issued_at is not null", learner, after)
	if err != nil {
		return nil, translate(err, "read talks")
	}
	talks, err := pgx.CollectRows(found, pgx.RowToStructByPos[projections.Talk])
	return talks, translate(err, "read talks")
}
