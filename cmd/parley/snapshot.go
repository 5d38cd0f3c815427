package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

const (
	snapshotChunk = 128 << 10        // bytes; one message, below nats.conf's max_payload
	snapshotPause = 30 * time.Second // for the next piece
	snapshotCheck = 10 * time.Minute // for the server to check every message's sum first, or to take a restored stream in
)

// snapshotAnswer is what the server tells before it sends a stream's snapshot. Both
// parts are given back as they are when it is restored.
type snapshotAnswer struct {
	Error  *jetstream.APIError `json:"error"`
	Config json.RawMessage     `json:"config"`
	State  json.RawMessage     `json:"state"`
}

// snapshot writes a stream as the server packs it, after the server has checked each
// message's sum. Consumers are left out: workers take every event as a hint, so
// they begin anew. Errors: CodeUnavailable; those of w.
func snapshot(ctx context.Context, nc *nats.Conn, stream string, w io.Writer) (about snapshotAnswer, err error) {
	inbox := nc.NewInbox()
	pieces, err := nc.SubscribeSync(inbox)
	if err != nil {
		return about, broken(err, stream)
	}
	defer func() { err = errors.Join(err, pieces.Unsubscribe()) }()
	if err := pieces.SetPendingLimits(-1, -1); err != nil { // the server holds back itself
		return about, broken(err, stream)
	}
	request := map[string]any{"deliver_subject": inbox, "no_consumers": true, "jsck": true, "chunk_size": snapshotChunk}
	if err := askServer(ctx, nc, "$JS.API.STREAM.SNAPSHOT."+stream, request, &about); err != nil {
		return about, err
	}
	if about.Error != nil {
		return about, broken(about.Error, stream)
	}
	return about, receive(ctx, pieces, stream, w)
}

// receive writes piece after piece; each names its number, so that none can be
// missing unnoticed, and is answered, so that more are sent.
func receive(ctx context.Context, pieces *nats.Subscription, stream string, w io.Writer) error {
	for n := 1; ; n++ {
		waiting, cancel := context.WithTimeout(ctx, snapshotPause)
		m, err := pieces.NextMsgWithContext(waiting)
		cancel()
		if err != nil {
			return broken(err, stream)
		}
		if len(m.Data) == 0 {
			return ending(m, stream)
		}
		if m.Reply != "" { // the last piece has none
			if !strings.HasSuffix(m.Reply, fmt.Sprintf(".%d", n)) {
				return broken(fmt.Errorf("piece %d is missing", n), stream)
			}
			if err := m.Respond(nil); err != nil {
				return broken(err, stream)
			}
		}
		if _, err := w.Write(m.Data); err != nil {
			return err
		}
	}
}

// ending reads the empty message that ends a snapshot, well or not.
func ending(m *nats.Msg, stream string) error {
	if status := m.Header.Get("Status"); status != "" && status != "204" {
		return broken(fmt.Errorf("%s %s", status, m.Header.Get("Description")), stream)
	}
	return nil
}

// putBack makes a stream from its snapshot. There must be none of its name.
// Errors: CodeUnavailable; those of r.
func putBack(ctx context.Context, nc *nats.Conn, stream string, about snapshotAnswer, r io.Reader) error {
	var begun struct {
		Error   *jetstream.APIError `json:"error"`
		Deliver string              `json:"deliver_subject"`
	}
	request := map[string]any{"config": about.Config, "state": about.State}
	if err := askServer(ctx, nc, "$JS.API.STREAM.RESTORE."+stream, request, &begun); err != nil {
		return err
	}
	if begun.Error != nil {
		return broken(begun.Error, stream)
	}
	piece := make([]byte, snapshotChunk)
	for {
		n, err := io.ReadFull(r, piece)
		if n > 0 {
			if err := give(ctx, nc, begun.Deliver, piece[:n], stream); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return give(ctx, nc, begun.Deliver, nil, stream)
		case err != nil:
			return err
		}
	}
}

// give sends a piece, or with nothing in it the end, and hears whether it was taken.
func give(ctx context.Context, nc *nats.Conn, to string, piece []byte, stream string) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotCheck)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, to, piece)
	if err != nil {
		return broken(err, stream)
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if len(m.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return broken(err, stream)
	}
	if answer.Error != nil {
		return broken(answer.Error, stream)
	}
	return nil
}

func askServer(ctx context.Context, nc *nats.Conn, subject string, request, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotCheck)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	m, err := nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return broken(err, subject)
	}
	return json.Unmarshal(m.Data, answer)
}

func broken(err error, stream string) error {
	return events.Wrap(err, events.CodeUnavailable, "the snapshot of "+stream+" was broken off")
}
