package projections

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/events"
)

// AuditRow is one line of an audit trail.
type AuditRow struct {
	Position events.Position
	At       time.Time
	Kind     events.Kind
	Account  events.AccountID // whom it is about; empty for nobody known
	Actor    events.Actor
	Session  events.SessionID // whose content it is about, if any
	What     string           // the method, operation, action, role or object
	Reason   string
	Address  string // prefix
	Count    int64  // of how many; 1 for most
}

// AuditQuery chooses lines; its zero value chooses all. The newest come first.
type AuditQuery struct {
	Account events.AccountID
	Kind    events.Kind
	Since   time.Time
	Before  events.Position // the last position of the page before; 0 for the newest
	Limit   int             // 1 to 100
}

// applyAudit adds the line of an event. Once an account is erased, so is what
// was noted about it.
func (r *Rows) applyAudit(e events.Event) {
	if _, erased := e.Body.(events.Tombstone); erased {
		r.forget(events.AccountID(e.Aggregate.ID))
		return
	}
	row := AuditRow{Position: e.Position, At: e.Time, Kind: e.Body.Kind(), Actor: e.Actor, Count: 1}
	if id, err := events.ParseID[events.AccountID](e.Aggregate.ID); err == nil {
		row.Account = id
	}
	row.describe(e.Body)
	r.Audit = append(r.Audit, row)
}

func (r *Rows) forget(account events.AccountID) {
	r.Audit = slices.DeleteFunc(r.Audit, func(row AuditRow) bool { return row.Account == account })
	r.Forgotten = append(r.Forgotten, account)
}

func (r *AuditRow) describe(body events.Body) {
	switch b := body.(type) {
	case *events.SignedIn:
		r.What, r.Address = b.Method, b.Address
	case *events.SignInFailed:
		r.What, r.Address, r.Count = b.Method, b.Address, int64(b.Count)
	case *events.ContentRead:
		r.Session, r.Reason, r.Address = b.Session, b.Reason, b.Address
	case *events.Exported:
		r.What, r.Session, r.Reason, r.Address = b.What, b.Session, b.Reason, b.Address
	case *events.DeletionRequested:
		r.What, r.Address = b.Object, b.Address
	case *events.OperatorActed:
		r.What, r.Reason, r.Address = b.Action, b.Reason, b.Address
		if b.Object != "" {
			r.What += " " + b.Object
		}
	case *events.CallRefused:
		r.What, r.Session, r.Address = b.Why, b.Session, b.Address
	case *events.AuditInterrupted:
		r.What, r.Count = missed(b.Missed)
	case *events.AccountRoleGranted:
		r.What = string(b.Role)
	case *events.AccountRoleWithdrawn:
		r.What = string(b.Role)
	case *events.AccountRegistered:
		r.What = b.Method
	case *events.AccountCredentialAdded:
		r.What = b.Method
	}
}

// missed says how many notes of which kinds, and of all.
func missed(counts map[events.Kind]int) (what string, all int64) {
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if what != "" {
			what += ", "
		}
		what += fmt.Sprintf("%d %s", counts[kind], kind)
		all += int64(counts[kind])
	}
	return what, all
}
