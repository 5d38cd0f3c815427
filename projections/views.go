package projections

import (
	"time"

	"parley/events"
)

// Milliseconds in views are on the recording's clock, or the session's where
// nothing was recorded. A nil pointer means "not known".

// SessionView is a session as its learner reads it, opened.
type SessionView struct {
	ID                 events.SessionID
	Learner            events.AccountID
	Topic              TopicView
	Language           string // BCP 47
	Level              string // CEFR
	Provider           string
	Model              string
	Voice              string
	TranscriptionModel string // empty: not known
	Status             events.Status
	Reason             string // why attention is needed, else empty
	StartedAt          time.Time
	EndedAt            *time.Time
	EndedBecause       events.EndReason // empty while it is active
	Received           int64            // all outbox numbers up to here are in
	LastN              int64            // the outbox's last number; 0 while it is active
	Segments           []SegmentView    // in order
	Audio              *events.AudioFinalized
	Timings            Timings
	Used               events.Used     // of the provider
	Position           events.Position // of the session's last event
}

// SegmentView is one turn, opened.
type SegmentView struct {
	events.Segment
	Text   string
	Erased bool // there was a text, and its key is destroyed
}

// Timings are times from the end of the learner's speech (or from connecting)
// to the tutor's first sound.
type Timings struct {
	FirstResponseMS  *int64 // of the session's first response
	MedianResponseMS *int64
	Responses        int // how many were measured
}

// SessionSummary is a session in a list.
type SessionSummary struct {
	ID         events.SessionID
	Topic      TopicView
	Language   string
	Level      string
	Status     events.Status
	Reason     string
	StartedAt  time.Time
	EndedAt    *time.Time
	Turns      int
	DurationMS int64  // of the recording, else of the session; 0 while it is active
	HasAudio   bool   // the recording can be heard
	Excerpt    string // of the first segment that matches the query, else of the first text
	Position   events.Position
}

// SessionPage is a part of a list, newest first.
type SessionPage struct {
	Sessions []SessionSummary
	Next     string // cursor of the next page; empty at the end
}

// TopicView is a topic, opened.
type TopicView struct {
	ID       events.TopicID
	Language string
	Level    string
	Own      bool // the learner wrote it herself
	Retired  bool
	Text     events.TopicText
}

// AccountView is an account, opened.
type AccountView struct {
	ID           events.AccountID
	Person       events.Person
	Roles        []events.Role
	RegisteredAt time.Time
}

// Credentials are what a sign-in is checked against.
type Credentials struct {
	Account      events.AccountID
	PasswordHash string // PHC string; empty when the account has no password
}

// Overview is a session as an operator sees it: without content.
type Overview struct {
	ID                 events.SessionID
	Learner            events.AccountID
	Status             events.Status
	Reason             string
	StartedAt          time.Time
	EndedAt            *time.Time
	Deleted            bool // its erasure is on the way
	Position           events.Position
	Model              string
	TranscriptionModel string // empty: not known
	Used               events.Used
}

// Talk is when a session was talked in, by the server's clock.
type Talk struct {
	Session events.SessionID
	From    time.Time  // its first token
	Until   *time.Time // its end; nil while it is active
}

// Change says that a session changed.
type Change struct {
	Session  events.SessionID
	Learner  events.AccountID
	Status   events.Status
	Reason   string
	Deleted  bool
	Position events.Position
	// Resync: some changes were not kept for this subscriber; it must read
	// again what it shows. All other fields are empty.
	Resync bool
}
