package events

import (
	"context"
	"time"
)

// MaxAppend is how many events one append may hold: what JetStream takes as
// one atomic batch.
const MaxAppend = 1000

// Appender writes decisions. Its one implementation is events/jetstream.
type Appender interface {
	// Append stores all events at neighbouring positions, in order, or none.
	// It answers with the position of the last one.
	//
	// The same append may be sent again for ever: an event whose id is already
	// stored where it would stand counts as stored by this call.
	//
	// Errors: CodeInvalid for an unset guard, no events, more than MaxAppend,
	// or events of another aggregate; CodeConflict when the aggregate's last
	// position is not the expected one, so that none of these events is or
	// ever will be stored; CodeErased when the data key that would seal them
	// was destroyed; CodeUnknown when the log could not be reached for a
	// definite answer before the context ended (the error then is an
	// *Unsettled); CodeUnavailable when nothing was sent.
	Append(ctx context.Context, to Aggregate, expected Expected, evs ...Event) (Position, error)
}

// Unsettled is the cause within a CodeUnknown error. Settle goes on asking
// until the answer is definite, and then returns what Append would have.
type Unsettled struct {
	Settle func(context.Context) (Position, error)
}

// Error names the state.
func (*Unsettled) Error() string { return "the log has not said yet whether the events are stored" }

// Loader reads one aggregate.
type Loader interface {
	// Load gives the aggregate's events after the position, in order, as the
	// log's leader knows them; none for an aggregate that never was. An event
	// that cannot be decoded has an *Unreadable body. Errors: CodeUnavailable;
	// CodeInvalid for an id that no Append would take.
	Load(ctx context.Context, of Aggregate, after Position) ([]Event, error)
}

// Follower reads the whole log, for projections.
type Follower interface {
	// Follow delivers every event after the position in the log's order, in
	// batches of at most max as they are there, and then goes on as new ones
	// come. It returns when the context ends (its error), when deliver fails
	// (that error), or with CodeUnavailable when the log is lost.
	Follow(ctx context.Context, after Position, max int, deliver func([]Event) error) error
}

// Identity is what tells one log from another (design section 4).
type Identity struct {
	Epoch   string    // a ULID in the stream's metadata, made with the log
	Created time.Time // the stream's own creation time
	First   Position  // the first position that is still there; Last+1 when empty
	Last    Position
	// Missing is how many of the last positions hold no event any more. Nobody may
	// wait for an event there: none will come.
	Missing uint64
}

// End is the position of the last event that is still there.
func (i Identity) End() Position { return i.Last - Position(i.Missing) }

// Identifier tells who the log is.
type Identifier interface {
	// Identity asks the log's leader. Errors: CodeUnavailable.
	Identity(ctx context.Context) (Identity, error)
}

// Log is the whole contract; consumers ask for the part that they call. The
// conformance suite of events/eventstest holds for every implementation.
type Log interface {
	Appender
	Loader
	Follower
	Identifier
}
