package events

import "time"

// Actor is who caused an event: an account's id, or "system:<worker>".
type Actor string

// System names a part of Parley as an actor.
func System(worker string) Actor { return Actor("system:" + worker) }

// Via tells through whom an event reached the server; empty means that the
// server saw it itself.
type Via string

// What came through the browser is the learner's own statement (design section 5).
const (
	ViaBrowser  Via = "browser"
	ViaSideband Via = "sideband"
)

// Event is one fact in the log. A command drafts it with Body (and ID, Via, N
// and Outbox where it came through a browser); [Stamp] fills in the rest; the
// log adds Position.
type Event struct {
	ID          EventID
	Aggregate   Aggregate
	Time        time.Time // UTC, to the millisecond
	Actor       Actor
	Causation   EventID // the event that a worker acted on, if any
	Correlation string  // the request that caused it, if any
	Via         Via
	N           int64   // number in the browser's outbox; 0 when it did not come from there
	Outbox      Numbers // outbox numbers that are settled with this append; on its first event
	Body        Body

	// Set by the log when an event is read.
	Position Position
	Sealed   []byte // the sealed part as it is stored; nil when the kind has none
	Erased   bool   // its data key was destroyed: the sealed part of Body is empty
}

// rankOfSideband lifts what the server saw itself above all outbox numbers.
const rankOfSideband = int64(1) << 40

// Rank orders what was reported about one item independently of its arrival:
// the browser's own number, or, for what did not come from a browser, its
// position behind all of those.
func (e Event) Rank() int64 {
	if e.N > 0 {
		return e.N
	}
	return rankOfSideband + int64(e.Position)
}

// Body is the content of an event; each kind has one type, used as a pointer.
type Body interface{ Kind() Kind }

// Sealable is a Body of which a part is what a person said, wrote or is
// called. Sealed gives a pointer to that part, a struct with JSON tags of its
// own; Body's own JSON leaves it out.
type Sealable interface {
	Body
	Sealed() any
}

// keyOwned is a Body that is sealed under another aggregate's data key than
// the one of its own stream.
type keyOwned interface{ keyOwner() Aggregate }

// KeyOwner is whose data key seals the event's private part.
func (e Event) KeyOwner() Aggregate {
	if owned, is := e.Body.(keyOwned); is {
		return owned.keyOwner()
	}
	return e.Aggregate
}

// Stamp is what a command knows about itself: who, when, why.
type Stamp struct {
	Actor       Actor
	Time        time.Time
	Causation   EventID
	Correlation string
	NewID       func() EventID
}

// apply completes the drafts of one decision.
func (s Stamp) apply(of Aggregate, drafts []Event) []Event {
	for i := range drafts {
		d := &drafts[i]
		if d.ID == "" {
			d.ID = s.NewID()
		}
		d.Aggregate = of
		d.Time = s.Time.UTC().Truncate(time.Millisecond)
		d.Actor, d.Causation, d.Correlation = s.Actor, s.Causation, s.Correlation
	}
	return drafts
}

// Draft makes a draft of each body.
func Draft(bodies ...Body) []Event {
	drafts := make([]Event, len(bodies))
	for i, b := range bodies {
		drafts[i] = Event{Body: b}
	}
	return drafts
}

// Unreadable stands in for an event that this version cannot decode: an
// unknown kind or version, a body that is no JSON, a seal that does not open.
// Projections park its aggregate; nothing is lost.
type Unreadable struct {
	Type   string // ce-type as it was found
	Reason string
	Raw    []byte
}

// Kind is empty: an unreadable event has none.
func (*Unreadable) Kind() Kind { return "" }
