package jetstream

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// Ledger lists the erased sessions in a stream of its own, so that a backup
// which is older than an erasure can be filtered before anything is served.
type Ledger struct{ publisher *publisher }

// ledgerEntry is the content of a ledger message.
type ledgerEntry struct {
	ErasedAt time.Time `json:"erased_at"`
}

// Record notes an erasure; the first note of a session stands.
// Errors: CodeInvalid, CodeUnavailable.
func (l *Ledger) Record(ctx context.Context, session events.SessionID, erasedAt time.Time) error {
	if !isToken(string(session)) {
		return events.Errorf(events.CodeInvalid, "an erasure needs a session")
	}
	data, err := json.Marshal(ledgerEntry{erasedAt.UTC().Truncate(time.Millisecond)})
	if err != nil {
		return events.Wrap(err, events.CodeInvalid, "the time of an erasure cannot be written")
	}
	m := &nats.Msg{Subject: ledgerPrefix + string(session), Data: data, Header: nats.Header{}}
	guard(m, ledgerStream, 0)
	if _, _, err = l.publisher.settle(ctx, []*nats.Msg{m}); err != nil {
		return unavailable(err, "the erasure could not be written to the ledger")
	}
	return nil
}
