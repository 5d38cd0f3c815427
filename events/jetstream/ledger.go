package jetstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// Ledger lists the erased sessions in a stream of its own, so that a backup
// which is older than an erasure can be filtered before anything is served.
type Ledger struct {
	publisher *publisher
	leader    leader
}

// Erasure is one entry of the ledger.
type Erasure struct {
	Session  events.SessionID `json:"session"`
	ErasedAt time.Time        `json:"erased_at"`
}

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

// All reads the ledger, in the order of the erasures.
// Errors: CodeUnavailable; CodeInvalid for an entry that cannot be read, since
// what it lists must not be served.
func (l *Ledger) All(ctx context.Context) ([]Erasure, error) {
	var all []Erasure
	for from := uint64(1); ; {
		m, err := l.leader.next(ctx, ledgerPrefix+"*", from)
		if err != nil || m == nil {
			return all, err
		}
		var entry ledgerEntry
		if err := json.Unmarshal(m.data, &entry); err != nil {
			return nil, events.Wrap(err, events.CodeInvalid, "an entry of the ledger of erasures cannot be read")
		}
		session := events.SessionID(strings.TrimPrefix(m.subject, ledgerPrefix))
		all = append(all, Erasure{session, entry.ErasedAt})
		from = m.seq + 1
	}
}
