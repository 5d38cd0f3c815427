package main

import (
	"context"
	"net/url"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
)

// accountInvite prints a link that opens an account once.
func accountInvite(ctx context.Context, t terminal, args []string) error {
	f := newAccountFlags(t, "invite")
	name := f.set.String("name", "", "name; the invited may change it")
	var roles roleList
	f.set.Var(&roles, "role", "learner, analyst or operator; may be given several times")
	if err := f.parse(args); err != nil {
		return err
	}
	if len(roles) == 0 {
		return misused("--role is missing: learner, analyst or operator")
	}
	return f.link(ctx, t, http.InvitationURL, func(log *jetstream.Log) (http.Link, events.Position, error) {
		by, err := f.noted(ctx, log, "invite"+roles.asFlags("--role"), "")
		if err != nil {
			return http.Link{}, 0, err
		}
		return accountsOn(log).Invite(ctx, by, events.Person{Name: *name, Email: f.email}, roles)
	})
}

// accountReset prints a link that sets a new password once; no operator ever
// knows a password.
func accountReset(ctx context.Context, t terminal, args []string) error {
	f := newAccountFlags(t, "reset")
	if err := f.parse(args); err != nil {
		return err
	}
	return f.link(ctx, t, http.ResetURL, func(log *jetstream.Log) (http.Link, events.Position, error) {
		account, err := accountsOn(log).ByEmail(ctx, f.email)
		if err != nil {
			return http.Link{}, 0, err
		}
		by, err := f.noted(ctx, log, "reset", account.ID)
		if err != nil {
			return http.Link{}, 0, err
		}
		return accountsOn(log).AllowReset(ctx, by, f.email)
	})
}

// link prints what makes a link.
func (f *accountFlags) link(ctx context.Context, t terminal, address func(*url.URL, http.Link) string, make func(*jetstream.Log) (http.Link, events.Position, error)) error {
	return withLog(ctx, t, *f.data, func(log *jetstream.Log, to reach) error {
		public, err := to.public()
		if err != nil {
			return err
		}
		link, position, err := make(log)
		if err != nil {
			return err
		}
		at := address(public, link)
		return f.say(t, map[string]any{"account": link.Account, "link": at, "ends_at": link.EndsAt, "position": position},
			"Give this link to %s; it works once, until %s:\n%s", f.email, link.EndsAt.Format(time.DateTime+" MST"), at)
	})
}

// public is where browsers reach the instance. Errors: CodeInvalid when nothing
// says so.
func (r reach) public() (*url.URL, error) {
	text := r.config.PublicURL
	if text == "" {
		text = r.servers.Origin
	}
	if text == "" {
		return nil, events.Errorf(events.CodeInvalid, "set PARLEY_PUBLIC_URL as for serve: nothing else says where browsers reach Parley")
	}
	return url.Parse(text)
}
