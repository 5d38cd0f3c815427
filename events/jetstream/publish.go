package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"parley/events"
)

// Codes with which the server refuses or puts off a write. They are not in
// nats.go's own list (nats-server errors.json).
const (
	codeDuplicateInProcess jetstream.ErrorCode = 10158
	codeGuardNotReady      jetstream.ErrorCode = 10163
)

// Bounds of the wait between two attempts of one write.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// publisher sends guarded messages until the server's answer is definite. A
// read that finds nothing never proves that a publish was not stored, so after
// a doubtful answer the same bytes go again (event log page, Appending).
type publisher struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	wait time.Duration
}

// verdict is what one answer of the server means.
type verdict int

const (
	isStored   verdict = iota
	isRefused          // a guard did not hold: read what is there
	isDoubtful         // it may be stored or yet become so: send again
	isUnsent           // it did not leave, or nobody got it: send again
	isHopeless         // sending again changes nothing
)

// undecided says that a write ended without a definite answer.
type undecided struct {
	sent  bool // some attempt may be stored or yet become so
	cause error
}

func (u *undecided) Error() string {
	return "no definite answer from the event log: " + u.cause.Error()
}
func (u *undecided) Unwrap() error { return u.cause }

// settle sends the messages of one write, guarded by the first, until the
// answer is definite: the last position, or refused. Errors: *undecided when
// the context or the connection ended first; CodeTooLarge; CodeInternal.
func (p *publisher) settle(ctx context.Context, write []*nats.Msg) (last uint64, refused bool, err error) {
	sent := false
	pause := leastPause
	for {
		last, err := p.once(ctx, write)
		switch judge(err) {
		case isStored:
			return last, false, nil
		case isRefused:
			return 0, true, nil
		case isHopeless:
			return 0, false, hopeless(err, sent)
		case isDoubtful:
			sent = true
		case isUnsent:
		}
		if rest(ctx, &pause) != nil {
			return 0, false, &undecided{sent, err}
		}
	}
}

// rest waits a little, longer each time. Error: the context's.
func rest(ctx context.Context, pause *time.Duration) error {
	timer := time.NewTimer(*pause)
	defer timer.Stop()
	*pause = min(2**pause, mostPause)
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once sends the write one time: alone, or as one atomic batch.
func (p *publisher) once(ctx context.Context, write []*nats.Msg) (last uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, errors.Join(errNotSent, err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	if len(write) == 1 {
		return p.single(ctx, write[0])
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, p.js, write, jetstreamext.BatchFlowControl{})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

var errNotSent = errors.New("not sent")

// single is a publish without nats.go's own repetitions, which would hide
// whether the first one left. A message that was in a batch before is taken out
// of it.
func (p *publisher) single(ctx context.Context, m *nats.Msg) (uint64, error) {
	m.Header.Del(jetstreamext.BatchIDHeader)
	m.Header.Del(jetstreamext.BatchSeqHeader)
	m.Header.Del(jetstreamext.BatchCommitHeader)
	answer, err := p.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Error    *jetstream.APIError `json:"error"`
		Stream   string              `json:"stream"`
		Sequence uint64              `json:"seq"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, err
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	if ack.Stream == "" || ack.Sequence == 0 {
		return 0, jetstream.ErrInvalidJSAck
	}
	return ack.Sequence, nil
}

// judge sorts what a publish came back with.
func judge(err error) verdict {
	var refusal *jetstream.APIError
	switch {
	case err == nil:
		return isStored
	case errors.As(err, &refusal):
		return judgeRefusal(refusal)
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining),
		errors.Is(err, nats.ErrMaxPayload):
		return isHopeless
	case errors.Is(err, errNotSent), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrNoResponders):
		return isUnsent
	}
	return isDoubtful
}

func judgeRefusal(r *jetstream.APIError) verdict {
	switch r.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant, codeDuplicateInProcess:
		return isRefused
	case codeGuardNotReady, jetstreamext.JSErrCodeBatchPublishIncomplete:
		return isDoubtful
	}
	if r.Code == 429 || r.Code >= 500 {
		return isDoubtful
	}
	return isHopeless
}

// hopeless translates what no repetition would change. That a later attempt was
// refused says nothing of one that was sent before.
func hopeless(err error, sent bool) error {
	var refusal *jetstream.APIError
	switch {
	case sent:
		return &undecided{sent, err}
	case errors.Is(err, nats.ErrMaxPayload),
		errors.As(err, &refusal) && refusal.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return events.Wrap(err, events.CodeTooLarge, "an event is larger than the event log takes")
	case refusal != nil:
		return events.Wrap(err, events.CodeInternal, "the event log refused a write")
	}
	return &undecided{sent, err}
}
