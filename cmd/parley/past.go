package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"parley/events"
)

// past is a session as it was once: its public facts and not a word of it.
type past struct {
	ID        events.SessionID               `json:"id"`
	Position  events.Position                `json:"position"` // of its last event by then
	Time      time.Time                      `json:"time"`     // of that event
	Events    int                            `json:"events"`
	Status    string                         `json:"status"`
	Reason    string                         `json:"reason,omitempty"`
	Learner   events.AccountID               `json:"learner,omitempty"`
	Topic     events.TopicID                 `json:"topic,omitempty"`
	StartedAt *time.Time                     `json:"started_at,omitempty"`
	Received  string                         `json:"received,omitempty"` // outbox numbers that were in: "1-7,9"
	Calls     []pastCall                     `json:"calls,omitempty"`
	Segments  []pastSegment                  `json:"segments,omitempty"`
	Ended     *events.SessionEnded           `json:"ended,omitempty"`
	Upload    *events.UploadRequested        `json:"upload,omitempty"`
	Completed *events.UploadCompleted        `json:"completed,omitempty"`
	Audio     *events.AudioFinalized         `json:"audio,omitempty"`
	Rejected  *events.AudioRejected          `json:"rejected,omitempty"`
	Deleted   *events.SessionDeleteRequested `json:"deleted,omitempty"`
	Erased    *events.SessionErased          `json:"erased,omitempty"`
}

type pastCall struct {
	Call      int       `json:"call"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Connected bool      `json:"connected"`
	Dropped   bool      `json:"dropped"`
}

type pastSegment struct {
	Call        int                     `json:"call"`
	Item        string                  `json:"item"`
	Place       int                     `json:"place"` // in the transcript, from 1
	Speaker     events.Speaker          `json:"speaker"`
	Status      events.TranscriptStatus `json:"status"`
	Words       int                     `json:"words"`
	StartedMS   *int64                  `json:"started_ms,omitempty"`
	EndedMS     *int64                  `json:"ended_ms,omitempty"`
	Interrupted bool                    `json:"interrupted,omitempty"`
	HeardMS     *int64                  `json:"heard_ms,omitempty"`
}

// pastOf folds what had happened by then. Errors: CodeNotFound when nothing had,
// or when what had is erased.
func pastOf(id events.SessionID, evs []events.Event, then moment) (past, error) {
	s := events.NewSession(id)
	var last events.Event
	for _, e := range evs {
		if !then.holds(e) {
			break
		}
		s.Evolve(e)
		last = e
	}
	if s.Exists() {
		return newPast(s, last, then.when(last)), nil
	}
	if tombstone, is := evs[0].Body.(*events.SessionErased); is {
		return past{}, events.Errorf(events.CodeErased, "session %s was deleted: its %d events before %s are erased, and nobody can tell any more what it was at %s", id, tombstone.Events, evs[0].Position, then.text)
	}
	return past{}, events.Errorf(events.CodeNotFound, "session %s had not begun at %s: its first event is at %s, %s", id, then.text, evs[0].Position, evs[0].Time.Format(time.RFC3339))
}

func newPast(s *events.Session, last events.Event, seen time.Time) past {
	p := past{
		ID: s.ID, Position: last.Position, Time: last.Time, Events: len(s.Positions),
		Learner: s.Learner, Topic: s.Topic, Received: s.Received.String(),
		Ended: s.Ended, Upload: s.Upload, Completed: s.Completed, Audio: s.Audio,
		Rejected: s.Rejected, Deleted: s.Deleted, Erased: s.Erased,
	}
	p.Status, p.Reason = statusOf(s, seen)
	if !s.StartedAt.IsZero() {
		p.StartedAt = &s.StartedAt
	}
	for _, n := range slices.Sorted(maps.Keys(s.Calls)) {
		c := s.Calls[n]
		p.Calls = append(p.Calls, pastCall{c.Number, c.IssuedAt, c.ExpiresAt, c.Connected, c.Dropped})
	}
	for i, g := range s.Turns.Segments(s.Ended != nil) {
		p.Segments = append(p.Segments, pastSegment{
			Call: g.Call, Item: g.Item, Place: i + 1, Speaker: g.Speaker, Status: g.Status, Words: g.Words,
			StartedMS: g.StartedMS, EndedMS: g.EndedMS, Interrupted: g.Interrupted, HeardMS: g.HeardMS,
		})
	}
	return p
}

// statusOf is the session's status at a time, and for one that was deleted how far that is.
func statusOf(s *events.Session, now time.Time) (status, reason string) {
	switch {
	case s.Erased != nil:
		return "erased", ""
	case s.Deleted != nil:
		return beingErased, ""
	}
	derived, reason := s.Facts().Status(now)
	return string(derived), reason
}

// printPast prints the session as it was.
func printPast(w io.Writer, id events.SessionID, evs []events.Event, then moment, asJSON bool) error {
	p, err := pastOf(id, evs, then)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(w).Encode(p)
	}
	facts, err := factsOf(p)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range facts {
		fmt.Fprintf(table, "%s\t%s\n", f.name, f.value)
	}
	return table.Flush()
}
