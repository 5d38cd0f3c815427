package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// mostDirect is how many messages one request for several asks for; the
// server's own limit for last messages is 1024.
const mostDirect = 1000

// replica reads several messages with one request by direct get. Any replica
// may answer it: what comes is in the stream, but what was stored just now may
// not come yet.
type replica struct {
	nc     *nats.Conn
	stream string
	wait   time.Duration
}

// directRequest is JetStream's DIRECT.GET for several messages.
type directRequest struct {
	Seq      uint64   `json:"seq,omitempty"`
	NextFor  string   `json:"next_by_subj,omitempty"`
	Batch    int      `json:"batch,omitempty"`
	LastsFor []string `json:"multi_last,omitempty"`
}

// batch reads messages of a subject, from a position on and not past another.
func (r replica) batch(ctx context.Context, subject string, from, to uint64) ([]*stored, error) {
	found, err := r.get(ctx, directRequest{Seq: from, NextFor: subject, Batch: mostDirect})
	for i, m := range found {
		if m.seq > to {
			return found[:i], err
		}
	}
	return found, err
}

// lasts are the last positions of at most mostDirect subjects; zero for one
// without a message.
func (r replica) lasts(ctx context.Context, subjects []string) (map[string]uint64, error) {
	found, err := r.get(ctx, directRequest{LastsFor: subjects})
	if err != nil {
		return nil, err
	}
	lasts := make(map[string]uint64, len(found))
	for _, m := range found {
		lasts[m.subject] = m.seq
	}
	return lasts, nil
}

// get has a channel of the right size, where jetstreamext makes one of half a
// megabyte for each call; most reads are of a few messages.
func (r replica) get(ctx context.Context, what directRequest) (found []*stored, err error) {
	answers := make(chan *nats.Msg, mostDirect+1) // and the end
	inbox := r.nc.NewInbox()
	subscription, err := r.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, unavailable(err, "the event log cannot be read")
	}
	defer func() { err = errors.Join(err, left(subscription)) }()
	request, err := json.Marshal(what)
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	if err := r.nc.PublishRequest("$JS.API.DIRECT.GET."+r.stream, inbox, request); err != nil {
		return nil, unavailable(err, "the event log cannot be read")
	}
	for {
		m, err := r.nextAnswer(ctx, answers)
		if err != nil || m == nil {
			return found, err
		}
		found = append(found, m)
	}
}

// left ends a subscription; that of a closed connection has ended.
func left(subscription *nats.Subscription) error {
	if err := subscription.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return unavailable(err, "the event log cannot be read")
	}
	return nil
}

// nextAnswer is the next message; nil at the end.
func (r replica) nextAnswer(ctx context.Context, answers <-chan *nats.Msg) (*stored, error) {
	late := time.NewTimer(r.wait)
	defer late.Stop()
	select {
	case m := <-answers:
		return directAnswer(m)
	case <-late.C:
		return nil, events.Errorf(events.CodeUnavailable, "the event log broke off a read")
	case <-ctx.Done():
		return nil, unavailable(ctx.Err(), "the event log was not read in time")
	}
}

// directAnswer reads a direct get's message; nil at the end. The end, and that
// there is nothing, come as a status (204 and 404). A message has its position in
// a header that the server adds last, whatever else was stored there; where that
// cannot be read either, this read ends too, and the leader knows what comes next.
func directAnswer(m *nats.Msg) (*stored, error) {
	seq, isMessage := added(m, jetstream.SequenceHeader)
	if isMessage {
		at, err := strconv.ParseUint(seq, 10, 64)
		if err != nil {
			return nil, unavailable(err, "a message came without its position")
		}
		subject, _ := added(m, jetstream.SubjectHeader)
		return &stored{subject: subject, seq: at, header: m.Header, data: m.Data}, nil
	}
	switch status := m.Header.Get("Status"); status {
	case "", "204", "404":
		return nil, nil
	default:
		return nil, events.Errorf(events.CodeUnavailable, "the event log refused a read: %s %s", status, m.Header.Get("Description"))
	}
}

// added is the last value of a header: the server's own.
func added(m *nats.Msg, name string) (value string, is bool) {
	values := m.Header[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}
