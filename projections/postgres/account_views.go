package postgres

import (
	"context"

	"parley/events"
	"parley/projections"
)

// Account gives an account, opened. Errors: CodeNotFound, also when its key
// was destroyed.
func (v *Views) Account(ctx context.Context, id events.AccountID) (projections.AccountView, error) {
	row, err := askOne(ctx, v, accounts, "account", "where id = $1", id)
	if err != nil {
		return projections.AccountView{}, err
	}
	return v.accountView(ctx, row)
}

func (v *Views) accountView(ctx context.Context, row accountRow) (projections.AccountView, error) {
	var b events.AccountRegistered
	if err := v.openAccount(ctx, row, row.Person, &b); err != nil {
		return projections.AccountView{}, err
	}
	return projections.AccountView{ID: row.ID, Person: b.Private, Roles: row.Roles, RegisteredAt: row.RegisteredAt}, nil
}

// Accounts lists accounts by id, opened, from behind one on; those that were
// erased are left out.
func (v *Views) Accounts(ctx context.Context, after events.AccountID, limit int) ([]projections.AccountView, error) {
	rows, err := ask(ctx, v, accounts, "where id > $1 and person_sealed is not null order by id limit $2", after, limit)
	if err != nil {
		return nil, err
	}
	found := make([]projections.AccountView, 0, len(rows))
	for _, row := range rows {
		switch view, err := v.accountView(ctx, row); events.CodeOf(err) {
		case "":
			found = append(found, view)
		case events.CodeNotFound: // erased, and the row does not know yet
		default:
			return nil, err
		}
	}
	return found, nil
}

// Holders lists the accounts that hold a role.
func (v *Views) Holders(ctx context.Context, role events.Role) ([]events.AccountID, error) {
	rows, err := ask(ctx, v, accounts, "where roles ? $1", string(role))
	if err != nil {
		return nil, err
	}
	ids := make([]events.AccountID, 0, len(rows))
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids, nil
}

// AccountByEmail gives what a sign-in is checked against, by the address's
// keyed hash. Errors: CodeNotFound, also of an address whose account never
// came to be or whose key was destroyed.
func (v *Views) AccountByEmail(ctx context.Context, hash string) (projections.Credentials, error) {
	row, err := askOne(ctx, v, accounts, "account", "where id = (select account from "+
		qualified(v.db.config.Views, emails.name)+" where hash = $1)", hash)
	if err != nil {
		return projections.Credentials{}, err
	}
	var b events.AccountCredentialAdded
	if err := v.openAccount(ctx, row, row.Credential, &b); err != nil {
		return projections.Credentials{}, err
	}
	return projections.Credentials{Account: row.ID, PasswordHash: b.Private.PasswordHash}, nil
}

func (v *Views) openAccount(ctx context.Context, r accountRow, part projections.Sealed, into events.Sealable) error {
	err := openInto(ctx, v.vault, r.ID.Aggregate(), r.ID.Aggregate(), part, into)
	if events.CodeOf(err) == events.CodeErased {
		return events.Errorf(events.CodeNotFound, "there is no such account")
	}
	return err
}
