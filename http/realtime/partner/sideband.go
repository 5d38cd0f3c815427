package partner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxSidebands is how many may listen to one call.
	maxSidebands = 4
	// maxWaiting is how many events may wait for one that does not read;
	// more ends it.
	maxWaiting = 1000
	// maxCommand bounds one client event of a sideband, in bytes.
	maxCommand = 256 << 10
	// writeWithin bounds the sending of one event.
	writeWithin = 10 * time.Second
)

// sideband is one WebSocket to a running call: it hears what the browser
// hears from here on, and may send what the browser may.
type sideband struct {
	socket *websocket.Conn
	events chan []byte
	left   chan struct{} // closed when the socket is down
	sent   int
	drop   int // break after so many events; 0: never
}

// errDropped ends a sideband because its call was told to drop it.
var errDropped = errors.New("dropped, as asked for")

// openSideband is GET /v1/realtime?call_id=…
func (p *Partner) openSideband(w http.ResponseWriter, r *http.Request) {
	c, found := p.join(r.URL.Query().Get("call_id"))
	if !found {
		p.refuse(w, problem{http.StatusNotFound, "call_id_not_found", "No session found for the provided call_id"})
		return
	}
	defer p.running.Done()
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		p.config.Logger.Info("partner: sideband refused", "call", c.id, "err", err) // it has been answered
		return
	}
	s := &sideband{socket: socket, events: make(chan []byte, maxWaiting), left: make(chan struct{})}
	// The request's context ends with this handler, not with the call.
	ctx, cancel := context.WithCancel(p.context)
	defer cancel()
	c.attend(ctx, s)
}

// join finds a running call for one who will need it; running.Done is due
// when it is no longer needed.
func (p *Partner) join(id string) (*call, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, found := p.calls[id]
	if !found || p.closed {
		return nil, false
	}
	p.running.Add(1)
	return c, true
}

// attend serves a sideband until it leaves or the call is over.
func (c *call) attend(ctx context.Context, s *sideband) {
	s.socket.SetReadLimit(maxCommand)
	err := c.host(ctx, s)
	close(s.left)
	switch {
	case err == nil: // the call is over
		err = s.socket.Close(websocket.StatusNormalClosure, "")
	default:
		err = errors.Join(err, s.socket.CloseNow())
	}
	if err != nil {
		c.log.Debug("partner: sideband over", "err", err)
	}
}

// host lets it in before the first word of it is heard, so that it hears
// every answer.
func (c *call) host(ctx context.Context, s *sideband) error {
	select {
	case c.sidebands <- s:
	case <-c.over:
		return nil
	case <-ctx.Done():
		return nil
	}
	read := make(chan error, 1)
	go func() { read <- c.obey(ctx, s) }()
	return c.tell(ctx, s, read)
}

// obey passes what the sideband sends on to the conversation.
func (c *call) obey(ctx context.Context, s *sideband) error {
	for {
		_, raw, err := s.socket.Read(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		select {
		case c.messages <- raw:
		case <-c.over:
		case <-s.left:
			return nil
		}
	}
}

// tell sends events until the call is over, and then those that wait.
func (c *call) tell(ctx context.Context, s *sideband, read <-chan error) error {
	for {
		select {
		case raw, open := <-s.events:
			if !open {
				return errors.New("there is no room for it, or it does not read its events")
			}
			if err := s.write(ctx, raw); err != nil {
				return err
			}
		case err := <-read:
			return err
		case <-ctx.Done():
			return nil
		case <-c.silent:
			return s.drain(ctx)
		}
	}
}

// drain sends what waits; nothing more comes.
func (s *sideband) drain(ctx context.Context) error {
	for {
		select {
		case raw, open := <-s.events:
			if !open {
				return nil
			}
			if err := s.write(ctx, raw); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (s *sideband) write(ctx context.Context, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	if err := s.socket.Write(ctx, websocket.MessageText, raw); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if s.sent++; s.sent == s.drop {
		return errDropped
	}
	return nil
}

// admit lets a sideband listen from here on. It is the call's loop that does.
func (c *call) admit(s *sideband) {
	if len(c.listening) >= maxSidebands {
		close(s.events)
		return
	}
	if !c.joined {
		s.drop, c.joined = c.faults.SidebandDrop, true
	}
	c.listening = append(c.listening, s)
}

// whisper gives an event to the sidebands, and lets go of those that left or
// do not read.
func (c *call) whisper(raw []byte) {
	staying := c.listening[:0]
	for _, s := range c.listening {
		select {
		case <-s.left:
			continue
		default:
		}
		select {
		case s.events <- raw:
			staying = append(staying, s)
		default:
			close(s.events)
		}
	}
	clear(c.listening[len(staying):])
	c.listening = staying
}
