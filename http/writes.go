package http

import (
	"context"
	"sync"
	"time"

	"parley/events"
	"parley/projections"
)

// waitForWrite bounds how long a read waits for the read models.
const waitForWrite = 5 * time.Second

// writes remembers each account's last position, so that a learner always
// sees what she just did, whichever tab asks.
type writes struct {
	mu   sync.Mutex
	last map[events.AccountID]events.Position
}

// rememberedWrites bounds the memory; forgetting only costs a fresh read.
const rememberedWrites = 10_000

func (w *writes) note(account events.AccountID, at events.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) >= rememberedWrites {
		clear(w.last)
	}
	w.last[account] = max(w.last[account], at)
}

func (w *writes) of(account events.AccountID) events.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[account]
}

// Changes tells what the read models have reached.
type Changes interface {
	// Wait returns when the read models hold everything up to the position.
	// Errors: CodeUnavailable when the context ends first.
	Wait(ctx context.Context, at events.Position) error
	// Position is what the read models hold, as far as this process was told.
	Position() events.Position
	// Subscribe tells of each change of a learner's sessions until cancel.
	Subscribe(learner events.AccountID) (changes <-chan projections.Change, cancel func())
}

// fresh waits until the caller's reads hold her last write and the position
// that she names, if any. Errors: CodeInvalid, CodeUnavailable.
func (s *Server) fresh(ctx context.Context, minPosition string) error {
	at := s.writes.of(caller(ctx))
	if minPosition != "" {
		named, err := events.ParsePosition(minPosition)
		if err != nil {
			return err
		}
		at = max(at, named)
	}
	ctx, cancel := context.WithTimeout(ctx, waitForWrite)
	defer cancel()
	return s.doors.Changes.Wait(ctx, at)
}
