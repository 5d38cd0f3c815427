package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

// listed is a session as an operator sees it: not a word of anyone.
type listed struct {
	ID        events.SessionID `json:"id"`
	Learner   events.AccountID `json:"learner"`
	Status    events.Status    `json:"status"`
	Reason    string           `json:"reason,omitempty"`
	StartedAt time.Time        `json:"started_at"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
	Deleted   bool             `json:"deleted"`
	Position  events.Position  `json:"position"`
}

// sessions lists sessions, newest first.
func sessions(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "sessions")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	limit := set.Int("limit", 50, "how many at most")
	if err := parse(set, args); err != nil {
		return err
	}
	database, err := openViews(ctx, t, *data)
	if err != nil {
		return err
	}
	defer database.Close()
	found, err := postgres.NewViews(database, nil).Overview(ctx, *limit)
	if err != nil {
		return err
	}
	if *asJSON {
		return printSessionsJSON(t, found)
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSTARTED\tSTATUS\tREASON\tLEARNER")
	for _, s := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.StartedAt.UTC().Format(time.DateTime), shownStatus(s), s.Reason, s.Learner)
	}
	return table.Flush()
}

// beingErased is shown in place of a status: the session is gone for its learner.
const beingErased = "being erased"

func shownStatus(s projections.Overview) string {
	if s.Deleted {
		return beingErased
	}
	return string(s.Status)
}

func printSessionsJSON(t terminal, found []projections.Overview) error {
	out := json.NewEncoder(t.out)
	for _, s := range found {
		if err := out.Encode(listed(s)); err != nil {
			return err
		}
	}
	return nil
}

// openViews connects to the read models alone.
func openViews(ctx context.Context, t terminal, data string) (*postgres.Database, error) {
	to, err := reachInstance(t, data)
	if err != nil {
		return nil, err
	}
	database := postgres.New(postgres.Config{URL: to.servers.Postgres.URL})
	if err := database.Open(ctx); err != nil {
		return nil, err
	}
	return database, nil
}
