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

// Erasure is one entry of the ledger.
type Erasure struct {
	Of       events.Aggregate // a session, an account, or a learner's own topic
	ErasedAt time.Time
}

// streams are those that hold the tombstones of an erasure.
func (e Erasure) streams() []events.Aggregate {
	if e.Of.Kind == events.KindOfAccount {
		return []events.Aggregate{e.Of, events.AuditOf(events.AccountID(e.Of.ID))}
	}
	return []events.Aggregate{e.Of}
}

// ledgerEntry is the content of a ledger message. The subject holds the id, which
// is a ULID and so never that of two things.
type ledgerEntry struct {
	Kind     events.AggregateKind `json:"kind,omitempty"` // empty: a session
	ErasedAt time.Time            `json:"erased_at"`
}

// Record notes an erasure; its first note stands.
// Errors: CodeInvalid, CodeUnavailable.
func (l *Ledger) Record(ctx context.Context, of events.Aggregate, erasedAt time.Time) error {
	entry := ledgerEntry{ErasedAt: erasedAt.UTC().Truncate(time.Millisecond)}
	switch of.Kind {
	case events.KindOfSession:
	case events.KindOfAccount, events.KindOfTopic:
		entry.Kind = of.Kind
	default:
		return events.Errorf(events.CodeInvalid, "the ledger lists sessions, accounts and topics")
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
		entry := ledgerEntry{Kind: events.KindOfSession}
		if err := json.Unmarshal(m.data, &entry); err != nil {
			return nil, events.Wrap(err, events.CodeInvalid, "an entry of the ledger of erasures cannot be read")
		}
		id := strings.TrimPrefix(m.subject, ledgerPrefix)
		all = append(all, Erasure{events.Aggregate{Kind: entry.Kind, ID: id}, entry.ErasedAt})
		from = m.seq + 1
	}
}

// Sessions lists the sessions that were erased after one moment, and not after
// another. Errors: those of All.
func (l *Ledger) Sessions(ctx context.Context, after, until time.Time) (erased []events.SessionID, err error) {
	all, err := l.All(ctx)
	for _, e := range all {
		if e.Of.Kind == events.KindOfSession && e.ErasedAt.After(after) && !e.ErasedAt.After(until) {
			erased = append(erased, events.SessionID(e.Of.ID))
		}
	}
	return erased, err
}
