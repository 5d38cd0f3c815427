package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/events/jetstream"
)

// replayed is an event as NDJSON: CloudEvents' JSON form, with what is sealed
// left out. The stream is de-identified as it is.
type replayed struct {
	SpecVersion string          `json:"specversion"`
	ID          events.EventID  `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        time.Time       `json:"time"`
	Position    events.Position `json:"position"`
	Actor       events.Actor    `json:"actor,omitempty"`
	Via         events.Via      `json:"via,omitempty"`
	N           int64           `json:"n,omitempty"`
	Outbox      string          `json:"outbox,omitempty"`
	Causation   events.EventID  `json:"causationid,omitempty"`
	Correlation string          `json:"correlationid,omitempty"`
	Sealed      bool            `json:"sealed"`
	Erased      bool            `json:"erased,omitempty"`
	Data        json.RawMessage `json:"data"`
}

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
		return events.Errorf(events.CodeInvalid, "name one session: parley replay SESSION [--json] [--until POSITION|TIME] [--diff A B]")
	}
	id, err := events.ParseID[events.SessionID](set.Arg(0))
	if err != nil {
		return err
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

func replayedOf(e events.Event) (replayed, error) {
	r := replayed{
		SpecVersion: "1.0", ID: e.ID, Source: "parley", Type: typeOf(e), Subject: e.Aggregate.String(),
		Time: e.Time, Position: e.Position, Actor: e.Actor, Via: e.Via, N: e.N, Outbox: e.Outbox.String(),
		Causation: e.Causation, Correlation: e.Correlation, Sealed: e.Sealed != nil, Erased: e.Erased,
	}
	if u, is := e.Body.(*events.Unreadable); is {
		reason, err := json.Marshal(map[string]string{"unreadable": u.Reason})
		r.Data = reason
		return r, err
	}
	clear, _, err := events.EncodeBody(e.Body)
	r.Data = clear
	return r, err
}

// typeOf is the CloudEvents type, as it was found where this version can't read it.
func typeOf(e events.Event) string {
	if u, is := e.Body.(*events.Unreadable); is {
		return u.Type
	}
	return e.Body.Kind().Type()
}

func printNDJSON(w io.Writer, evs []events.Event) error {
	out := json.NewEncoder(w)
	for _, e := range evs {
		line, err := replayedOf(e)
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
		line, err := replayedOf(e)
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
