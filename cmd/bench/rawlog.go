package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"parley/events"
)

// rawLog is a stream beside the log: on the same server, with the same settings
// and a connection of its own. What is stored there are copies of one event of
// the log, as long as the original in subject, headers and body.
type rawLog struct {
	nc    *nats.Conn
	js    jetstream.JetStream
	event *jetstream.RawStreamMsg
}

const (
	rawStream = "RAWLOG"
	rawPrefix = "rawlog.session."
)

// openRawLog copies the settings of the log's stream and its event at the position.
func (s *system) openRawLog(ctx context.Context, at events.Position) (*rawLog, error) {
	nc, err := s.connect()
	if err != nil {
		return nil, err
	}
	r := &rawLog{nc: nc}
	if err := r.open(ctx, s.log.Stream(), at); err != nil {
		nc.Close()
		return nil, err
	}
	return r, nil
}

func (r *rawLog) open(ctx context.Context, like string, at events.Position) (err error) {
	if r.js, err = jetstream.New(r.nc); err != nil {
		return err
	}
	log, err := r.js.Stream(ctx, like)
	if err != nil {
		return err
	}
	if r.event, err = log.GetMsg(ctx, uint64(at)); err != nil {
		return err
	}
	config := log.CachedInfo().Config
	config.Name, config.Subjects = rawStream, []string{rawPrefix + "*"}
	_, err = r.js.CreateStream(ctx, config)
	return err
}

func (r *rawLog) close() { r.nc.Close() }

// rawSpeaker publishes to one subject, each message behind the last.
type rawSpeaker struct {
	log     *rawLog
	subject string
	at      uint64
}

func (r *rawLog) speaker() *rawSpeaker { return &rawSpeaker{log: r, subject: rawPrefix + newID()} }

// say publishes one guarded message and waits for its answer.
func (s *rawSpeaker) say(ctx context.Context) (int, error) {
	ack, err := s.log.js.PublishMsg(ctx, s.message())
	if err != nil {
		return 0, err
	}
	s.at = ack.Sequence
	return 1, nil
}

// chorus has that many speakers publish one message each as one atomic batch,
// which is ready before it is asked for: all that the server can take when
// those who wait for it cost nothing.
func (r *rawLog) chorus(n int) step {
	speakers := make([]*rawSpeaker, n)
	for i := range speakers {
		speakers[i] = r.speaker()
	}
	return func(ctx context.Context) (int, error) {
		messages := make([]*nats.Msg, n)
		for i, s := range speakers {
			messages[i] = s.message()
		}
		ack, err := jetstreamext.PublishMsgBatch(ctx, r.js, messages, jetstreamext.BatchFlowControl{})
		if err != nil {
			return 0, err
		}
		for i, s := range speakers {
			s.at = ack.Sequence - uint64(n-1-i)
		}
		return n, nil
	}
}

func (s *rawSpeaker) message() *nats.Msg {
	m := &nats.Msg{Subject: s.subject, Header: nats.Header{}, Data: s.log.event.Data}
	for name, values := range s.log.event.Header {
		if strings.HasPrefix(name, "ce-") {
			m.Header[name] = values
		}
	}
	m.Header[jetstream.ExpectedStreamHeader] = []string{rawStream}
	m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(s.at, 10)}
	return m
}
