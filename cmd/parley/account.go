package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
)

// roleList collects --role, given several times or with commas.
type roleList []events.Role

// String is for the flag package.
func (l *roleList) String() string { return fmt.Sprint(*l) }

// asFlags writes the roles as a command takes them.
func (l roleList) asFlags(name string) (text string) {
	for _, role := range l {
		text += " " + name + " " + string(role)
	}
	return text
}

// Set adds roles.
func (l *roleList) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		role, err := events.ParseRole(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l = append(*l, role)
	}
	return nil
}

// accountCommands are the subcommands of account.
func accountCommands() []command {
	return []command{
		{"add", "--email E --role R --password-stdin: add an account", accountAdd},
		{"invite", "--email E --role R: print a link with which somebody opens her account, once", accountInvite},
		{"invitations", "list the invitations that nobody used yet", accountInvitations},
		{"uninvite", "--email E: end an invitation that nobody used yet", accountUninvite},
		{"reset", "--email E: print a link with which she sets a new password, once", accountReset},
		{"role", "--email E --grant R | --withdraw R: give or take a role; never the last operator's", accountRole},
	}
}

// account finds the subcommand.
func account(ctx context.Context, t terminal, args []string) error {
	known := accountCommands()
	i := slices.IndexFunc(known, func(c command) bool { return len(args) > 0 && c.name == args[0] })
	if i < 0 {
		for _, c := range known {
			fmt.Fprintf(t.err, "usage: parley account %s %s\n", c.name, c.does)
		}
		return errUsage
	}
	err := known[i].run(ctx, t, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

// accountFlags are what the subcommands share.
type accountFlags struct {
	email  string
	asJSON bool
	reason *string
	data   *string
	set    *flag.FlagSet
}

func newAccountFlags(t terminal, name string) *accountFlags {
	f := &accountFlags{}
	f.set, f.data = flags(t, "account "+name)
	f.set.StringVar(&f.email, "email", "", "e-mail address that signs in")
	f.set.BoolVar(&f.asJSON, "json", false, "print JSON")
	f.reason = reasonFlag(f.set)
	return f
}

func (f *accountFlags) parse(args []string) error {
	switch err := parse(f.set, args); {
	case err != nil:
		return err
	case f.set.NArg() > 0 && f.email == "":
		f.email = f.set.Arg(0)
	case f.set.NArg() > 0:
		return misused("unexpected argument %q", f.set.Arg(0))
	}
	if f.set.NArg() > 1 || f.email == "" {
		return misused("--email is missing, or there are two")
	}
	return nil
}

// say prints the outcome, as JSON if that was asked for.
func (f *accountFlags) say(t terminal, value map[string]any, format string, args ...any) error {
	if f.asJSON {
		return json.NewEncoder(t.out).Encode(value)
	}
	_, err := fmt.Fprintf(t.out, format+"\n", args...)
	return err
}

// noted puts on the audit trail what is about to be done, about an account or about
// one that is not there yet, and gives who does it.
func (f *accountFlags) noted(ctx context.Context, log *jetstream.Log, does string, about events.AccountID) (events.Actor, error) {
	what := act{does: "account " + does, about: about, reason: *f.reason}
	if about != "" {
		what.object = about.Aggregate().String()
	}
	if err := record(ctx, log, what); err != nil {
		return "", err
	}
	return operator()
}

func accountsOn(log *jetstream.Log) *http.Accounts {
	return http.NewAccounts(log, log.Vault(), http.NewPasswords(hashesAtOnce), time.Now, newID)
}

// accountAdd adds an account on a running instance, or on configured servers.
func accountAdd(ctx context.Context, t terminal, args []string) error {
	f := newAccountFlags(t, "add")
	name := f.set.String("name", "", "name; default: the address up to its @")
	var roles roleList
	f.set.Var(&roles, "role", "learner, analyst or operator; may be given several times")
	passwordStdin := f.set.Bool("password-stdin", false, "read the password from standard input")
	switch err := f.parse(args); {
	case err != nil:
		return err
	case len(roles) == 0:
		return misused("--role is missing: learner, analyst or operator")
	case !*passwordStdin:
		return misused("give --password-stdin and the password on standard input; an argument would show in the list of processes")
	}
	password, err := bufio.NewReader(io.LimitReader(t.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return withLog(ctx, t, *f.data, func(log *jetstream.Log, _ reach) error {
		by, err := f.noted(ctx, log, "add"+roles.asFlags("--role"), "")
		if err != nil {
			return err
		}
		who := events.Person{Name: *name, Email: f.email}
		id, position, err := accountsOn(log).Add(ctx, by, who, strings.TrimRight(password, "\r\n"), roles)
		if err != nil {
			return err
		}
		return f.say(t, map[string]any{"id": id, "roles": roles, "position": position}, "account %s added", id)
	})
}
