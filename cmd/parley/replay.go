package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
)

// replay prints a session's events, as a table or as NDJSON; or the session as
// it was at a moment; or what changed between two.
func replay(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "replay")
	asJSON := set.Bool("json", false, "print NDJSON, one CloudEvent a line; with --until or --diff one JSON object")
	var until moment
	var between span
	set.Var(&until, "until", "print the session as it was at this `position` or time")
	set.Var(&between, "diff", "print what changed between two positions or times: --diff `A B`")
	if err := parse(set, between.pair(args)); err != nil {
		return err
	}
	if set.NArg() != 1 || until.set() && between.set() {
		return misused("name one session: parley replay SESSION [--json] [--until POSITION|TIME] [--diff A B]")
	}
	id, err := events.ParseID[events.SessionID](set.Arg(0))
	if err != nil {
		return misused("%s", sentence(err))
	}
	evs, err := loadSession(ctx, t, *data, id)
	if err != nil {
		return err
	}
	switch {
	case len(evs) == 0:
		return events.Errorf(events.CodeNotFound, "there is no session %s in the log", id)
	case until.set():
		return printPast(t.out, id, evs, until, *asJSON)
	case between.set():
		return printDifference(t.out, id, evs, between, *asJSON)
	case *asJSON:
		return printNDJSON(t.out, evs)
	}
	return printTable(t.out, evs)
}

func loadSession(ctx context.Context, t terminal, data string, id events.SessionID) (evs []events.Event, err error) {
	err = withLog(ctx, t, data, func(log *jetstream.Log, _ reach) error {
		evs, err = log.Load(ctx, id.Aggregate(), 0)
		return err
	})
	return evs, err
}

func printNDJSON(w io.Writer, evs []events.Event) error {
	out := json.NewEncoder(w)
	for _, e := range evs {
		line, err := http.NewClearEvent(e)
		if err != nil {
			return err
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func printTable(w io.Writer, evs []events.Event) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tTIME\tKIND\tVIA\tDATA")
	for _, e := range evs {
		line, err := http.NewClearEvent(e)
		if err != nil {
			return err
		}
		via := string(line.Via)
		if via == "" {
			via = "server"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", line.Position, line.Time.Format("15:04:05.000"), e.Body.Kind(), via, line.Data)
	}
	return table.Flush()
}
