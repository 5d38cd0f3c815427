package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"parley/events"
	"parley/http"
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
	Model     string           `json:"model"`
	Usage     *http.Usage      `json:"usage,omitempty"` // its cost is absent where a price is not known
}

// sessions lists sessions, newest first.
func sessions(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "sessions")
	asJSON := set.Bool("json", false, "print one JSON object a line")
	limit := set.Int("limit", 50, "how many at most")
	if err := parse(set, args); err != nil {
		return err
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
	found, err := postgres.NewViews(database, nil).Overview(ctx, *limit)
	if err != nil {
		return err
	}
	today := "" // a transcription model whose price nobody knows
	if of := to.servers.Speech; of != nil {
		today = of.TranscriptionModel
	}
	list := make([]listed, len(found))
	for i, s := range found {
		list[i] = listedOf(s, today)
	}
	if *asJSON {
		return printSessionsJSON(t, list)
	}
	return printSessions(t, list)
}

func listedOf(s projections.Overview, today string) listed {
	return listed{
		ID: s.ID, Learner: s.Learner, Status: s.Status, Reason: s.Reason, StartedAt: s.StartedAt, EndedAt: s.EndedAt,
		Deleted: s.Deleted, Position: s.Position, Model: s.Model, Usage: http.UsageOf(http.Models{Speech: s.Model, Transcription: s.TranscriptionModel}, today, s.Used),
	}
}

func printSessions(t terminal, list []listed) error {
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SESSION\tSTARTED\tSTATUS\tREASON\tTOKENS\tCOST\tLEARNER")
	for _, s := range list {
		tokens, cost := s.used()
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.StartedAt.UTC().Format(time.DateTime), shownStatus(s.Status, s.Deleted), s.Reason, tokens, cost, s.Learner)
	}
	return table.Flush()
}

// used says what went in and came out, and what that cost; "-" is not known.
func (s listed) used() (tokens, cost string) {
	if s.Usage == nil {
		return "-", "-"
	}
	tokens, cost = fmt.Sprintf("%d/%d", s.Usage.Tokens["input"], s.Usage.Tokens["output"]), "-"
	if c := s.Usage.Cost; c != nil {
		cost = fmt.Sprintf("%.2f %s", c.Amount, c.Currency)
	}
	return tokens, cost
}

// beingErased is shown in place of a status: the session is gone for its learner.
const beingErased = "being erased"

func shownStatus(status events.Status, deleted bool) string {
	if deleted {
		return beingErased
	}
	return string(status)
}

func printSessionsJSON(t terminal, list []listed) error {
	out := json.NewEncoder(t.out)
	for _, s := range list {
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return nil
}

// openViews connects to the read models alone.
func openViews(ctx context.Context, to reach) (*postgres.Database, error) {
	database := postgres.New(postgres.Config{URL: to.servers.Postgres.URL})
	if err := database.Open(ctx); err != nil {
		return nil, err
	}
	return database, nil
}
