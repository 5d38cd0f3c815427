package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/http"
	"parley/projections"
	"parley/projections/postgres"
)

// auditShards is among how many trails of an hour instances are spread.
const auditShards = 16

func auditShard() uint8 { return uint8(rand.N(auditShards)) }

// auditing stores what is noted until stop, which waits until the last note is
// stored. It goes on past the end of the context: requests that are being
// finished then leave their notes too.
func auditing(ctx context.Context, auditor *http.Auditor) (stop func()) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		auditor.Run(running)
	}()
	return func() { end(); <-done }
}

// act is what an operator's command is about to do.
type act struct {
	does   string           // "recover --end"
	object string           // an aggregate; empty for the whole
	about  events.AccountID // whose it is; empty for nobody's
	reason string
}

// reasonFlag is why an operator acts.
func reasonFlag(set *flag.FlagSet) *string {
	return set.String("reason", "", "why, for the audit; name nobody in it")
}

// record puts what an operator is about to do on its audit trail. It is done
// only if that is stored.
func record(ctx context.Context, log events.LoadAppender, what act) error {
	if what.reason == "" {
		what.reason = http.WithoutReason
	}
	if err := events.CheckReason(what.reason); err != nil {
		return err
	}
	who, err := operator()
	if err != nil {
		return err
	}
	auditor := http.NewAuditor(log, auditShard(), time.Now, newID, silent())
	_, err = auditor.Keep(ctx, who, what.about, &events.OperatorActed{Action: what.does, Object: what.object, Reason: what.reason})
	return err
}

// audit lists what is on the audit trails, the newest first.
func audit(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "audit")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	since := set.Duration("since", 0, "only what happened within this time, as 24h")
	var q projections.AuditQuery
	set.StringVar((*string)(&q.Account), "account", "", "only what is about this `account`")
	set.StringVar((*string)(&q.Kind), "kind", "", "only this `kind`, as content_read")
	set.IntVar(&q.Limit, "limit", 50, "how many at most")
	if err := parse(set, args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return misused("unexpected argument %q", set.Arg(0))
	}
	if *since > 0 {
		q.Since = time.Now().Add(-*since)
	}
	to, err := reachInstance(t, *data)
	if err != nil {
		return err
	}
	database, err := openViews(ctx, to)
	if err != nil {
		return err
	}
	defer database.Close()
	found, err := postgres.NewViews(database, nil).Audit(ctx, q)
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(t.out)
		for _, row := range found {
			if err := out.Encode(http.NewAuditLine(row)); err != nil {
				return err
			}
		}
		return nil
	}
	return printAudit(t, found)
}

func printAudit(t terminal, found []projections.AuditRow) error {
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tKIND\tABOUT\tBY\tWHAT\tFROM\tREASON")
	for _, r := range found {
		what := r.What
		if r.Session != "" {
			what += " session/" + string(r.Session)
		}
		if r.Count > 1 {
			what += fmt.Sprintf(" (%d times)", r.Count)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.At.UTC().Format(time.DateTime), r.Kind, shown(string(r.Account)), r.Actor, shown(what), shown(r.Address), shown(r.Reason))
	}
	return table.Flush()
}
