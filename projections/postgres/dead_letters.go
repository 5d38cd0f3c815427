package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

const letterColumns = "aggregate_kind, aggregate_id, position, event, type, reason"

// DeadLetters lists the events that wait outside the read models, in the
// log's order; limit is 1 to MaxPage. Errors: CodeInvalid, CodeUnavailable.
func (v *Views) DeadLetters(ctx context.Context, limit int) ([]projections.DeadLetter, error) {
	if limit < 1 || limit > MaxPage {
		return nil, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	found, err := v.db.pool.Query(ctx, "select "+letterColumns+" from "+
		qualified(v.db.config.Views, "dead_letters")+" order by position limit $1", limit)
	if err != nil {
		return nil, translate(err, "read dead letters")
	}
	letters, err := scanLetters(found)
	return letters, translate(err, "read dead letters")
}

// FirstDeadLetters gives of each aggregate of a kind the letter behind which its other
// ones wait. Errors: CodeUnavailable.
func (v *Views) FirstDeadLetters(ctx context.Context, kind events.AggregateKind) ([]projections.DeadLetter, error) {
	found, err := v.db.pool.Query(ctx, "select distinct on (aggregate_id) "+letterColumns+" from "+
		qualified(v.db.config.Views, "dead_letters")+" where aggregate_kind = $1 order by aggregate_id, position", kind)
	if err != nil {
		return nil, translate(err, "read dead letters")
	}
	letters, err := scanLetters(found)
	return letters, translate(err, "read dead letters")
}

func scanLetters(found pgx.Rows) ([]projections.DeadLetter, error) {
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (l projections.DeadLetter, err error) {
		err = row.Scan(&l.Aggregate.Kind, &l.Aggregate.ID, (*uint64)(&l.Position), &l.Event, &l.Type, &l.Reason)
		return l, err
	})
}

// CountDeadLetters tells how many events wait, and of how many aggregates.
// Errors: CodeUnavailable.
func (v *Views) CountDeadLetters(ctx context.Context) (letters, aggregates int, err error) {
	err = v.db.pool.QueryRow(ctx, "select count(*), count(distinct (aggregate_kind, aggregate_id)) from "+
		qualified(v.db.config.Views, "dead_letters")).Scan(&letters, &aggregates)
	return letters, aggregates, translate(err, "count dead letters")
}
