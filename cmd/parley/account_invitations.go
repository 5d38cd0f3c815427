package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"parley/events/jetstream"
	"parley/http"
	"parley/projections/postgres"
)

// accountInvitations lists the invitations that nobody used yet.
func accountInvitations(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "account invitations")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	if err := parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return misused("unexpected argument %q", set.Arg(0))
	}
	return withViews(ctx, t, *data, func(log *jetstream.Log, database *postgres.Database) error {
		open, err := accountsOn(log).OpenInvitations(ctx, postgres.NewViews(database, log.Vault()))
		if err != nil {
			return err
		}
		if *asJSON {
			return printEach(t.out, open)
		}
		return printInvitations(t, open)
	})
}

func printInvitations(t terminal, open []http.OpenInvitation) error {
	if len(open) == 0 {
		_, err := fmt.Fprintln(t.out, "no invitation is open")
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "E-MAIL\tNAME\tROLES\tINVITED\tENDS")
	for _, i := range open {
		fmt.Fprintf(table, "%s\t%s\t%v\t%s\t%s\n", i.Email, i.Name, i.Roles, i.InvitedAt.Format(time.DateTime), i.EndsAt.Format(time.DateTime))
	}
	return table.Flush()
}

// accountUninvite ends an invitation that nobody used yet.
func accountUninvite(ctx context.Context, t terminal, args []string) error {
	f := newAccountFlags(t, "uninvite")
	if err := f.parse(args); err != nil {
		return err
	}
	return withViews(ctx, t, *f.data, func(log *jetstream.Log, database *postgres.Database) error {
		invitation, err := accountsOn(log).InvitationOf(ctx, f.email, postgres.NewViews(database, log.Vault()))
		if err != nil {
			return err
		}
		by, err := f.noted(ctx, log, "uninvite", invitation.Account)
		if err != nil {
			return err
		}
		position, err := accountsOn(log).WithdrawInvitation(ctx, by, invitation.Account)
		if err != nil {
			return err
		}
		return f.say(t, map[string]any{"account": invitation.Account, "position": position}, "the invitation of %s is withdrawn; its link opens nothing any more", f.email)
	})
}
