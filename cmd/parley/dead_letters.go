package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
	"parley/projections"
	"parley/projections/postgres"
)

// deadLetters lists the events that could not be projected, or tries them again.
func deadLetters(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "dead-letters")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	reason := reasonFlag(set)
	if err := parse(set, args); err != nil {
		return err
	}
	again := set.Arg(0) == "retry"
	if set.NArg() > 2 || set.NArg() > 0 && !again {
		return events.Errorf(events.CodeInvalid, "parley dead-letters lists them; parley dead-letters retry [session/ID] tries them again")
	}
	return withViews(ctx, t, *data, func(log *jetstream.Log, database *postgres.Database) error {
		if again {
			if err := record(ctx, log, act{does: "dead-letters retry", object: set.Arg(1), reason: *reason}); err != nil {
				return err
			}
			return retryLetters(ctx, t, postgres.NewRetrier(database, log.Vault(), log, log.Stream()), set.Arg(1), *asJSON)
		}
		found, err := postgres.NewViews(database, nil).DeadLetters(ctx, postgres.MaxPage)
		if err != nil {
			return err
		}
		if *asJSON {
			return printEach(t.out, lettersOf(found))
		}
		return printLetters(t, lettersOf(found))
	})
}

func lettersOf(found []projections.DeadLetter) []http.DeadLetter {
	list := make([]http.DeadLetter, len(found))
	for i, l := range found {
		list[i] = http.DeadLetter{Aggregate: l.Aggregate.String(), Position: l.Position, Event: l.Event, Type: l.Type, Reason: l.Reason}
	}
	return list
}

func printLetters(t terminal, found []http.DeadLetter) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(t.out, "no dead letters")
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AGGREGATE\tPOSITION\tTYPE\tREASON")
	for _, l := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Aggregate, l.Position, l.Type, l.Reason)
	}
	return table.Flush()
}

// retryLetters tries the letters of one aggregate, "session/01J…", or all. It fails
// when some still wait.
func retryLetters(ctx context.Context, t terminal, retrier *postgres.Retrier, of string, asJSON bool) error {
	done, err := retry(ctx, retrier, of)
	if err != nil {
		return err
	}
	results, left := retriedOf(done), 0
	for _, r := range results {
		left += len(r.Stuck)
	}
	if asJSON {
		err = printEach(t.out, results)
	} else {
		err = printRetried(t, results)
	}
	if err == nil && left > 0 {
		err = events.Errorf(events.CodeConflict, "%d events still wait", left)
	}
	return err
}

func retry(ctx context.Context, retrier *postgres.Retrier, of string) ([]postgres.Retried, error) {
	if of == "" {
		return retrier.RetryAll(ctx)
	}
	kind, id, both := strings.Cut(of, "/")
	if !both {
		return nil, events.Errorf(events.CodeInvalid, "this is no aggregate: write it as dead-letters lists it, session/ID")
	}
	done, err := retrier.Retry(ctx, events.Aggregate{Kind: events.AggregateKind(kind), ID: id})
	return []postgres.Retried{done}, err
}

func retriedOf(done []postgres.Retried) []http.Retried {
	list := make([]http.Retried, len(done))
	for i, d := range done {
		list[i] = http.Retried{Aggregate: d.Aggregate.String(), Released: d.Released, Stuck: lettersOf(d.Stuck)}
	}
	return list
}

func printRetried(t terminal, results []http.Retried) error {
	if len(results) == 0 {
		_, err := fmt.Fprintln(t.out, "no dead letters")
		return err
	}
	for _, r := range results {
		fmt.Fprintf(t.out, "%s: %d released, %d still wait\n", r.Aggregate, r.Released, len(r.Stuck))
		for _, l := range r.Stuck {
			fmt.Fprintf(t.out, "  %s %s: %s\n", l.Position, l.Type, l.Reason)
		}
	}
	return nil
}
