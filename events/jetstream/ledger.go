package jetstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// Ledger lists what was erased in a stream of its own, so that a backup which is
// older than an erasure can be filtered before anything is served.
type Ledger struct {
	publisher *publisher
	leader    leader
}

// streamsOf are those that hold the tombstones of an erasure.
func streamsOf(e events.Erasure) []events.Aggregate {
	if e.Of.Kind == events.KindOfAccount {
		return []events.Aggregate{e.Of, events.AuditOf(events.AccountID(e.Of.ID))}
	}
	return []events.Aggregate{e.Of}
}

// ledgerEntry is the content of a ledger message. The subject holds the id, which is a
// ULID, or a keyed hash of a key for its kind, and so never that of two things.
type ledgerEntry struct {
	Kind     events.AggregateKind `json:"kind,omitempty"` // empty: a session
	ErasedAt time.Time            `json:"erased_at"`
	Asked    bool                 `json:"asked,omitempty"`
	Receipt  string               `json:"receipt,omitempty"`
}

// Record notes an erasure; its first note stands.
// Errors: CodeInvalid, CodeUnavailable.
func (l *Ledger) Record(ctx context.Context, of events.Aggregate, erasedAt time.Time) error {
	return l.Take(ctx, events.Erasure{Of: of, ErasedAt: erasedAt})
}

// Take notes an entry as it stands in another ledger, or of what was only asked for;
// the first note stands. Errors: CodeInvalid, CodeUnavailable.
func (l *Ledger) Take(ctx context.Context, e events.Erasure) error {
	of := e.Of
	entry := ledgerEntry{ErasedAt: e.ErasedAt.UTC().Truncate(time.Millisecond), Asked: e.Asked, Receipt: e.Receipt}
	switch {
	case of.Kind == events.KindOfSession:
	case of.Kind == events.KindOfAccount, of.Kind == events.KindOfTopic, of.Kind.IsClaim():
		entry.Kind = of.Kind
	default:
		return events.Errorf(events.CodeInvalid, "the ledger lists sessions, accounts, topics and claims")
	}
	if !isToken(of.ID) {
		return events.Errorf(events.CodeInvalid, "an erasure needs an id")
	}
	data, err := json.Marshal(entry)
	if err != nil {
		return events.Wrap(err, events.CodeInvalid, "the time of an erasure cannot be written")
	}
	m := &nats.Msg{Subject: ledgerPrefix + of.ID, Data: data, Header: nats.Header{}}
	guard(m, ledgerStream, 0)
	if _, _, err = l.publisher.settle(ctx, []*nats.Msg{m}); err != nil {
		return unavailable(err, "the erasure could not be written to the ledger")
	}
	return nil
}

// All reads the ledger, in the order of the erasures. Errors: those of Since.
func (l *Ledger) All(ctx context.Context) ([]events.Erasure, error) {
	all, _, err := l.Since(ctx, 0)
	return all, err
}

// Since reads the ledger behind a place in it, zero being its start, and gives the
// place to go on from.
// Errors: CodeUnavailable; CodeInvalid for an entry that cannot be read, since
// what it lists must not be served.
func (l *Ledger) Since(ctx context.Context, after uint64) (erased []events.Erasure, through uint64, err error) {
	for {
		m, err := l.leader.next(ctx, ledgerPrefix+"*", after+1)
		if err != nil || m == nil {
			return erased, after, err
		}
		entry := ledgerEntry{Kind: events.KindOfSession}
		if err := json.Unmarshal(m.data, &entry); err != nil {
			return nil, after, events.Wrap(err, events.CodeInvalid, "an entry of the ledger of erasures cannot be read")
		}
		id := strings.TrimPrefix(m.subject, ledgerPrefix)
		erased = append(erased, events.Erasure{
			Of: events.Aggregate{Kind: entry.Kind, ID: id}, ErasedAt: entry.ErasedAt, Asked: entry.Asked, Receipt: entry.Receipt,
		})
		after = m.seq
	}
}
