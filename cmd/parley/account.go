package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"parley/events"
	"parley/http"
)

// roleList collects --role, given several times or with commas.
type roleList []events.Role

// String is for the flag package.
func (l *roleList) String() string { return fmt.Sprint(*l) }

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

type accountFlags struct {
	email, name   string
	roles         roleList
	passwordStdin bool
	asJSON        bool
	data          string
}

func readAccountFlags(t terminal, args []string) (accountFlags, error) {
	var f accountFlags
	if len(args) == 0 || args[0] != "add" {
		fmt.Fprintln(t.err, "usage: parley account add --email E --role learner|analyst|operator --password-stdin")
		return f, errUsage
	}
	set, data := flags(t, "account add")
	set.StringVar(&f.email, "email", "", "e-mail address to sign in with")
	set.StringVar(&f.name, "name", "", "name; default: the address up to its @")
	set.Var(&f.roles, "role", "learner, analyst or operator; may be given several times")
	set.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password from standard input")
	set.BoolVar(&f.asJSON, "json", false, "print the account as JSON")
	if err := parse(set, args[1:]); err != nil {
		return f, err
	}
	f.data = *data
	switch {
	case set.NArg() > 0:
		return f, events.Errorf(events.CodeInvalid, "unexpected argument %q", set.Arg(0))
	case f.email == "":
		return f, events.Errorf(events.CodeInvalid, "--email is missing")
	case len(f.roles) == 0:
		return f, events.Errorf(events.CodeInvalid, "--role is missing: learner, analyst or operator")
	case !f.passwordStdin:
		return f, events.Errorf(events.CodeInvalid, "give --password-stdin and the password on standard input; an argument would show in the list of processes")
	}
	return f, nil
}

// account adds an account on a running instance, or on configured servers.
func account(ctx context.Context, t terminal, args []string) error {
	f, err := readAccountFlags(t, args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	password, err := bufio.NewReader(io.LimitReader(t.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	to, err := reachInstance(t, f.data)
	if err != nil {
		return err
	}
	log, nc, err := openLog(ctx, to.config, *to.servers.NATS, to.dir)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer log.Close()
	accounts := http.NewAccounts(log, log.Vault(), http.NewPasswords(hashesAtOnce), time.Now, newID)
	id, position, err := accounts.Add(ctx, events.System("command-line"), events.Person{Name: f.name, Email: f.email}, strings.TrimRight(password, "\r\n"), f.roles)
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(t.out).Encode(map[string]any{"id": id, "roles": f.roles, "position": position})
	}
	_, err = fmt.Fprintf(t.out, "account %s added\n", id)
	return err
}
