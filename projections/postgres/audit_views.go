package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

type auditRow = projections.AuditRow

var auditTrail = table[auditRow]{"audit", 1, []column[auditRow]{
	number("position", func(r *auditRow) any { return (*uint64)(&r.Position) }),
	moment("at", func(r *auditRow) any { return &r.At }),
	text("kind", func(r *auditRow) any { return &r.Kind }),
	text("account", func(r *auditRow) any { return &r.Account }),
	text("actor", func(r *auditRow) any { return &r.Actor }),
	text("session", func(r *auditRow) any { return &r.Session }),
	text("what", func(r *auditRow) any { return &r.What }),
	text("reason", func(r *auditRow) any { return &r.Reason }),
	text("address", func(r *auditRow) any { return &r.Address }),
	number("count", func(r *auditRow) any { return &r.Count }),
}}

// queueAudit writes new lines, once those about erased accounts have left.
func queueAudit(b *pgx.Batch, schema string, r *projections.Rows) {
	gone := make([]string, len(r.Forgotten))
	for i, account := range r.Forgotten {
		gone[i] = string(account)
	}
	queueDelete(b, schema, auditTrail.name, "account", gone)
	auditTrail.queueUpsert(b, schema, r.Audit)
}

// Audit lists lines of audit trails, the newest first.
// Errors: CodeInvalid for a limit that is not 1 to MaxPage.
func (v *Views) Audit(ctx context.Context, q projections.AuditQuery) ([]projections.AuditRow, error) {
	if q.Limit < 1 || q.Limit > MaxPage {
		return nil, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	before := uint64(q.Before)
	if before == 0 {
		before = math.MaxInt64
	}
	return ask(ctx, v, auditTrail, "where ($1 = '' or account = $1) and ($2 = '' or kind = $2) and at >= $3 and position < $4"+
		" order by position desc limit $5", q.Account, q.Kind, q.Since, before, q.Limit)
}
