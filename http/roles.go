package http

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
	"parley/projections"
)

// Holders lists accounts by what they may do; the read models do.
type Holders interface {
	// Holders lists the accounts that hold a role. Errors: CodeUnavailable.
	Holders(ctx context.Context, role events.Role) ([]events.AccountID, error)
}

// Grant gives an account a role. Errors: CodeNotFound.
func (a *Accounts) Grant(ctx context.Context, by events.Actor, id events.AccountID, role events.Role) (*events.Account, events.Position, error) {
	return a.decide(ctx, by, id, func(acc *events.Account) ([]events.Event, error) { return acc.Grant(role) })
}

// Withdraw takes a role away, but never the last operator's. The holders that the
// read models name are asked for in the log, so one who was granted the role just
// now may not count yet; that refuses too much, never too little. Two operators
// who withdraw each other at once each look again, and the later one gives back.
// Errors: CodeNotFound, CodeConflict for the last operator, CodeUnavailable.
func (a *Accounts) Withdraw(ctx context.Context, by events.Actor, id events.AccountID, role events.Role, holders Holders) (*events.Account, events.Position, error) {
	if role != events.RoleOperator {
		return a.decide(ctx, by, id, func(acc *events.Account) ([]events.Event, error) { return acc.Withdraw(role) })
	}
	last := events.Errorf(events.CodeConflict, "this is the last operator; make somebody else one first")
	if other, err := a.anotherHolds(ctx, id, role, holders); err != nil || !other {
		return nil, 0, orElse(err, last)
	}
	account, at, err := a.decide(ctx, by, id, func(acc *events.Account) ([]events.Event, error) { return acc.Withdraw(role) })
	if err != nil {
		return nil, 0, err
	}
	other, err := a.anotherHolds(ctx, id, role, holders)
	if err == nil && other {
		return account, at, nil
	}
	if _, _, undo := a.Grant(ctx, by, id, role); undo != nil {
		return nil, 0, undo
	}
	return nil, 0, orElse(err, last)
}

func orElse(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// anotherHolds tells whether somebody but one account holds a role, by the log.
func (a *Accounts) anotherHolds(ctx context.Context, but events.AccountID, role events.Role, holders Holders) (bool, error) {
	named, err := holders.Holders(ctx, role)
	if err != nil {
		return false, err
	}
	for _, id := range named {
		account, err := a.load(ctx, id)
		if err != nil {
			return false, err
		}
		if id != but && account.Live() && account.Roles[role] {
			return true, nil
		}
	}
	return false, nil
}

// Account is somebody, as operators see her.
type Account struct {
	ID           events.AccountID `json:"id"`
	Name         string           `json:"name"`
	Email        string           `json:"email"`
	Roles        []events.Role    `json:"roles" nullable:"false"`
	RegisteredAt time.Time        `json:"registered_at"`
}

func accountOf(v projections.AccountView) Account {
	roles := append([]events.Role{}, v.Roles...)
	slices.Sort(roles)
	return Account{v.ID, v.Person.Name, v.Person.Email, roles, v.RegisteredAt.UTC()}
}

type accountsInput struct {
	Cursor string `query:"cursor" maxLength:"26" doc:"From the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type accountsOutput struct {
	Body struct {
		Accounts []Account `json:"accounts" nullable:"false"`
		Next     string    `json:"next,omitempty" doc:"Cursor of the next page; empty on the last one"`
	}
}

type roleInput struct {
	Account string      `path:"account" maxLength:"26"`
	Role    events.Role `path:"role" enum:"learner,analyst,operator"`
}

type roleOutput struct {
	Body struct {
		Roles    []events.Role   `json:"roles" nullable:"false"`
		Position events.Position `json:"position"`
	}
}

func (s *Server) roleRoutes() {
	restricted(s, toOperator, huma.Operation{OperationID: "accounts", Method: http.MethodGet, Path: "/api/accounts", Summary: "Who has an account"}, s.accounts)
	restricted(s, toOperator, huma.Operation{OperationID: "grant-role", Method: http.MethodPut, Path: "/api/accounts/{account}/roles/{role}", Summary: "Give somebody a role"}, s.grantRole)
	restricted(s, toOperator, huma.Operation{OperationID: "withdraw-role", Method: http.MethodDelete, Path: "/api/accounts/{account}/roles/{role}", Summary: "Take a role away; never the last operator's"}, s.withdrawRole)
}

func (s *Server) accounts(ctx context.Context, in *accountsInput) (*accountsOutput, error) {
	if err := s.fresh(ctx, ""); err != nil {
		return nil, err
	}
	found, err := s.doors.Views.Accounts(ctx, events.AccountID(in.Cursor), in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &accountsOutput{}
	out.Body.Accounts = []Account{}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		out.Body.Next = string(found[in.Limit-1].ID)
	}
	for _, v := range found {
		out.Body.Accounts = append(out.Body.Accounts, accountOf(v))
	}
	return out, nil
}

func (s *Server) grantRole(ctx context.Context, in *roleInput) (*roleOutput, error) {
	return s.changeRole(ctx, in, "--grant", func(id events.AccountID) (*events.Account, events.Position, error) {
		return s.doors.Accounts.Grant(ctx, events.Actor(caller(ctx)), id, in.Role)
	})
}

func (s *Server) withdrawRole(ctx context.Context, in *roleInput) (*roleOutput, error) {
	return s.changeRole(ctx, in, "--withdraw", func(id events.AccountID) (*events.Account, events.Position, error) {
		if err := s.fresh(ctx, ""); err != nil {
			return nil, 0, err
		}
		return s.doors.Accounts.Withdraw(ctx, events.Actor(caller(ctx)), id, in.Role, s.doors.Views)
	})
}

// asFlags writes roles as the command of the same name takes them.
func asFlags(flag string, roles ...events.Role) (text string) {
	for _, role := range roles {
		text += " " + flag + " " + string(role)
	}
	return text
}

// changeRole notes the change, and makes it.
func (s *Server) changeRole(ctx context.Context, in *roleInput, flag string, change func(events.AccountID) (*events.Account, events.Position, error)) (*roleOutput, error) {
	id, err := events.ParseID[events.AccountID](in.Account)
	if err != nil {
		return nil, events.Errorf(events.CodeNotFound, "there is no such account")
	}
	if _, err := s.doors.Accounts.Find(ctx, id); err != nil {
		return nil, err
	}
	if err := s.acts(ctx, id, WithoutReason, "account role"+asFlags(flag, in.Role), id.Aggregate().String()); err != nil {
		return nil, err
	}
	account, at, err := change(id)
	if err != nil {
		return nil, err
	}
	s.writes.note(caller(ctx), at)
	out := &roleOutput{}
	out.Body.Roles, out.Body.Position = rolesOf(account), at
	return out, nil
}

// rolesOf lists an account's roles in the order of the alphabet.
func rolesOf(account *events.Account) []events.Role {
	roles := []events.Role{}
	for role := range account.Roles {
		roles = append(roles, role)
	}
	slices.Sort(roles)
	return roles
}
