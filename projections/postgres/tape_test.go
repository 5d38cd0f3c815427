package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"parley/events"
	"parley/events/eventstest"
)

// tape is a log that is all written: what a projector reads of one.
type tape struct {
	identity events.Identity
	all      []events.Event
	cuts     []cut // in turn; none: batches as large as they may be
	// settled waits until what was delivered is committed, so that the cuts are
	// those of the commits; nil: it is not waited for.
	settled func(context.Context, events.Position) error
}

// cut says how many new events a batch holds at most, and how many before them
// it delivers once more.
type cut struct{ size, again int }

// tapeOf puts events at the positions from 1 on, sealed.
func tapeOf(evs ...events.Event) *tape {
	for i := range evs {
		evs[i].Position = events.Position(i + 1)
		if evs[i].ID == "" {
			evs[i].ID = events.EventID(fmt.Sprintf("event-%d", i+1))
		}
		if evs[i].Time.IsZero() {
			evs[i].Time = eventstest.Began.Add(time.Duration(i) * time.Second)
		}
		evs[i] = sealed(evs[i])
	}
	return &tape{
		identity: events.Identity{Epoch: "01KKNQ5E4800000000000000EP", Created: eventstest.Began, First: 1, Last: events.Position(len(evs))},
		all:      evs,
	}
}

// upTo is the same log, earlier.
func (l *tape) upTo(last int) *tape {
	earlier := *l
	earlier.all = l.all[:last]
	earlier.identity.Last = events.Position(last)
	return &earlier
}

func (l *tape) Identity(context.Context) (events.Identity, error) { return l.identity, nil }

func (l *tape) Load(_ context.Context, of events.Aggregate, after events.Position) (found []events.Event, err error) {
	for _, e := range l.all {
		if e.Aggregate == of && e.Position > after {
			found = append(found, e)
		}
	}
	return found, nil
}

func (l *tape) At(_ context.Context, at events.Position) (id events.EventID, there bool, err error) {
	if at == 0 || int(at) > len(l.all) {
		return "", false, nil
	}
	return l.all[at-1].ID, true, nil
}

func (l *tape) Follow(ctx context.Context, after events.Position, most int, deliver func([]events.Event) error) error {
	for at, i := int(after), 0; at < len(l.all); i++ {
		c := cut{size: most}
		if len(l.cuts) > 0 {
			c = l.cuts[i%len(l.cuts)]
		}
		next := min(at+c.size, len(l.all))
		if err := deliver(l.all[max(0, at-c.again):next]); err != nil {
			return err
		}
		at = next
		if l.settled != nil {
			if err := l.settled(ctx, l.all[next-1].Position); err != nil {
				return err
			}
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// on makes an event of an aggregate.
func on(a events.Aggregate, body events.Body) events.Event {
	return events.Event{Aggregate: a, Body: body}
}

// growing is a log to which its test appends.
type growing struct {
	*tape
	mu    sync.Mutex
	open  int // so many events are there
	grown chan struct{}
}

func (g *growing) grow(by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = min(g.open+by, len(g.all))
	close(g.grown)
	g.grown = make(chan struct{})
}

func (g *growing) state() (open int, grown <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.grown
}

func (g *growing) opened() int {
	open, _ := g.state()
	return open
}

func (g *growing) Identity(context.Context) (events.Identity, error) {
	open, _ := g.state()
	return g.upTo(open).identity, nil
}

func (g *growing) Follow(ctx context.Context, after events.Position, most int, deliver func([]events.Event) error) error {
	for at := int(after); ; {
		open, grown := g.state()
		if at < open {
			next := min(at+most, open)
			if err := deliver(g.all[at:next]); err != nil {
				return err
			}
			at = next
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
