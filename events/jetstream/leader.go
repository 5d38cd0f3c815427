package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// stored is one message as a stream holds it.
type stored struct {
	subject string
	seq     uint64
	header  nats.Header // nil when it has none, or none that can be read
	data    []byte
}

// id is that of the event in it.
func (m *stored) id() events.EventID { return events.EventID(legible(m.header.Get(headerID))) }

// leader asks a stream's leader for single messages. nats.go's own GetMsg uses
// direct get wherever the stream allows it, which any replica may answer; what
// a decision is made from must come from the leader.
type leader struct {
	nc     *nats.Conn
	stream string
	wait   time.Duration
}

// getRequest is JetStream's STREAM.MSG.GET; the first two go together.
type getRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	NextFor   string     `json:"next_by_subj,omitempty"`
	LastFor   string     `json:"last_by_subj,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"` // in place of Seq
}

type getResponse struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Subject string `json:"subject"`
		Seq     uint64 `json:"seq"`
		Header  []byte `json:"hdrs"`
		Data    []byte `json:"data"`
	} `json:"message"`
}

// last is the subject's last message; nil when it has none.
func (l leader) last(ctx context.Context, subject string) (*stored, error) {
	return l.get(ctx, getRequest{LastFor: subject})
}

// next is the first message at or after a position whose subject matches; nil
// when there is none.
func (l leader) next(ctx context.Context, subject string, from uint64) (*stored, error) {
	return l.get(ctx, getRequest{Seq: from, NextFor: subject})
}

// at is the message at a position; nil when it is gone or was never there.
func (l leader) at(ctx context.Context, seq uint64) (*stored, error) {
	return l.get(ctx, getRequest{Seq: seq})
}

// get asks again while there is no leader: a change of leaders is over in moments,
// and a reader should not hear of it.
func (l leader) get(ctx context.Context, what getRequest) (*stored, error) {
	moments, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	pause := leastPause
	for {
		var answer getResponse
		err := l.ask(ctx, "GET", what, &answer)
		switch {
		case err == nil && answer.Error == nil:
			return read(&answer), nil
		case err == nil && answer.Error.Code < 500:
			return nil, missing(answer.Error)
		case err == nil:
			err = missing(answer.Error)
		case !errors.Is(err, nats.ErrNoResponders):
			return nil, err
		}
		if rest(moments, &pause) != nil {
			return nil, err
		}
	}
}

// erase overwrites a message on the disk (JetStream's secure delete: no_erase
// is left out); one that is gone already is fine.
func (l leader) erase(ctx context.Context, seq uint64) error {
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := l.ask(ctx, "DELETE", getRequest{Seq: seq}, &answer); err != nil {
		return err
	}
	if answer.Error == nil {
		return nil
	}
	still, err := l.at(ctx, seq)
	if err != nil || still == nil {
		return err
	}
	return unavailable(answer.Error, "the event log refused to erase a message")
}

// ask sends one request of the STREAM.MSG API.
func (l leader) ask(ctx context.Context, verb string, what getRequest, into any) error {
	ctx, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	request, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}
	answer, err := l.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG."+verb+"."+l.stream, request)
	if err != nil {
		return unavailable(err, "the event log does not answer")
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return unavailable(err, "the event log's answer cannot be read")
	}
	return nil
}

// missing turns "no message found" into nothing.
func missing(err *jetstream.APIError) error {
	if err.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil
	}
	return unavailable(err, "the event log refused a read")
}

// read gives the message of an answer. The server takes headers that nobody can
// read; such a message is there all the same.
func read(r *getResponse) *stored {
	m := &stored{subject: r.Message.Subject, seq: r.Message.Seq, data: r.Message.Data}
	if header, err := nats.DecodeHeadersMsg(r.Message.Header); err == nil {
		m.header = header
	}
	return m
}
