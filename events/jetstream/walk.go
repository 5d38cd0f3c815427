package jetstream

import (
	"context"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// walk gives every message on some subjects, from the log's start to its end, 300,000
// a second or so. What was stored before the position through is among them for
// certain, also on a server that lags behind; the log holds one there on these subjects.
// Errors: CodeUnavailable; those of take.
func (l *Log) walk(ctx context.Context, subjects []string, through events.Position, take func(*stored) error) error {
	consumer, err := l.js.OrderedConsumer(ctx, logStream, jetstream.OrderedConsumerConfig{
		FilterSubjects:    subjects,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		InactiveThreshold: followIdle,
	})
	if err != nil {
		return unavailable(err, "the event log cannot be read")
	}
	if through == 0 && consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(followPull))
	if err != nil {
		return unavailable(err, "the event log cannot be read")
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return unavailable(err, "the event log was not read to its end")
		}
		s, err := received(m)
		if err != nil {
			return err
		}
		if err := take(s); err != nil {
			return err
		}
		if about, err := m.Metadata(); err != nil || s.seq >= uint64(through) && about.NumPending == 0 {
			return err
		}
	}
}

// Claims finds the claims of which events name these accounts and sessions, by their
// ids, and gives whom each names. Errors: CodeUnavailable.
func (l *Log) Claims(ctx context.Context, of map[string]bool) (map[events.Aggregate][]string, error) {
	naming := map[events.Aggregate][]string{}
	subjects := []string{logPrefix + "email.*", logPrefix + "identity.*", logPrefix + "call.*"}
	err := l.walk(ctx, subjects, 0, func(m *stored) error {
		e, _, err := decodeClear(m)
		if err != nil {
			return nil // it is told where it is projected; nobody can tell whom it names
		}
		if named := events.Named(events.Current(e.Body)); named != "" && of[named] {
			naming[e.Aggregate] = append(naming[e.Aggregate], named)
		}
		return nil
	})
	return naming, err
}

// Requested lists the sessions and accounts that were asked to be erased and have no
// tombstone, as entries of the ledger without a time.
// Errors: CodeUnavailable; CodeInvalid for a request that cannot be read.
func (l *Log) Requested(ctx context.Context) ([]events.Erasure, error) {
	var asked []events.Erasure
	waiting := map[events.Aggregate]bool{}
	err := l.walk(ctx, []string{logPrefix + "session.*", logPrefix + "account.*"}, 0, func(m *stored) error {
		switch kind, _ := events.KindOfType(m.header.Get(headerType)); {
		case kind.IsTombstone():
			delete(waiting, aggregateOf(m.subject))
			return nil
		case kind != events.KindSessionDeleteRequested && kind != events.KindAccountDeleteRequested:
			return nil
		}
		e, _, err := decodeClear(m)
		if err != nil {
			return err
		}
		entry := events.Erasure{Of: e.Aggregate, Asked: true}
		if account, is := e.Body.(*events.AccountDeleteRequested); is {
			entry.Receipt = account.Receipt
		}
		asked, waiting[e.Aggregate] = append(asked, entry), true
		return nil
	})
	return slices.DeleteFunc(asked, func(e events.Erasure) bool { return !waiting[e.Of] }), err
}
