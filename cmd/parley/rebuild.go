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
	"parley/projections"
	"parley/projections/postgres"
)

// rebuilt is what rebuild prints.
type rebuilt struct {
	From        int             `json:"from"`
	To          int             `json:"to"`
	Position    events.Position `json:"position"` // at which both were compared
	Switched    bool            `json:"switched"`
	Differences []differing     `json:"differences"`
}

// differing is one row, or table, that is not what the log says.
type differing struct {
	Table   string        `json:"table"`
	What    postgres.What `json:"what"`
	Key     string        `json:"key,omitempty"`
	Columns []string      `json:"columns,omitempty"`
}

// rebuild makes the read models anew beside the live ones and switches to them.
func rebuild(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "rebuild")
	asJSON := set.Bool("json", false, "print JSON")
	back := set.Bool("back", false, "make the version live again that was before")
	var ask consent
	accept := set.Bool("accept", false, "switch although rows differ, or the log is another one than the read models were made from")
	reason := reasonFlag(set)
	set.BoolVar(&ask.yes, "yes", false, "do it without asking")
	set.BoolVar(&ask.dryRun, "dry-run", false, "only say what would be done")
	if err := parse(set, args); err != nil {
		return err
	}
	will := "make a new version of the read models from the log beside the live one, compare both, and switch to it; reads and writes go on meanwhile"
	if *back {
		will = "bring the version that was live before up to date, and switch back to it"
	}
	if !*asJSON {
		fmt.Fprintln(t.out, will)
	}
	switch err := ask.given(t); {
	case errors.Is(err, errDryRun):
		return printPlan(t, will, *asJSON)
	case err != nil:
		return err
	}
	return withRebuilder(ctx, t, *data, func(log *jetstream.Log, r *postgres.Rebuilder) error {
		does := "rebuild"
		if *back {
			does += " --back"
		}
		if err := record(ctx, log, act{does: does, reason: *reason}); err != nil {
			return err
		}
		shown := t.steps()
		var done postgres.Rebuilt
		var err error
		if *back {
			done, err = r.SwitchBack(ctx, shown.at)
		} else {
			done, err = r.Rebuild(ctx, *accept, shown.at)
		}
		shown.end()
		if done.Switched && *accept {
			err = errors.Join(err, acceptedWork(ctx, log, done.Same))
		}
		result := rebuilt{done.From, done.To, done.Position, done.Switched, differingOf(done.Differences)}
		if err != nil && !*accept && len(result.Differences) > 0 {
			err = finds("%s", sentence(err)) // they are why it was not switched
		}
		return errors.Join(advised(err), printRebuilt(t.out, result, *asJSON))
	})
}

// acceptedWork lets the workers begin anew at the start of a log that was accepted:
// what they have done they find done. Of the same log they know how far they are,
// and only one that takes it for another begins anew.
func acceptedWork(ctx context.Context, log *jetstream.Log, same bool) error {
	for _, name := range workerNames() {
		var err error
		if same {
			err = log.Recall(ctx, name)
		}
		if !same || events.CodeOf(err) == events.CodeConflict {
			err = log.Forget(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// advised adds to a log that is not the one projected what to do about it.
func advised(err error) error {
	var mismatch *projections.Mismatch
	if errors.As(err, &mismatch) {
		return events.Errorf(events.CodeConflict, "%s. %s", mismatch.Error(), mismatch.Advice())
	}
	return err
}

func printRebuilt(w io.Writer, r rebuilt, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	if err := printDiffering(w, r.Differences); err != nil || !r.Switched {
		return err
	}
	_, err := fmt.Fprintf(w, "version %d is live, up to %s; version %d stays: parley rebuild --back\n", r.To, r.Position, r.From)
	return err
}

// verify compares the read models with what the log says, and changes nothing.
func verify(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "verify")
	asJSON := set.Bool("json", false, "print JSON")
	if err := parse(set, args); err != nil {
		return err
	}
	return withRebuilder(ctx, t, *data, func(_ *jetstream.Log, r *postgres.Rebuilder) error {
		shown := t.steps()
		found, err := r.Verify(ctx, shown.at)
		shown.end()
		if err != nil {
			return advised(err)
		}
		differences := differingOf(found.Differences)
		if *asJSON {
			err = json.NewEncoder(t.out).Encode(map[string]any{"position": found.Position, "differences": differences})
		} else if err = printDiffering(t.out, differences); err == nil && len(differences) == 0 {
			_, err = fmt.Fprintf(t.out, "the read models are what the log says, up to %s\n", found.Position)
		}
		if err == nil && len(differences) > 0 {
			err = finds("%d rows or tables are not what the log says; parley rebuild --accept makes them so", len(differences))
		}
		return err
	})
}

func differingOf(found []postgres.Difference) []differing {
	list := make([]differing, len(found))
	for i, d := range found {
		list[i] = differing{d.Table, d.What, d.Key, d.Columns}
	}
	return list
}

func printDiffering(w io.Writer, found []differing) error {
	if len(found) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TABLE\tWHAT\tKEY\tCOLUMNS")
	for _, d := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.Table, d.What, shown(d.Key), shown(strings.Join(d.Columns, " ")))
	}
	return table.Flush()
}

// withRebuilder opens log and read models for as long as do runs.
func withRebuilder(ctx context.Context, t terminal, data string, do func(*jetstream.Log, *postgres.Rebuilder) error) error {
	return withViews(ctx, t, data, func(log *jetstream.Log, database *postgres.Database) error {
		return do(log, postgres.NewRebuilder(database, log.Vault(), log, log.Stream(), time.Now))
	})
}

// withViews opens log and read models for as long as do runs.
func withViews(ctx context.Context, t terminal, data string, do func(*jetstream.Log, *postgres.Database) error) error {
	return withLog(ctx, t, data, func(log *jetstream.Log, to reach) error {
		database := postgres.New(postgres.Config{URL: to.servers.Postgres.URL})
		if err := database.Open(ctx); err != nil {
			return err
		}
		defer database.Close()
		return do(log, database)
	})
}

// steps shows a rebuild's progress: a bar for the filling, a line for each other step.
type steps struct {
	t       terminal
	filling *progress
	step    postgres.Step
}

func (t terminal) steps() *steps {
	return &steps{t: t, filling: t.progress(string(postgres.StepFilling))}
}

func (s *steps) at(p postgres.Progress) {
	if p.Step == postgres.StepFilling {
		s.step = p.Step
		s.filling.at(uint64(p.Position), uint64(p.Last))
		return
	}
	s.end()
	if s.step = p.Step; onTerminal(s.t.err) {
		fmt.Fprintln(s.t.err, p.Step)
	}
}

func (s *steps) end() {
	if s.step == postgres.StepFilling {
		s.filling.end()
		s.step = ""
	}
}
