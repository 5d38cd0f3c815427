package projections

import (
	"context"
	"errors"
	"time"

	"parley/events"
)

// MaxBatch is how many events one transaction takes at most.
const MaxBatch = 2000

// ErrFenced is the cause of the CodeConflict error that a projector gets when
// another one has claimed its checkpoint. It has written nothing then.
var ErrFenced = errors.New("another projector has claimed this checkpoint")

// ErrSwitched is the cause of the CodeUnavailable error that a projector gets
// when another version of the read models went live. It claims anew.
var ErrSwitched = errors.New("another version of the read models is live")

// Checkpoint is how far a projection has come in a stream, and what it
// remembers of the log there (event log page, "Log identity").
type Checkpoint struct {
	Stream    string
	Version   int             // of the read models
	Epoch     string          // empty while nothing was projected
	Created   time.Time       // of the stream
	Position  events.Position // of the last event that is in the rows
	Event     events.EventID  // the event there
	Aggregate events.Aggregate
	Fence     int64     // grows with each claim
	Seen      time.Time // when a projector last said that it stands behind this, by the store's clock
}

// At is the checkpoint after a batch, read from the log of that identity.
func (c Checkpoint) At(log events.Identity, last events.Event) Checkpoint {
	c.Epoch, c.Created = log.Epoch, log.Created
	c.Position, c.Event, c.Aggregate = last.Position, last.ID, last.Aggregate
	return c
}

// Store keeps the rows of a projection together with its checkpoint.
type Store interface {
	// Claim takes the stream's checkpoint for this projector: from here on all
	// earlier claims are fenced off. A stream without checkpoint starts at
	// position zero; so does one whose rows were dropped. Errors: CodeUnavailable.
	Claim(ctx context.Context, stream string) (Checkpoint, error)

	// Look reads a checkpoint without claiming it. One that never was is zero.
	// Errors: CodeUnavailable.
	Look(ctx context.Context, stream string) (Checkpoint, error)

	// Commit applies a batch that follows the checkpoint and moves it, in one
	// transaction. The events are in the log's order, none at or before the
	// checkpoint. An event that cannot be stored becomes a dead letter. The
	// answer is the new checkpoint; after an error it is how far the batch got.
	// Errors: CodeConflict with ErrFenced, CodeUnavailable, also with ErrSwitched.
	Commit(ctx context.Context, from Checkpoint, log events.Identity, batch []events.Event) (Checkpoint, error)

	// Hold says that the projector stands behind its claim, and finds out
	// whether it still does. Errors: as of Commit.
	Hold(ctx context.Context, claim Checkpoint) error
}
