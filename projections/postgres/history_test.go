package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

// history is what callers of the log and of the store were told, in Jepsen's
// manner: each call as an operation with the moments of its begin and its end.
type history struct {
	answers *projections.Mark // how many operations have ended

	mu      sync.Mutex
	moment  int // counts what happened
	appends []*operation
	commits []handover
}

func newHistory() *history { return &history{answers: projections.NewMark()} }

// operation is one append as its caller saw it.
type operation struct {
	to       events.Aggregate
	expected events.Position
	ids      []events.EventID
	invoked  int         // a moment
	answered int         // a moment; 0: never
	unknown  bool        // the first answer was that nobody knows
	code     events.Code // of the last answer; "": stored
	at       events.Position
}

func (o operation) String() string {
	return fmt.Sprintf("%s to %s, expecting %d: %q at %d", o.ids, o.to, o.expected, o.code, o.at)
}

// handover is one batch that a projector gave to a store.
type handover struct {
	from, to events.Position
	batch    []events.EventID
	stored   bool // so it was answered; else it may be
}

func (h *history) invoke(to events.Aggregate, expected events.Expected, evs []events.Event) *operation {
	at, _ := expected.Position()
	o := &operation{to: to, expected: at, ids: eventIDs(evs)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moment++
	o.invoked = h.moment
	h.appends = append(h.appends, o)
	return o
}

func (h *history) answer(o *operation, at events.Position, code events.Code, unknown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moment++
	o.answered, o.at, o.code, o.unknown = h.moment, at, code, unknown
	h.answers.Reach(h.answers.At() + 1)
}

func (h *history) handed(c handover) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commits = append(h.commits, c)
}

// operations are all appends, once nobody calls any more.
func (h *history) operations() []operation {
	all := make([]operation, len(h.appends))
	for i, o := range h.appends {
		all[i] = *o
	}
	return all
}

func eventIDs(evs []events.Event) []events.EventID {
	ids := make([]events.EventID, len(evs))
	for i, e := range evs {
		ids[i] = e.ID
	}
	return ids
}

// recorder is a log that writes down who appends what and with which answer.
// What nobody knows it settles, until patient ends.
type recorder struct {
	events.LoadAppender
	history *history
	patient context.Context
}

func (r recorder) Append(ctx context.Context, to events.Aggregate, expected events.Expected, evs ...events.Event) (events.Position, error) {
	o := r.history.invoke(to, expected, evs)
	at, err := r.LoadAppender.Append(ctx, to, expected, evs...)
	unknown := events.CodeOf(err) == events.CodeUnknown
	var unsettled *events.Unsettled
	if unknown && errors.As(err, &unsettled) {
		at, err = unsettled.Settle(r.patient)
	}
	r.history.answer(o, at, events.CodeOf(err), unknown)
	return at, err
}

// recordedStore is a store that writes down what it was given.
type recordedStore struct {
	*postgres.Store
	history *history
}

func (s recordedStore) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	at, err := s.Store.Commit(ctx, from, log, batch)
	s.history.handed(handover{from.Position, batch[len(batch)-1].Position, eventIDs(batch), err == nil})
	return at, err
}
