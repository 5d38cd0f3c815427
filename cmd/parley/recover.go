package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
)

// sessionList collects --session, given several times or with commas.
type sessionList []events.SessionID

// String is for the flag package.
func (l *sessionList) String() string { return fmt.Sprint(*l) }

// Set adds sessions.
func (l *sessionList) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		id, err := events.ParseID[events.SessionID](strings.TrimSpace(part))
		if err != nil {
			return err
		}
		*l = append(*l, id)
	}
	return nil
}

type recoverFlags struct {
	data     string
	asJSON   bool
	quiet    time.Duration
	sessions sessionList
	remedy   string // empty: only list
	reason   string
	consent  consent
}

func readRecoverFlags(t terminal, args []string) (recoverFlags, error) {
	var f recoverFlags
	set, data := flags(t, "recover")
	set.BoolVar(&f.asJSON, "json", false, "print one JSON object a line")
	set.DurationVar(&f.quiet, "quiet", 15*time.Minute, "list sessions in which nothing has happened for so long")
	set.Var(&f.sessions, "session", "the `session` to act on; may be given several times")
	chosen := map[string]*bool{}
	for name := range remedies {
		chosen[name] = set.Bool(name, false, remedies[name].does)
	}
	reason := reasonFlag(set)
	set.BoolVar(&f.consent.yes, "yes", false, "do it without asking")
	set.BoolVar(&f.consent.dryRun, "dry-run", false, "only say what would be done")
	if err := parse(set, args); err != nil {
		return f, err
	}
	f.data, f.reason = *data, *reason
	for name, is := range chosen {
		switch {
		case *is && f.remedy != "":
			return f, misused("choose one of --%s and --%s", f.remedy, name)
		case *is:
			f.remedy = name
		}
	}
	if set.NArg() > 0 || (f.remedy == "") != (len(f.sessions) == 0) {
		return f, misused("parley recover lists what is stuck; to act: parley recover --session ID --end|--finalize|--resume|--without-recording")
	}
	return f, nil
}

// recoverSessions lists the sessions that are stuck and why, or helps some of them. It
// shows what will happen and asks before anything does.
func recoverSessions(ctx context.Context, t terminal, args []string) error {
	f, err := readRecoverFlags(t, args)
	if err != nil {
		return err
	}
	return withLog(ctx, t, f.data, func(log *jetstream.Log, to reach) error {
		if f.remedy == "" {
			return listStuck(ctx, t, log, to, f)
		}
		return helpSessions(ctx, t, log, to, f)
	})
}

func listStuck(ctx context.Context, t terminal, log events.Log, to reach, f recoverFlags) error {
	found, err := stuckSessions(ctx, log, f.quiet, time.Now(), t.progress("reading the log"))
	if err != nil {
		return err
	}
	letters, err := lettersOfSessions(ctx, to)
	switch {
	case events.CodeOf(err) == events.CodeUnavailable:
		fmt.Fprintf(t.err, "sessions with dead letters are not named, as the read models cannot be asked: %s\n", sentence(err))
	case err != nil:
		return err
	}
	if found, err = withLetters(ctx, log, found, letters, time.Now()); err != nil {
		return err
	}
	if f.asJSON {
		return printEach(t.out, found)
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(t.out, "no session waits for longer than %s\n", f.quiet)
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSTATUS\tSINCE\tREMEDIES\tWHY")
	for _, s := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Status, s.Since.UTC().Format(time.DateTime), shown(asFlags(s.Remedies)), s.Why)
	}
	return table.Flush()
}

// asFlags writes remedies as recover takes them.
func asFlags(remedies []string) string {
	if len(remedies) == 0 {
		return ""
	}
	return "--" + strings.Join(remedies, " --")
}

// helpSessions shows the plan for all sessions first; one that the remedy cannot help
// refuses them all.
func helpSessions(ctx context.Context, t terminal, log *jetstream.Log, to reach, f recoverFlags) error {
	plans := make([]http.Helped, len(f.sessions))
	for i, id := range f.sessions {
		var err error
		if plans[i], err = planFor(ctx, log, id, f.remedy); err != nil {
			return within("session "+string(id), err)
		}
		if !f.asJSON {
			fmt.Fprintf(t.out, "%s (%s): %s\n", id, plans[i].Status, plans[i].Will)
		}
	}
	switch err := f.consent.given(t); {
	case errors.Is(err, errDryRun):
		return printHelped(t, plans, f.asJSON)
	case err != nil:
		return err
	}
	who, err := operator()
	if err != nil {
		return err
	}
	for i := range plans {
		w := ward{config: to.config, log: log, store: to.openStore, calls: callsFrom(to.config, log, newLogger(to.config, t.err)), id: plans[i].ID, actor: who}
		does := act{does: "recover --" + f.remedy, object: w.id.Aggregate().String(), about: plans[i].Learner, reason: f.reason}
		err := record(ctx, log, does)
		if err == nil {
			err = carryOut(ctx, w, &plans[i])
		}
		if err != nil {
			return within("session "+string(plans[i].ID), err)
		}
	}
	return printHelped(t, plans, f.asJSON)
}

func printHelped(t terminal, plans []http.Helped, asJSON bool) error {
	if asJSON {
		return printEach(t.out, plans)
	}
	for _, h := range plans {
		if h.Done {
			fmt.Fprintf(t.out, "%s is %s now%s\n", h.ID, h.Status, inBrackets(h.Reason))
		}
	}
	return nil
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// printEach prints one JSON object a line.
func printEach[T any](w io.Writer, list []T) error {
	out := json.NewEncoder(w)
	for _, each := range list {
		if err := out.Encode(each); err != nil {
			return err
		}
	}
	return nil
}
