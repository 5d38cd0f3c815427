package http

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
	"parley/projections"
)

// auditPageSize is how many lines one page of a trail holds.
const auditPageSize = 50

// AuditLine is one line of the audit trails, as operators see it.
type AuditLine struct {
	Position events.Position  `json:"position"`
	At       time.Time        `json:"at"`
	Kind     events.Kind      `json:"kind"`
	Account  events.AccountID `json:"account,omitempty" doc:"Whom it is about; missing for nobody known"`
	Actor    events.Actor     `json:"actor"`
	Session  events.SessionID `json:"session,omitempty"`
	What     string           `json:"what,omitempty" doc:"The method, operation, action, role or object"`
	Reason   string           `json:"reason,omitempty"`
	Address  string           `json:"address,omitempty" doc:"A network, never an address"`
	Count    int64            `json:"count" doc:"Of how many of its kind; 1 for most"`
}

// NewAuditLine is a line as JSON.
func NewAuditLine(r projections.AuditRow) AuditLine {
	line := AuditLine(r)
	line.At = r.At.UTC()
	return line
}

// MyAuditLine is what was done about the caller, in her words.
type MyAuditLine struct {
	At      time.Time        `json:"at"`
	Kind    events.Kind      `json:"kind"`
	By      string           `json:"by" enum:"you,somebody,operator,parley" doc:"Who did it; somebody has a name if the account is still there"`
	Name    string           `json:"name,omitempty"`
	Session events.SessionID `json:"session,omitempty"`
	What    string           `json:"what,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	Address string           `json:"address,omitempty" doc:"A network, never an address"`
	Count   int64            `json:"count"`
}

type myAuditInput struct {
	Before      string `query:"before" maxLength:"20" doc:"Position of the last line of the page before"`
	MinPosition string `query:"min_position"`
}

type myAuditOutput struct {
	Body struct {
		Lines []MyAuditLine   `json:"lines" nullable:"false"`
		Next  events.Position `json:"next,omitempty" doc:"The next page's before"`
	}
}

type auditInput struct {
	Before      string      `query:"before" maxLength:"20" doc:"Position of the last line of the page before"`
	Account     string      `query:"account" maxLength:"26"`
	Kind        events.Kind `query:"kind" maxLength:"60"`
	Since       time.Time   `query:"since"`
	MinPosition string      `query:"min_position"`
}

type auditOutput struct {
	Body struct {
		Lines []AuditLine     `json:"lines" nullable:"false"`
		Next  events.Position `json:"next,omitempty" doc:"The next page's before"`
	}
}

func (s *Server) auditRoutes() {
	private(s, huma.Operation{OperationID: "my-audit", Method: http.MethodGet, Path: "/api/me/audit",
		Summary: "Who read what of mine and why, and where I signed in; the newest first"}, s.myAudit)
	restricted(s, toOperator, huma.Operation{OperationID: "audit", Method: http.MethodGet, Path: "/api/ops/audit",
		Summary: "Sign-ins, readings, exports, deletions and operators' acts; the newest first"}, s.audit)
}

func (s *Server) auditPage(ctx context.Context, before, minPosition string, q projections.AuditQuery) (rows []projections.AuditRow, next events.Position, err error) {
	if err := s.fresh(ctx, minPosition); err != nil {
		return nil, 0, err
	}
	if before != "" {
		if q.Before, err = events.ParsePosition(before); err != nil {
			return nil, 0, err
		}
	}
	q.Limit = auditPageSize
	rows, err = s.doors.Views.Audit(ctx, q)
	if len(rows) == auditPageSize {
		next = rows[len(rows)-1].Position
	}
	return rows, next, err
}

func (s *Server) audit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	q := projections.AuditQuery{Account: events.AccountID(in.Account), Kind: in.Kind, Since: in.Since}
	rows, next, err := s.auditPage(ctx, in.Before, in.MinPosition, q)
	if err != nil {
		return nil, err
	}
	out := &auditOutput{}
	out.Body.Lines, out.Body.Next = make([]AuditLine, len(rows)), next
	for i, row := range rows {
		out.Body.Lines[i] = NewAuditLine(row)
	}
	return out, nil
}

func (s *Server) myAudit(ctx context.Context, in *myAuditInput) (*myAuditOutput, error) {
	rows, next, err := s.auditPage(ctx, in.Before, in.MinPosition, projections.AuditQuery{Account: caller(ctx)})
	if err != nil {
		return nil, err
	}
	out := &myAuditOutput{}
	out.Body.Lines, out.Body.Next = make([]MyAuditLine, len(rows)), next
	names := map[events.Actor]string{}
	for i, row := range rows {
		if out.Body.Lines[i], err = s.myLine(ctx, row, names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// myLine is a line of the caller's own trail in her words; names are those that
// were asked for already.
func (s *Server) myLine(ctx context.Context, r projections.AuditRow, names map[events.Actor]string) (MyAuditLine, error) {
	line := MyAuditLine{At: r.At.UTC(), Kind: r.Kind, Session: r.Session, What: r.What, Reason: r.Reason, Address: r.Address, Count: r.Count}
	var err error
	if line.By = actedAs(r.Actor, caller(ctx)); line.By == "somebody" {
		line.Name, err = s.nameOf(ctx, r.Actor, names)
		line.Address = "" // where an analyst sits is not the learner's business
	}
	return line, err
}

// actedAs says what an actor is to the account that reads about it.
func actedAs(by events.Actor, reader events.AccountID) string {
	switch {
	case by == events.Actor(reader):
		return "you"
	case strings.HasPrefix(string(by), "system:"):
		return "parley"
	case strings.HasPrefix(string(by), "operator:"):
		return "operator"
	}
	return "somebody"
}

// nameOf is the name of an account; empty when it is gone.
func (s *Server) nameOf(ctx context.Context, actor events.Actor, known map[events.Actor]string) (string, error) {
	if name, asked := known[actor]; asked {
		return name, nil
	}
	who, err := s.doors.Accounts.Find(ctx, events.AccountID(actor))
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		known[actor] = ""
	case err != nil:
		return "", err
	default:
		known[actor] = who.Registered.Private.Name
	}
	return known[actor], nil
}
