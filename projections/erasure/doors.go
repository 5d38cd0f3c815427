package erasure

import (
	"context"
	"time"

	"parley/events"
)

// Log is what the eraser needs of the log.
type Log = events.LoadAppender

// Calls are those that learners have at the provider. Their ids there are sealed under
// the keys of their sessions.
type Calls interface {
	// HangUpAll ends the calls of these sessions that are up; those that are over are
	// no error. A provider that is away holds it up for about a second, and is no
	// error either: nobody's words stay readable for that. Errors: those of the log;
	// that of ctx.
	HangUpAll(ctx context.Context, sessions []events.SessionID) error
}

// Vault keeps the data keys.
type Vault interface {
	// Destroy makes everything unreadable that was sealed for the owner. Doing it
	// again is no error. Errors: CodeUnavailable.
	Destroy(ctx context.Context, owner events.Aggregate) error

	// Keyed gives the key of a name, for keyed hashes. Errors: CodeUnavailable.
	Keyed(ctx context.Context, name string) ([32]byte, error)
}

// Objects is the store.
type Objects interface {
	// RemoveSession deletes everything of a session, all versions and unfinished
	// uploads, and tells how many there were. Errors: CodeUnavailable.
	RemoveSession(ctx context.Context, id events.SessionID) (int, error)
}

// Ledger lists what was erased, apart from the log, for backups to be filtered by.
type Ledger interface {
	// Record notes an erasure; its first note stands. Errors: CodeUnavailable.
	Record(ctx context.Context, of events.Aggregate, unreadableAt time.Time) error

	// Since lists what was erased behind a place of the ledger, zero being its start,
	// and gives the place to go on from. Errors: CodeUnavailable.
	Since(ctx context.Context, after uint64) (erased []events.Erasure, through uint64, err error)
}

// Sweeper overwrites single events on the disk.
type Sweeper interface {
	// Has tells whether an event lies at the position. Errors: CodeUnavailable.
	Has(ctx context.Context, at events.Position) (bool, error)

	// SecureDelete overwrites the event at the position; none there is no error.
	// Errors: CodeUnavailable.
	SecureDelete(ctx context.Context, at events.Position) error
}

// Copies are the other places on the log's servers that hold its events.
type Copies interface {
	// Clean overwrites in each copy the events that were at these positions of an
	// aggregate, and waits for its turn before each. It tells of every copy, also
	// of one that it could not clean, and why. Errors: CodeUnavailable.
	Clean(ctx context.Context, of events.Aggregate, positions events.Numbers, turn func(context.Context) error) ([]events.Copy, error)
}

// Register knows what is whose.
type Register interface {
	// Belongings finds what an account has in the log. Through is the position of
	// an event of the account; what was stored before it is found for certain.
	// Errors: CodeUnavailable.
	Belongings(ctx context.Context, account events.AccountID, through events.Position) (events.Belongings, error)

	// Claims finds the claims of which events name these accounts and sessions, by
	// their ids, and gives whom each names. Errors: CodeUnavailable.
	Claims(ctx context.Context, of map[string]bool) (map[events.Aggregate][]string, error)
}

// SignIns are the browsers in which accounts are signed in.
type SignIns interface {
	// RevokeAll ends every sign-in of an account. Errors: CodeUnavailable.
	RevokeAll(ctx context.Context, account events.AccountID) error
}

// Pace holds the sweep back: Wait returns when the next event may be overwritten,
// or with the context's error. Ten a second is design section 7's pace;
// *rate.Limiter of golang.org/x/time does it.
type Pace interface {
	Wait(ctx context.Context) error
}

// Doors is all that an eraser reaches.
type Doors struct {
	Log      Log
	Calls    Calls
	Vault    Vault
	Objects  Objects
	Ledger   Ledger
	Sweeper  Sweeper
	Copies   Copies
	Register Register
	SignIns  SignIns
}
