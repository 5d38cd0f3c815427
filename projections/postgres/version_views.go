package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"parley/events"
)

// Version is one version of the read models.
type Version struct {
	Version  int
	State    string          // live, previous, building or scratch
	Position events.Position // filled up to here
}

// Versions lists the versions, the newest first, with how far each holds a
// stream: one that is building shows how far its rebuild is.
// Errors: CodeUnavailable.
func (d *Database) Versions(ctx context.Context, stream string) ([]Version, error) {
	found, err := d.pool.Query(ctx, "select version, state from "+d.config.versions()+" order by version desc")
	if err != nil {
		return nil, translate(err, "read versions")
	}
	all, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (v Version, err error) {
		err = row.Scan(&v.Version, &v.State)
		return v, err
	})
	if err != nil {
		return nil, translate(err, "read versions")
	}
	for i, v := range all {
		at, err := lookAt(ctx, d.pool, d.config.schema(v.Version), stream)
		if err != nil && !isMissing(err) {
			return nil, err
		}
		all[i].Position = at.Position
	}
	return all, nil
}
