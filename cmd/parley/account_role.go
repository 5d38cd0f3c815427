package main

import (
	"context"
	"slices"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/postgres"
)

// accountRole gives or takes a role.
func accountRole(ctx context.Context, t terminal, args []string) error {
	f := newAccountFlags(t, "role")
	var grant, withdraw roleList
	f.set.Var(&grant, "grant", "role to give")
	f.set.Var(&withdraw, "withdraw", "role to take away")
	if err := f.parse(args); err != nil {
		return err
	}
	if len(grant)+len(withdraw) != 1 {
		return misused("give one of --grant and --withdraw, with one role")
	}
	return withLog(ctx, t, *f.data, func(log *jetstream.Log, to reach) error {
		account, err := accountsOn(log).ByEmail(ctx, f.email)
		if err != nil {
			return err
		}
		by, err := f.noted(ctx, log, "role"+grant.asFlags("--grant")+withdraw.asFlags("--withdraw"), account.ID)
		if err != nil {
			return err
		}
		if len(grant) == 1 {
			account, _, err = accountsOn(log).Grant(ctx, by, account.ID, grant[0])
		} else {
			account, err = withdrawRole(ctx, log, to, by, account.ID, withdraw[0])
		}
		if err != nil {
			return err
		}
		roles := roleList{}
		for role := range account.Roles {
			roles = append(roles, role)
		}
		slices.Sort(roles)
		return f.say(t, map[string]any{"id": account.ID, "roles": roles}, "account %s holds %v", account.ID, &roles)
	})
}

// withdrawRole needs the read models to know who else is an operator.
func withdrawRole(ctx context.Context, log *jetstream.Log, to reach, by events.Actor, id events.AccountID, role events.Role) (*events.Account, error) {
	database := postgres.New(postgres.Config{URL: to.servers.Postgres.URL})
	if err := database.Open(ctx); err != nil {
		return nil, err
	}
	defer database.Close()
	account, _, err := accountsOn(log).Withdraw(ctx, by, id, role, postgres.NewViews(database, log.Vault()))
	return account, err
}
