package jetstream

import (
	"context"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Belongings finds what an account has in the log, by reading it once from its
// start: 300,000 events a second or so. No seal is opened. Through must be the
// position of an event on the account's own stream; what was stored before it is
// found for certain, also on a server that lags behind.
// Errors: CodeInvalid, CodeUnavailable.
func (l *Log) Belongings(ctx context.Context, account events.AccountID, through events.Position) (events.Belongings, error) {
	own, err := subjectOf(account.Aggregate())
	if err != nil {
		return events.Belongings{}, err
	}
	consumer, err := l.js.OrderedConsumer(ctx, logStream, jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{logPrefix + "session.*", logPrefix + "topic.*", logPrefix + "email.*", logPrefix + "identity.*", own},
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		InactiveThreshold: followIdle,
	})
	if err != nil {
		return events.Belongings{}, unavailable(err, "the event log cannot be read")
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(followPull))
	if err != nil {
		return events.Belongings{}, unavailable(err, "the event log cannot be read")
	}
	defer messages.Stop()
	inventory := inventory{of: account, held: map[events.Aggregate]bool{}}
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return events.Belongings{}, unavailable(err, "the event log was not read to its end")
		}
		s, err := received(m)
		if err != nil {
			return events.Belongings{}, err
		}
		inventory.take(s)
		if about, err := m.Metadata(); err != nil || s.seq >= uint64(through) && about.NumPending == 0 {
			return inventory.belongings(), err
		}
	}
}

// inventory collects what is an account's.
type inventory struct {
	of   events.AccountID
	held map[events.Aggregate]bool
}

// take looks at one message. A beginning that cannot be decoded counts as its
// actor's: nothing of a learner's may stay behind because it is damaged.
func (i inventory) take(m *stored) {
	kind, _ := events.KindOfType(m.header.Get(headerType))
	if !slices.Contains(beginnings, kind) {
		if damaged := kind == "" && strings.HasPrefix(m.header.Get(headerType), "parley.session_started."); !damaged {
			return
		}
	}
	e, _, err := decodeClear(m)
	if err != nil {
		if e.Aggregate.Kind == events.KindOfSession && e.Actor == events.Actor(i.of) {
			i.held[e.Aggregate] = true
		}
		return
	}
	i.note(e)
}

// beginnings are the kinds that say whose something is.
var beginnings = []events.Kind{
	events.KindSessionStarted, events.KindTopicAdded,
	events.KindEmailClaimed, events.KindEmailReleased, events.KindIdentityClaimed, events.KindIdentityReleased,
}

func (i inventory) note(e events.Event) {
	switch b := events.Current(e.Body).(type) {
	case *events.SessionStarted:
		i.mark(e.Aggregate, b.Learner == i.of)
	case *events.TopicAdded:
		i.mark(e.Aggregate, b.Owner == i.of)
	case *events.EmailClaimed:
		i.mark(e.Aggregate, b.Account == i.of)
	case *events.IdentityClaimed:
		i.mark(e.Aggregate, b.Account == i.of)
	case *events.EmailReleased, *events.IdentityReleased:
		i.mark(e.Aggregate, false)
	}
}

func (i inventory) mark(a events.Aggregate, mine bool) {
	if mine {
		i.held[a] = true
	} else {
		delete(i.held, a)
	}
}

func (i inventory) belongings() events.Belongings {
	var b events.Belongings
	for a := range i.held {
		switch a.Kind {
		case events.KindOfSession:
			b.Sessions = append(b.Sessions, events.SessionID(a.ID))
		case events.KindOfTopic:
			b.Topics = append(b.Topics, events.TopicID(a.ID))
		case events.KindOfEmail:
			b.Emails = append(b.Emails, a.ID)
		case events.KindOfIdentity:
			b.Identities = append(b.Identities, a.ID)
		}
	}
	return events.Belongings{}.With(b)
}
