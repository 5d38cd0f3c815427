package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Finding names how a log differs from the one that a worker remembers (event
// log page, Log identity).
type Finding string

// The findings. Each stops the worker until an operator decides.
const (
	Recreated  Finding = "recreated"   // another epoch: another log
	TailLost   Finding = "tail_lost"   // the log ends before what was there
	Forked     Finding = "forked"      // another event lies where one was
	Removed    Finding = "removed"     // the event is gone, and no tombstone says why
	HeadPurged Finding = "head_purged" // events behind it were removed without an erasure
)

// Memory is what a worker remembers of the log: who it was, what lay at its end
// when the worker last began, and up to where its work was done then. It lies in the
// metadata of the worker's consumer. The server's own count of what is done says
// nothing of a log whose head is purged: it moves on with the head.
type Memory struct {
	Epoch    string
	Created  time.Time
	Position events.Position // zero for a log that was empty
	Event    events.EventID  // the event there
	Of       events.Aggregate
	Done     events.Position // up to which all was done
}

// Mismatch is the cause of the CodeConflict error of a worker on a log that is
// not the one it remembers.
type Mismatch struct {
	Worker     string
	Finding    Finding
	Remembered Memory
	Log        events.Identity
}

// Error names the finding with the numbers that show it.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("log %s: worker %s remembers epoch %s, created %s, event %s at %d; the log has epoch %s, created %s, positions %d to %d",
		m.Finding, m.Worker, m.Remembered.Epoch, m.Remembered.Created, m.Remembered.Event, m.Remembered.Position,
		m.Log.Epoch, m.Log.Created, m.Log.First, m.Log.Last)
}

// Forget lets a worker begin anew at the log's start, once an operator has
// decided that this log is the one to keep. What it did before it finds done.
// A worker that never ran is fine. Errors: CodeUnavailable.
func (l *Log) Forget(ctx context.Context, worker string) error {
	err := l.js.DeleteConsumer(ctx, logStream, worker)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return unavailable(err, "the worker's place in the event log cannot be removed")
	}
	return nil
}

// Recall compares the log with what a worker remembers of it. One that never ran
// is fine. Errors: CodeConflict with a *Mismatch, CodeInvalid for a memory that was
// changed by hand, CodeUnavailable.
func (l *Log) Recall(ctx context.Context, worker string) error {
	_, err := l.recall(ctx, worker)
	return err
}

// recall compares the log with what a worker remembers of it and gives what it
// is to remember from now on. A log that was restored up to there is accepted.
// Errors: CodeConflict with a *Mismatch, CodeUnavailable.
func (l *Log) recall(ctx context.Context, worker string) (Memory, error) {
	now, err := l.Identity(ctx)
	if err != nil {
		return Memory{}, err
	}
	remembered, done, err := l.remembered(ctx, worker)
	if err != nil {
		return Memory{}, err
	}
	finding, err := l.compare(ctx, remembered, now)
	if err != nil {
		return Memory{}, err
	}
	if finding != "" {
		message := fmt.Sprintf("the event log is not the one that worker %s remembers (%s); it does nothing until an operator decides", worker, finding)
		return Memory{}, events.Wrap(&Mismatch{worker, finding, remembered, now}, events.CodeConflict, message)
	}
	next, err := l.look(ctx, now)
	next.Done = max(done, now.First-1) // what was not there when it began is no loss
	return next, err
}

// compare finds what is wrong; nothing when there is no memory yet.
func (l *Log) compare(ctx context.Context, m Memory, now events.Identity) (Finding, error) {
	switch {
	case m.Epoch == "":
		return "", nil
	case m.Epoch != now.Epoch:
		return Recreated, nil
	case now.Last < m.Position:
		return TailLost, nil
	}
	finding, err := l.standing(ctx, m)
	if err != nil || finding != "" {
		return finding, err
	}
	return l.headPurged(ctx, m.Done+1, now.First)
}

// standing looks at the event that was the log's last: it still is there, or an
// erasure lists it.
func (l *Log) standing(ctx context.Context, m Memory) (Finding, error) {
	if m.Position == 0 {
		return "", nil
	}
	there, err := l.leader.at(ctx, uint64(m.Position))
	switch {
	case err != nil:
		return "", err
	case there != nil && there.id() != m.Event:
		return Forked, nil
	case there != nil:
		return "", nil
	}
	erased, err := l.erased(ctx, m.Of)
	if err == nil && !erased.Has(int64(m.Position)) {
		return Removed, nil
	}
	return "", err
}

