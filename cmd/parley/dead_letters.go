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
		return misused("parley dead-letters lists them; parley dead-letters retry [session/ID] tries them again")
	}
	var of *events.Aggregate // nil: all
	if again && set.NArg() == 2 {
		one, err := aggregateNamed(set.Arg(1))
		if err != nil {
			return misused("%s", sentence(err))
		}
		of = &one
	}
	return withViews(ctx, t, *data, func(log *jetstream.Log, database *postgres.Database) error {
		if again {
			if err := record(ctx, log, act{does: "dead-letters retry", object: set.Arg(1), reason: *reason}); err != nil {
				return err
			}
			return retryLetters(ctx, t, postgres.NewRetrier(database, log.Vault(), log, log.Stream()), of, *asJSON)
		}
		found, err := lettersIn(ctx, postgres.NewViews(database, nil))
		if err != nil {
			return err
		}
		return printLetters(t, found, *asJSON)
	})
}

// lettersIn are the first dead letters, and how many wait in all.
func lettersIn(ctx context.Context, views *postgres.Views) (http.DeadLetters, error) {
	found, err := views.DeadLetters(ctx, postgres.MaxPage)
	if err != nil {
		return http.DeadLetters{}, err
	}
	waiting, _, err := views.CountDeadLetters(ctx)
	return http.DeadLetters{Letters: lettersOf(found), Waiting: max(waiting, len(found))}, err
}

func lettersOf(found []projections.DeadLetter) []http.DeadLetter {
	list := make([]http.DeadLetter, len(found))
	for i, l := range found {
		list[i] = http.DeadLetter{Aggregate: l.Aggregate.String(), Position: l.Position, Event: l.Event, Type: l.Type, Reason: l.Reason}
	}
	return list
}

// printLetters says at the other end when there are more than it prints, so that no
// line of JSON is of another shape.
func printLetters(t terminal, found http.DeadLetters, asJSON bool) error {
	if n := len(found.Letters); n < found.Waiting {
		fmt.Fprintf(t.err, "these are the first %d of %d dead letters\n", n, found.Waiting)
	}
	switch {
	case asJSON:
		return printEach(t.out, found.Letters)
	case len(found.Letters) == 0:
		_, err := fmt.Fprintln(t.out, "no dead letters")
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AGGREGATE\tPOSITION\tTYPE\tREASON")
	for _, l := range found.Letters {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.Aggregate, l.Position, l.Type, l.Reason)
	}
	return table.Flush()
}

// retryLetters tries the letters of one aggregate, or all. Errors: errFound when some
// still wait.
func retryLetters(ctx context.Context, t terminal, retrier *postgres.Retrier, of *events.Aggregate, asJSON bool) error {
	shown := t.progress("trying again")
	done, err := retry(ctx, retrier, of, func(done, all int) { shown.at(uint64(done), uint64(all)) })
	shown.end()
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
		err = finds("%d events still wait", left)
	}
	return err
}

func retry(ctx context.Context, retrier *postgres.Retrier, of *events.Aggregate, tried func(done, all int)) ([]postgres.Retried, error) {
	if of == nil {
		return retrier.RetryAll(ctx, tried)
	}
	done, err := retrier.Retry(ctx, *of)
	return []postgres.Retried{done}, err
}

// aggregateNamed reads "session/01J…". Errors: CodeInvalid.
func aggregateNamed(text string) (events.Aggregate, error) {
	kind, id, both := strings.Cut(text, "/")
	if !both {
		return events.Aggregate{}, events.Errorf(events.CodeInvalid, "this is no aggregate: write it as dead-letters lists it, session/ID")
	}
	return events.Aggregate{Kind: events.AggregateKind(kind), ID: id}, nil
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
