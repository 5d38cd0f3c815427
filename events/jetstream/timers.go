package jetstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Headers of a scheduled message (JetStream, ADR-51).
const (
	scheduleHeader = "Nats-Schedule"
	targetHeader   = "Nats-Schedule-Target"
)

// Timers wake a worker about a session, one timer for each. They lie in a work
// queue of their own and survive restarts. A timer is a hint: it may ring a
// second early or late, more than once, or for a session that is gone.
type Timers struct {
	publisher *publisher
	wait      time.Duration
}

// Arm sets the session's timer; it takes the place of an earlier one. A moment
// that has passed rings at once. Each arming is a synced write.
// Errors: CodeInvalid, CodeUnavailable.
func (t *Timers) Arm(ctx context.Context, session events.SessionID, at time.Time) error {
	if !isToken(string(session)) {
		return events.Errorf(events.CodeInvalid, "a timer needs a session")
	}
	m := &nats.Msg{Subject: armedPrefix + string(session), Header: nats.Header{
		jetstream.ExpectedStreamHeader: {timerStream},
		scheduleHeader:                 {"@at " + wholeSecond(at).Format(time.RFC3339)},
		targetHeader:                   {duePrefix + string(session)},
	}}
	if _, _, err := t.publisher.settle(ctx, []*nats.Msg{m}); err != nil {
		return unavailable(err, "the timer could not be set")
	}
	return nil
}

// wholeSecond rounds up: a schedule knows no part of a second.
func wholeSecond(at time.Time) time.Time {
	return at.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// Cancel takes the session's timer back; one that is not there is fine. One
// that is due already rings all the same.
// Errors: CodeInvalid, CodeUnavailable.
func (t *Timers) Cancel(ctx context.Context, session events.SessionID) error {
	if !isToken(string(session)) {
		return events.Errorf(events.CodeInvalid, "a timer needs a session")
	}
	request, err := json.Marshal(map[string]string{"filter": armedPrefix + string(session)})
	if err != nil {
		return events.Wrap(err, events.CodeInternal, "the timer's name cannot be written")
	}
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	answer, err := t.publisher.nc.RequestWithContext(ctx, "$JS.API.STREAM.PURGE."+timerStream, request)
	if err != nil {
		return unavailable(err, "the timer could not be taken back")
	}
	var purged struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &purged); err != nil {
		return unavailable(err, "whether the timer was taken back cannot be read")
	}
	if purged.Error != nil {
		return unavailable(purged.Error, "the timer could not be taken back")
	}
	return nil
}

// Ring runs a worker on the timers that are due until the context ends, as
// [Log.Work] does on events: the hint that Handle gets has an Aggregate and
// nothing else. Kinds and GiveUp have no meaning here: what was not handled
// rings again. Errors: CodeInvalid, CodeUnavailable when the queue is lost.
func (t *Timers) Ring(ctx context.Context, worker Worker) error {
	if !isToken(worker.Name) || worker.Handle == nil {
		return events.Errorf(events.CodeInvalid, "a worker needs a name and something to do")
	}
	worker = worker.withDefaults()
	worker.GiveUp = nil
	config := worker.consumer()
	config.FilterSubject = duePrefix + "*"
	consumer, err := t.publisher.js.CreateOrUpdateConsumer(ctx, timerStream, config)
	if err != nil {
		return unavailable(err, "the timers cannot be heard")
	}
	everyOne := func(jetstream.Msg) bool { return true }
	return newShift(worker, everyOne, due).run(ctx, consumer)
}

// due is the hint of a timer that rings.
func due(_ context.Context, m *stored) (events.Event, error) {
	return events.Event{Aggregate: events.SessionID(strings.TrimPrefix(m.subject, duePrefix)).Aggregate()}, nil
}
