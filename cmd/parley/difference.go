package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"parley/events"
	"parley/http"
)

// difference is what happened to a session between two moments.
type difference struct {
	ID      events.SessionID `json:"id"`
	From    string           `json:"from"`
	To      string           `json:"to"`
	Events  []step           `json:"events"`
	Changes []change         `json:"changes"`
}

// step is an event between the two.
type step struct {
	Position events.Position `json:"position"`
	Type     string          `json:"type"`
}

// change is one fact that is not what it was; empty: there was none.
type change struct {
	Fact   string `json:"fact"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

func printDifference(w io.Writer, id events.SessionID, evs []events.Event, s span, asJSON bool) error {
	d, err := differenceOf(id, evs, s)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(w).Encode(d)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POSITION\tEVENT")
	for _, e := range d.Events {
		fmt.Fprintf(table, "%s\t%s\n", e.Position, e.Type)
	}
	fmt.Fprintln(table, "\nFACT\tBEFORE\tAFTER")
	for _, c := range d.Changes {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Fact, shown(c.Before), shown(c.After))
	}
	return table.Flush()
}

func shown(value string) string {
	if value == "" {
		return "-"
	}
	return value
}

// differenceOf compares two pasts. The earlier one may be before the session
// began: then all of it is new.
func differenceOf(id events.SessionID, evs []events.Event, s span) (difference, error) {
	d := difference{ID: id, From: s.from.text, To: s.to.text, Events: []step{}, Changes: []change{}}
	after, err := pastOf(id, evs, s.to)
	if err != nil {
		return d, err
	}
	before, err := pastOf(id, evs, s.from)
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		return d, err
	}
	if before.Position > after.Position {
		return d, events.Errorf(events.CodeInvalid, "%s is after %s: write the earlier one first", s.from.text, s.to.text)
	}
	for _, e := range evs {
		if e.Position > before.Position && e.Position <= after.Position {
			d.Events = append(d.Events, step{e.Position, http.TypeOf(e)})
		}
	}
	d.Changes, err = changesOf(before, after)
	return d, err
}

func changesOf(before, after past) ([]change, error) {
	changes := []change{}
	was, err := factsOf(before)
	if err != nil {
		return changes, err
	}
	is, err := factsOf(after)
	if err != nil {
		return changes, err
	}
	old := map[string]string{}
	for _, f := range was {
		old[f.name] = f.value
	}
	for _, f := range is {
		if old[f.name] != f.value {
			changes = append(changes, change{f.name, old[f.name], f.value})
		}
		delete(old, f.name)
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		changes = append(changes, change{Fact: name, Before: old[name]})
	}
	return changes, nil
}

// fact is one leaf of a past: "segments.1/item_7.status" and its value.
type fact struct{ name, value string }

// factsOf takes a past apart by its JSON, in the order of names within each
// object. What it never was has no facts.
func factsOf(p past) ([]fact, error) {
	if p.ID == "" {
		return nil, nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	return leaves(nil, "", tree), nil
}

func leaves(facts []fact, at string, node any) []fact {
	if at != "" && at[len(at)-1] != '.' {
		switch node.(type) {
		case map[string]any, []any:
			at += "."
		}
	}
	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			facts = leaves(facts, at+name, node[name])
		}
	case []any:
		for i, element := range node {
			facts = leaves(facts, at+nameOf(i, element), element)
		}
	default:
		facts = append(facts, fact{at, fmt.Sprint(node)})
	}
	return facts
}

// nameOf a list's element is what it is about, so that one more of them does not
// make all that follow look changed.
func nameOf(i int, element any) string {
	object, _ := element.(map[string]any)
	call, isOfCall := object["call"]
	item, isItem := object["item"]
	switch {
	case isItem:
		return fmt.Sprint(call, "/", item)
	case isOfCall:
		return fmt.Sprint(call)
	}
	return fmt.Sprint(i + 1)
}
