package realtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

const (
	// maxMessage bounds one event, in bytes.
	maxMessage = 1 << 20
	// maxHeld bounds the events that wait for the call to show its mark.
	maxHeld = 256
	// proofWithin is how long a call may take to show it.
	proofWithin = 10 * time.Second
	// pingEvery keeps a quiet connection open, and finds out when it is not.
	pingEvery  = 20 * time.Second
	pongWithin = 10 * time.Second
)

// showSession asks for the session as it is, by changing nothing of it: the
// answer is the first event of a sideband, which is sent no session.created.
const showSession = `{"type":"session.update","session":{"type":"realtime"}}`

// sideband is one connection to a running call.
type sideband struct {
	client   *Client
	call     Call
	receiver Receiver

	believed bool // the call has shown our mark
	held     []Event
}

// errUnproven ends a connection that speaks and speaks without showing what
// it belongs to.
var errUnproven = errors.New("the call did not show its session")

// run listens until the connection ends; over: so did the call.
func (s *sideband) run(ctx context.Context) (over bool, err error) {
	socket, over, err := s.dial(ctx)
	if over || err != nil {
		return over, err
	}
	defer func() { _ = socket.CloseNow() }() // after a clean close this is one too many
	socket.SetReadLimit(maxMessage)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.keepAlive(ctx, socket) })
	group.Go(func() error { return s.listen(ctx, socket) })
	err = group.Wait()
	if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
		return true, nil
	}
	return false, s.failed(err)
}

// failed tells the connection's own troubles, which the next one may not
// have, from all others.
func (s *sideband) failed(err error) error {
	var ours *Error
	var theirs *receiverError
	switch {
	case errors.As(err, &ours):
		return err
	case errors.As(err, &theirs):
		return theirs.err
	}
	return &Error{Op: "listen", Class: ClassNetwork, Retryable: true, Err: err}
}

// receiverError is what a receiver gave up with.
type receiverError struct{ err error }

func (e *receiverError) Error() string { return e.err.Error() }

// dial connects; over: the provider knows no such call.
func (s *sideband) dial(ctx context.Context) (socket *websocket.Conn, over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.client.config.Timeout)
	defer cancel()
	header := http.Header{}
	s.client.authorize(header)
	address := "ws" + strings.TrimPrefix(s.client.config.BaseURL, "http") + "/realtime?call_id=" + url.QueryEscape(s.call.ID)
	socket, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: &s.client.http, HTTPHeader: header})
	switch {
	case err == nil:
		return socket, false, nil
	case response == nil:
		return nil, false, &Error{Op: "listen", Class: ClassNetwork, Retryable: true, Err: err}
	}
	// The library keeps the beginning of the body for whoever asks.
	body, readErr := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	failure := s.client.refusal("listen", answer{response.StatusCode, response.Header, body})
	if failure.Code == callUnknown {
		return nil, true, nil
	}
	failure.Err = readErr
	return nil, false, failure
}

// keepAlive pings until the connection ends, or ends it.
func (s *sideband) keepAlive(ctx context.Context, socket *websocket.Conn) error {
	pace := time.NewTicker(pingEvery)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
		}
		bounded, cancel := context.WithTimeout(ctx, pongWithin)
		err := socket.Ping(bounded)
		cancel()
		if err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
}

// listen asks for the session, waits for the mark in it, and then passes on
// what it hears.
func (s *sideband) listen(ctx context.Context, socket *websocket.Conn) error {
	if err := socket.Write(ctx, websocket.MessageText, []byte(showSession)); err != nil {
		return fmt.Errorf("ask for the session: %w", err)
	}
	proof, cancel := context.WithTimeoutCause(ctx, proofWithin, errUnproven)
	defer cancel()
	for {
		waiting := ctx
		if !s.believed {
			waiting = proof
		}
		_, raw, err := socket.Read(waiting)
		if err != nil {
			return fmt.Errorf("read: %w", errors.Join(err, context.Cause(waiting)))
		}
		event, err := Decode(raw)
		if err != nil {
			s.client.config.Logger.Info("an event of the sideband makes no sense", "error", err)
			continue
		}
		if err := s.take(ctx, event); err != nil {
			return err
		}
	}
}

// take passes an event on, or keeps it until the call has shown our mark.
func (s *sideband) take(ctx context.Context, event Event) error {
	described, shown := event.Body.(SessionDescribed)
	switch {
	case s.believed:
		return s.pass(ctx, event)
	case shown && described.Mark != s.call.Mark:
		return &Error{Op: "listen", Class: ClassUnknown, Err: ErrNotOurs}
	case len(s.held) >= maxHeld:
		return errUnproven
	}
	s.held = append(s.held, event)
	if !shown {
		return nil
	}
	s.believed = true
	for _, event := range s.held {
		if err := s.pass(ctx, event); err != nil {
			return err
		}
	}
	s.held = nil
	return nil
}

func (s *sideband) pass(ctx context.Context, event Event) error {
	if err := s.receiver.Hear(ctx, event); err != nil {
		return &receiverError{err}
	}
	return nil
}
