package jetstream

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// write is one append on its way: its bytes are made once and sent as often as
// it takes.
type write struct {
	aggregate events.Aggregate
	subject   string
	expected  events.Position
	messages  []*nats.Msg
	sent      bool // some attempt may be stored or yet become so
}

// Append implements [events.Appender].
func (l *Log) Append(ctx context.Context, to events.Aggregate, expected events.Expected, evs ...events.Event) (events.Position, error) {
	position, set := expected.Position()
	if !set {
		return 0, events.Errorf(events.CodeInvalid, "an append needs an expected position")
	}
	if err := checkAppend(to, evs); err != nil {
		return 0, err
	}
	subject, err := subjectOf(to)
	if err != nil {
		return 0, err
	}
	w := &write{aggregate: to, subject: subject, expected: position}
	if w.messages, err = l.seal(ctx, subject, evs); err != nil {
		return 0, err
	}
	guard(w.messages[0], logStream, uint64(position))
	return l.settle(ctx, w)
}

func checkAppend(to events.Aggregate, evs []events.Event) error {
	if len(evs) == 0 || len(evs) > events.MaxAppend {
		return events.Errorf(events.CodeInvalid, "an append holds 1 to %d events, not %d", events.MaxAppend, len(evs))
	}
	for _, e := range evs {
		switch {
		case e.Aggregate != to:
			return events.Errorf(events.CodeInvalid, "an append to %s holds an event of %s", to, e.Aggregate)
		case e.ID == "" || e.Body == nil || e.Body.Kind() == "":
			return events.Errorf(events.CodeInvalid, "an event needs an id and a body")
		}
	}
	return nil
}

// seal makes the messages of an append. Their size is checked here, since the
// server drops the connection over a message that is too large.
func (l *Log) seal(ctx context.Context, subject string, evs []events.Event) ([]*nats.Msg, error) {
	messages := make([]*nats.Msg, len(evs))
	for i, e := range evs {
		m, err := l.encode(ctx, subject, e)
		if err != nil {
			return nil, err
		}
		if int64(m.Size()) > l.nc.MaxPayload()-envelopeRoom {
			return nil, events.Errorf(events.CodeTooLarge, "event %s has %d bytes; the event log takes %d", e.ID, m.Size(), l.nc.MaxPayload()-envelopeRoom)
		}
		messages[i] = m
	}
	return messages, nil
}

// envelopeRoom is kept free for guard and batch headers, in bytes.
const envelopeRoom = 512

// guard lets a message, and the batch that it begins, in only behind the
// subject's expected last position.
func guard(m *nats.Msg, stream string, expected uint64) {
	m.Header[jetstream.ExpectedStreamHeader] = []string{stream}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(expected, 10)}
}

// size is that of all messages, in bytes.
func (w *write) size() (bytes int) {
	for _, m := range w.messages {
		bytes += m.Size()
	}
	return bytes
}

// settle brings a write to its definite answer, one write of an aggregate at a
// time. The next one's turn comes when nobody sends this one any more.
func (l *Log) settle(ctx context.Context, w *write) (events.Position, error) {
	pause := leastPause
	for {
		done, err := l.turns.take(ctx, w.subject)
		if err != nil {
			return 0, l.unsettled(w, err)
		}
		last, refused, err := l.committer.settle(ctx, w, done)
		if err != nil {
			return 0, l.unsettled(w, err)
		}
		if !refused {
			return events.Position(last), nil
		}
		at, known, err := l.readBack(ctx, w)
		if known || events.CodeOf(err) == events.CodeConflict {
			return at, err
		}
		w.sent = true // refused, and nobody knows yet by whom: it may be by ourselves
		if err := rest(ctx, &pause); err != nil {
			return 0, l.unsettled(w, err)
		}
	}
}

// readBack finds out what a refused guard met: the first event behind the
// expected position is ours, so an earlier attempt was stored; it is another's,
// so ours can never land; or it cannot be seen yet (known is false).
func (l *Log) readBack(ctx context.Context, w *write) (at events.Position, known bool, err error) {
	first, err := l.leader.next(ctx, w.subject, uint64(w.expected)+1)
	if err != nil {
		return 0, false, err
	}
	if first != nil && first.header.Get(headerID) == w.messages[0].Header.Get(headerID) {
		return events.Position(first.seq) + events.Position(len(w.messages)-1), true, nil
	}
	if first != nil {
		return 0, false, conflict(w)
	}
	last, err := l.leader.last(ctx, w.subject)
	if err != nil {
		return 0, false, err
	}
	if w.expected > 0 && (last == nil || last.seq < uint64(w.expected)) {
		return 0, false, conflict(w) // it expects what is not there
	}
	return 0, false, nil // what refused it is still on its way, or came just now
}

func conflict(w *write) error {
	return events.Errorf(events.CodeConflict, "%s has gone on since position %d", w.aggregate, w.expected)
}

// unsettled is the answer when no definite one came; other errors pass. The
// handle in it takes up where the append stopped.
func (l *Log) unsettled(w *write, err error) error {
	var refusal *events.Error
	var left *undecided
	switch {
	case errors.As(err, &left):
		w.sent = w.sent || left.sent
	case errors.As(err, &refusal) && !w.sent:
		return err
	}
	if !w.sent {
		return unavailable(err, "the event log cannot be reached; nothing was stored")
	}
	again := &events.Unsettled{Settle: func(ctx context.Context) (events.Position, error) { return l.settle(ctx, w) }}
	return events.Wrap(errors.Join(again, err), events.CodeUnknown, "the event log has not answered yet; whether this is stored will show")
}
