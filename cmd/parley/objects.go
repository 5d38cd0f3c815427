package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/recording"
	"parley/projections/s3"
)

// found is one thing in which log and store differ.
type found struct {
	What  string           `json:"what"` // "missing", "differs", "orphan", "foreign"
	Key   string           `json:"key"`
	Of    events.SessionID `json:"session,omitempty"`
	Size  int64            `json:"size"`
	Since *time.Time       `json:"since,omitempty"`
	Parts bool             `json:"unfinished,omitempty"`
}

// objects compares the store with the log in both directions, or removes what no event
// points at.
func objects(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "objects")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	reason := reasonFlag(set)
	var agreed consent
	set.BoolVar(&agreed.yes, "yes", false, "do it without asking")
	set.BoolVar(&agreed.dryRun, "dry-run", false, "only say what would be done")
	if err := parse(set, args); err != nil {
		return err
	}
	if what := set.Arg(0); set.NArg() != 1 || what != "check" && what != "sweep" {
		return misused("parley objects check compares the store with the log; parley objects sweep removes orphans")
	}
	return withLog(ctx, t, *data, func(log *jetstream.Log, to reach) error {
		store, err := to.openStore(ctx)
		if err != nil {
			return err
		}
		sweeper := recording.NewSweeper(log, store, to.config.OrphanAge, time.Now, silent())
		if set.Arg(0) == "check" {
			return checkObjects(ctx, t, log, store, sweeper, *asJSON)
		}
		return sweepObjects(ctx, t, log, sweeper, sweeping{*asJSON, *reason, agreed})
	})
}

// checkObjects changes nothing. Errors: errFound when log and store differ in what
// an operator should look at.
func checkObjects(ctx context.Context, t terminal, log events.Log, store *s3.Store, sweeper *recording.Sweeper, asJSON bool) error {
	all, err := unwanted(ctx, sweeper)
	if err != nil {
		return err
	}
	lost, err := lacking(ctx, log, store, t.progress("reading the log"))
	if err != nil {
		return err
	}
	if all = append(lost, all...); asJSON {
		err = printEach(t.out, all)
	} else {
		err = printFound(t, all)
	}
	if err == nil && len(all) > 0 {
		err = errFound
	}
	return err
}

func printFound(t terminal, all []found) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(t.out, "the store holds what the log says, and nothing else that is old")
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tBYTES\tKEY")
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%d\t%s\n", f.What, f.Size, f.Key)
	}
	return table.Flush()
}

// unwanted are the orphans and the foreign.
func unwanted(ctx context.Context, sweeper *recording.Sweeper) (all []found, err error) {
	err = sweeper.Look(ctx, func(l recording.Lying, v recording.Verdict) error {
		if v == recording.Orphan || v == recording.Foreign {
			id, _ := recording.SessionOf(l.Key)
			all = append(all, found{string(v), l.Key, id, l.Size, &l.Since, l.Unfinished != ""})
		}
		return nil
	})
	return all, err
}

// lacking are the objects at which events point, and which are not there or are others.
func lacking(ctx context.Context, log events.Log, store *s3.Store, shown *progress) (all []found, err error) {
	needs, err := everyNeed(ctx, log, shown)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(needs)) {
		for _, o := range needs[id].Objects() {
			there, err := store.Head(ctx, o.Key)
			switch {
			case events.CodeOf(err) == events.CodeNotFound:
				all = append(all, found{What: "missing", Key: o.Key, Of: id, Size: o.Size})
			case err != nil:
				return nil, err
			case differs(o, there):
				all = append(all, found{What: "differs", Key: o.Key, Of: id, Size: there.Size})
			}
		}
	}
	return stillMissing(ctx, log, all)
}

// differs compares what events tell with what the store does, as far as both do.
func differs(o, there recording.Object) bool {
	return o.Size != 0 && (o.Size != there.Size || there.SHA256 != "" && o.SHA256 != there.SHA256)
}

// stillMissing asks the log again: a finalizer or an eraser may have gone on meanwhile.
func stillMissing(ctx context.Context, log events.Loader, all []found) (left []found, err error) {
	for _, f := range all {
		evs, err := log.Load(ctx, f.Of.Aggregate(), 0)
		if err != nil {
			return nil, err
		}
		needs := recording.NewNeeds()
		for _, e := range evs {
			needs.Evolve(e)
		}
		if slices.ContainsFunc(needs.Objects(), func(o recording.Object) bool { return o.Key == f.Key }) {
			left = append(left, f)
		}
	}
	return left, nil
}

// everyNeed folds all sessions of the log as it is now.
func everyNeed(ctx context.Context, log events.Log, shown *progress) (map[events.SessionID]*recording.Needs, error) {
	all := map[events.SessionID]*recording.Needs{}
	err := readThrough(ctx, log, shown, func(e events.Event) {
		session, is := e.Aggregate.Session()
		if !is {
			return
		}
		if all[session] == nil {
			all[session] = recording.NewNeeds()
		}
		all[session].Evolve(e)
	})
	return all, err
}

// sweeping is what an operator says about a sweep.
type sweeping struct {
	asJSON  bool
	reason  string
	consent consent
}

// sweepObjects removes the orphans, after it was noted on the audit trail.
func sweepObjects(ctx context.Context, t terminal, log *jetstream.Log, sweeper *recording.Sweeper, how sweeping) error {
	all, err := unwanted(ctx, sweeper)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(f found) bool { return f.What != string(recording.Orphan) })
	if !how.asJSON {
		if err := printFound(t, all); err != nil {
			return err
		}
	}
	switch err := how.consent.given(t); {
	case errors.Is(err, errDryRun) && how.asJSON:
		return printEach(t.out, all)
	case errors.Is(err, errDryRun):
		return nil
	case err != nil:
		return err
	}
	if err := record(ctx, log, act{does: "objects sweep", reason: how.reason}); err != nil {
		return err
	}
	removed, err := sweeper.Sweep(ctx)
	if err != nil {
		return err
	}
	if how.asJSON {
		return json.NewEncoder(t.out).Encode(map[string]int{"removed": len(removed)})
	}
	_, err = fmt.Fprintf(t.out, "removed %d\n", len(removed))
	return err
}
