package events

import (
	"context"
	"slices"
	"time"
)

// MaxBrowse is how many events one excerpt holds at most.
const MaxBrowse = 500

// Filter chooses events of sessions, accounts and topics; what is not set
// chooses all. Nothing else is ever chosen: claims tie an account to a person and
// to calls, audit trails to networks, and the plan of an account's erasure ties it
// to the sessions that were its own.
type Filter struct {
	After   Position // only events behind it
	Kinds   []Kind
	Actor   Actor
	Session SessionID
	Since   time.Time // of the events' own times
	Until   time.Time // exclusive
	Limit   int       // 1 to MaxBrowse
}

// Takes tells whether the filter chooses an event; Since alone is the log's to
// look for.
func (f Filter) Takes(e Event) bool {
	switch {
	case !slices.Contains(browsable, e.Aggregate.Kind), e.Body.Kind() == KindAccountErasurePlanned:
		return false
	case f.Session != "" && e.Aggregate != f.Session.Aggregate():
		return false
	case f.Actor != "" && e.Actor != f.Actor:
		return false
	case e.Time.Before(f.Since), !f.Until.IsZero() && !e.Time.Before(f.Until):
		return false
	}
	return len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Body.Kind())
}

// browsable are the streams that a filter may choose from.
var browsable = []AggregateKind{KindOfSession, KindOfAccount, KindOfTopic}

// Excerpt is a part of the log as a filter chooses it.
type Excerpt struct {
	Events []Event
	// Through is how far the log was looked through: After of the next excerpt.
	Through Position
	// More: there is more of the log behind Through. An excerpt may be short, or
	// empty, and yet have more behind it: looking is bounded too.
	More bool
}

// Browser reads the log in the clear: no seal is opened, and no key is needed.
type Browser interface {
	// Browse gives the events that a filter chooses, in order. Their private
	// parts are empty; Sealed holds what is sealed. One that cannot be decoded
	// has an *Unreadable body. Errors: CodeInvalid for a limit that is not 1 to
	// MaxBrowse, CodeUnavailable.
	Browse(ctx context.Context, f Filter) (Excerpt, error)

	// Deleted tells which of these sessions were asked to be deleted: nothing but
	// tombstones comes behind that, so it looks at the last event of each, as the
	// leader has it. Errors: CodeUnavailable.
	Deleted(ctx context.Context, of ...SessionID) (map[SessionID]bool, error)
}
