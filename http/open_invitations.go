package http

import (
	"context"
	"slices"
	"strings"
	"time"

	"parley/events"
	"parley/projections"
)

// Trail finds lines of audit trails; the read models do.
type Trail interface {
	// Audit lists lines, the newest first. Errors: CodeUnavailable.
	Audit(ctx context.Context, q projections.AuditQuery) ([]projections.AuditRow, error)
}

// OpenInvitation is one that nobody used, withdrew or let go by.
type OpenInvitation struct {
	Account   events.AccountID `json:"account" doc:"What to withdraw it by"`
	Name      string           `json:"name"`
	Email     string           `json:"email"`
	Roles     []events.Role    `json:"roles" nullable:"false"`
	InvitedAt time.Time        `json:"invited_at"`
	EndsAt    time.Time        `json:"ends_at"`
}

// trailPage is how many lines are asked for at once.
const trailPage = 100

// OpenInvitations lists them, the newest first. The trail says who was invited in the
// time that an invitation lasts; whether it is still open the log knows.
// Errors: CodeUnavailable.
func (a *Accounts) OpenInvitations(ctx context.Context, trail Trail) ([]OpenInvitation, error) {
	open := []OpenInvitation{}
	q := projections.AuditQuery{Kind: events.KindAccountInvited, Since: a.now().Add(-InvitationLasts), Limit: trailPage}
	for {
		rows, err := trail.Audit(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			account, err := a.load(ctx, row.Account)
			if err != nil {
				return nil, err
			}
			if invitation, is := account.OpenInvitation(a.now()); is {
				open = append(open, openInvitation(row, invitation))
			}
		}
		if len(rows) < trailPage {
			return open, nil
		}
		q.Before = rows[len(rows)-1].Position
	}
}

func openInvitation(row projections.AuditRow, i *events.AccountInvited) OpenInvitation {
	roles := slices.Sorted(slices.Values(i.Roles))
	return OpenInvitation{row.Account, i.Private.Name, i.Private.Email, roles, row.At.UTC(), i.EndsAt.UTC()}
}

// InvitationOf finds the open invitation of an address. Errors: CodeNotFound,
// CodeUnavailable.
func (a *Accounts) InvitationOf(ctx context.Context, address string, trail Trail) (OpenInvitation, error) {
	open, err := a.OpenInvitations(ctx, trail)
	if err != nil {
		return OpenInvitation{}, err
	}
	i := slices.IndexFunc(open, func(i OpenInvitation) bool { return strings.EqualFold(i.Email, strings.TrimSpace(address)) })
	if i < 0 {
		return OpenInvitation{}, events.Errorf(events.CodeNotFound, "nobody is invited by this e-mail address")
	}
	return open[i], nil
}

type openInvitationsOutput struct {
	Body struct {
		Invitations []OpenInvitation `json:"invitations" nullable:"false"`
	}
}

func (s *Server) openInvitations(ctx context.Context, _ *struct{}) (*openInvitationsOutput, error) {
	if err := s.fresh(ctx, ""); err != nil {
		return nil, err
	}
	out := &openInvitationsOutput{}
	var err error
	out.Body.Invitations, err = s.doors.Accounts.OpenInvitations(ctx, s.doors.Views)
	return out, err
}
