package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// OpenSessions tells which of these sessions are there and not asked to be
// deleted, as far as the read models know.
func (v *Views) OpenSessions(ctx context.Context, of map[events.SessionID]bool) (map[events.SessionID]bool, error) {
	open := map[events.SessionID]bool{}
	if len(of) == 0 {
		return open, nil
	}
	found, err := v.db.pool.Query(ctx, "select id from "+qualified(v.db.config.Views, sessions.name)+
		" where id = any($1) and deleted is null", slices.Collect(maps.Keys(of)))
	if err != nil {
		return nil, translate(err, "read sessions")
	}
	var id events.SessionID
	_, err = pgx.ForEachRow(found, []any{&id}, func() error {
		open[id] = true
		return nil
	})
	return open, translate(err, "read sessions")
}

// Unsettled lists sessions for which something is left to do: the talking, the
// browser's part, the recording or the deletion. The longest untouched come
// first; limit is 1 to MaxPage. Errors: CodeInvalid.
func (v *Views) Unsettled(ctx context.Context, limit int) ([]projections.Overview, error) {
	if limit < 1 || limit > MaxPage {
		return nil, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	rows, err := ask(ctx, v, sessions, "where deleted is not null or ended is null"+
		" or audio is null and (ended->>'recording_expected')::boolean"+
		" or received <> case coalesce((ended->>'last_n')::bigint, 0) when 0 then '' when 1 then '1' else '1-' || (ended->>'last_n') end"+
		" order by position limit $1", limit)
	return overviews(rows, v.db.config.Now()), err
}
