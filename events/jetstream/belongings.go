package jetstream

import (
	"context"
	"slices"
	"strings"

	"parley/events"
)

// Belongings finds what an account has in the log, and which claims name it, by
// reading it once from its start. No seal is opened. Through must be the position of an
// event on the account's own stream; what was stored before it is found for certain,
// also on a server that lags behind.
// Errors: CodeInvalid, CodeUnavailable.
func (l *Log) Belongings(ctx context.Context, account events.AccountID, through events.Position) (events.Belongings, error) {
	own, err := subjectOf(account.Aggregate())
	if err != nil {
		return events.Belongings{}, err
	}
	inventory := &inventory{of: account, held: map[events.Aggregate]bool{}}
	subjects := []string{logPrefix + "session.*", logPrefix + "topic.*", logPrefix + "email.*", logPrefix + "identity.*", own}
	if err := l.walk(ctx, subjects, through, func(m *stored) error { inventory.take(m); return nil }); err != nil {
		return events.Belongings{}, err
	}
	return inventory.belongings(), nil
}

// inventory collects what is an account's.
type inventory struct {
	of      events.AccountID
	held    map[events.Aggregate]bool
	claimed events.Numbers
}

// take looks at one message. A beginning that cannot be decoded counts as its
// actor's: nothing of a learner's may stay behind because it is damaged.
func (i *inventory) take(m *stored) {
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

func (i *inventory) note(e events.Event) {
	switch b := events.Current(e.Body).(type) {
	case *events.SessionStarted:
		i.mark(e.Aggregate, b.Learner == i.of)
	case *events.TopicAdded:
		i.mark(e.Aggregate, b.Owner == i.of)
	default:
		if events.Named(b) == string(i.of) { // also of a claim that is another's by now
			i.held[e.Aggregate] = true
			i.claimed = i.claimed.With(events.Range{First: int64(e.Position), Last: int64(e.Position)})
		}
	}
}

func (i *inventory) mark(a events.Aggregate, mine bool) {
	if mine {
		i.held[a] = true
	} else {
		delete(i.held, a)
	}
}

func (i *inventory) belongings() events.Belongings {
	b := events.Belongings{Claimed: i.claimed}
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