// headPurged tells whether events are missing from a position up to the log's
// first one that the tombstones of the erased do not list.
func (l *Log) headPurged(ctx context.Context, from, first events.Position) (Finding, error) {
	if first <= from {
		return "", nil
	}
	erasures, err := l.ledger.All(ctx)
	if err != nil {
		return "", err
	}
	var erased events.Numbers
	for _, e := range erasures {
		for _, of := range streamsOf(e) {
			listed, err := l.erased(ctx, of)
			if err != nil {
				return "", err
			}
			erased = erased.Union(listed)
		}
	}
	for at := from; at < first; at++ {
		if !erased.Has(int64(at)) {
			return HeadPurged, nil
		}
	}
	return "", nil
}

// erased are the positions that the tombstones of an aggregate list. A subject
// that no command writes to has none.
func (l *Log) erased(ctx context.Context, of events.Aggregate) (erased events.Numbers, err error) {
	evs, err := l.Load(ctx, of, 0)
	if events.CodeOf(err) == events.CodeInvalid {
		return erased, nil
	}
	for _, e := range evs {
		if tombstone, is := e.Body.(events.Tombstone); is {
			erased = erased.Union(tombstone.Removed())
		}
	}
	return erased, err
}

// look is the log as it is now.
func (l *Log) look(ctx context.Context, now events.Identity) (Memory, error) {
	m := Memory{Epoch: now.Epoch, Created: now.Created}
	last, err := l.leader.last(ctx, logPrefix+">")
	if err != nil || last == nil {
		return m, err
	}
	m.Position = events.Position(last.seq)
	m.Event = last.id()
	m.Of = aggregateOf(last.subject)
	return m, nil
}

// Keys of a memory in a consumer's metadata; the epoch's is that of the stream.
const (
	createdMetadata  = "parley_created"
	positionMetadata = "parley_position"
	eventMetadata    = "parley_event"
	subjectMetadata  = "parley_subject"
	doneMetadata     = "parley_done" // not in those of earlier versions
)

func (m Memory) metadata() map[string]string {
	return map[string]string{
		epochMetadata:    m.Epoch,
		createdMetadata:  m.Created.Format(time.RFC3339Nano),
		positionMetadata: strconv.FormatUint(uint64(m.Position), 10),
		eventMetadata:    string(m.Event),
		subjectMetadata:  logPrefix + string(m.Of.Kind) + "." + m.Of.ID,
		doneMetadata:     strconv.FormatUint(uint64(m.Done), 10),
	}
}

// remembered reads a worker's memory, empty for one that never worked on this log,
// and up to where its work is done now. Errors: CodeInvalid for one that was
// changed by hand, CodeUnavailable.
func (l *Log) remembered(ctx context.Context, worker string) (m Memory, done events.Position, err error) {
	consumer, err := l.js.Consumer(ctx, logStream, worker)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return m, 0, nil
	}
	if err != nil {
		return m, 0, unavailable(err, "the worker's place in the event log cannot be found")
	}
	info := consumer.CachedInfo()
	done = events.Position(info.AckFloor.Stream)
	written := info.Config.Metadata
	if written[epochMetadata] == "" {
		return m, done, nil
	}
	m = Memory{Epoch: written[epochMetadata], Event: events.EventID(written[eventMetadata]), Of: aggregateOf(written[subjectMetadata]), Done: done}
	created, timeErr := time.Parse(time.RFC3339Nano, written[createdMetadata])
	position, numberErr := strconv.ParseUint(written[positionMetadata], 10, 64)
	if text := written[doneMetadata]; text != "" {
		was, err := strconv.ParseUint(text, 10, 64)
		m.Done, numberErr = events.Position(was), errors.Join(numberErr, err)
	}
	if err := errors.Join(timeErr, numberErr); err != nil {
		return m, done, events.Wrap(err, events.CodeInvalid, "what the worker remembers of the event log cannot be read")
	}
	m.Created, m.Position = created, events.Position(position)
	return m, done, nil
}
