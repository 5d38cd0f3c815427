// Command parley runs everything and operates it: one binary with the page in
// it. Each subcommand is a file of this package; main only finds it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"parley/events"
)

// version is set at build time: -ldflags "-X main.version=…".
var version = "development"

// terminal is what a command reads from and writes to.
type terminal struct {
	in      io.Reader
	out     io.Writer
	err     io.Writer
	environ []string
}

// command is one subcommand. run parses its own flags.
type command struct {
	name string
	does string
	run  func(ctx context.Context, t terminal, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "run everything", serve},
		{"account", "add, invite, reset the password of, and give roles to somebody: account add|invite|invitations|uninvite|reset|role --email E …", account},
		{"sessions", "list sessions, newest first, without a word of them", sessions},
		{"replay", "print a session's events, or what it was: replay SESSION [--until P | --diff A B]", replay},
		{"status", "how far the read models are, and what the servers say", status},
		{"rebuild", "make the read models anew beside the live ones, compare and switch; rebuild --back", rebuild},
		{"verify", "compare the read models with what the log says; changes nothing", verify},
		{"dead-letters", "list events that could not be projected; dead-letters retry [session/ID]", deadLetters},
		{"recover", "list sessions that are stuck and why; recover --session ID --end|--finalize|--resume|--without-recording", recoverSessions},
		{"objects", "compare the store with the log: objects check; remove what no event points at: objects sweep", objects},
		{"erase", "erase a session or an account for good, or search every file for what was said: erase SESSION | --account A | --prove SESSION", erase},
		{"audit", "list sign-ins, readings, exports and operators' acts", audit},
		{"backup", "write log, keys and ledger of a running instance: backup --to DIR", backup},
		{"restore", "put a backup in place of a log that is lost: restore --from DIR", restore},
		{"keys", "how the vault stands: keys status; bring all keys under a new master key: keys rotate", keys},
		{"doctor", "look at everything that Parley stands on, with a cure for what is wrong", doctor},
		{"partner", "run the built-in practice partner alone, for any client of the provider's protocol", runPartner},
		{"openapi", "print the HTTP contract", openapi},
		{"version", "print the version", printVersion},
	}
}

func main() {
	t := terminal{os.Stdin, os.Stdout, os.Stderr, os.Environ()}
	os.Exit(run(signalled(), t, os.Args[1:]))
}

// signalled ends when the program is asked to stop; asked again, it is killed.
func signalled() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

func run(ctx context.Context, t terminal, args []string) int {
	if len(args) == 0 {
		help(t.err)
		return exitUsage
	}
	if slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		help(t.out)
		return exitOK
	}
	known := commands()
	i := slices.IndexFunc(known, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(t.err, "parley: there is no command %q\n", args[0])
		help(t.err)
		return exitUsage
	}
	err := known[i].run(ctx, t, args[1:])
	if !isSaid(err) {
		fmt.Fprintf(t.err, "parley %s: %s\n", args[0], sentence(err))
	}
	return exitCode(err)
}

// sentence is what a person reads of an error: its message, and the cause
// below it where that adds something.
func sentence(err error) string {
	var e *events.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Message + " (" + strings.TrimSpace(e.Err.Error()) + ")"
	}
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// within says where an error happened, for the person who reads it.
func within(where string, err error) error {
	return events.Errorf(events.CodeOf(err), "%s: %s", where, sentence(err))
}

func help(w io.Writer) {
	fmt.Fprintln(w, "usage: parley COMMAND [flags]")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-13s %s\n", c.name, c.does)
	}
}

// flags makes a command's flag set; --data is everybody's.
func flags(t terminal, name string) (set *flag.FlagSet, data *string) {
	set = flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(t.err)
	data = set.String("data", "./data", "data folder of the instance")
	return set, data
}

// parse reads flags, which may stand before and behind what they are about.
func parse(set *flag.FlagSet, args []string) error {
	var about []string
	for {
		switch err := set.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return err
		case err != nil:
			return errUsage
		}
		rest := set.Args()
		if ended := len(args) - len(rest); len(rest) == 0 || ended > 0 && args[ended-1] == "--" {
			about = append(about, rest...)
			return set.Parse(append([]string{"--"}, about...))
		}
		about, args = append(about, rest[0]), rest[1:]
	}
}

func printVersion(_ context.Context, t terminal, args []string) error {
	set := flag.NewFlagSet("version", flag.ContinueOnError)
	set.SetOutput(t.err)
	asJSON := set.Bool("json", false, "print JSON")
	if err := parse(set, args); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(t.out).Encode(map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(t.out, "parley", version)
	return err
}
