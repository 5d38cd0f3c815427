package jetstream_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"parley/events/eventstest"
)

// proxy stands between a client and the server and can lose or hold back what
// they say.
type proxy struct {
	t      *testing.T
	server string
	listen net.Listener
	done   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	lose  string        // text of an answer to swallow once, with the connection
	lost  chan struct{} // closed when that happened
	hold  string        // text of a request from which on nothing gets through
	held  chan struct{} // closed when that happened
	free  chan struct{} // closed to let it through
}

func startProxy(t *testing.T, n *eventstest.NATS) *proxy {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, server: strings.TrimPrefix(n.URL(), "nats://"), listen: listen}
	p.done.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) url() string { return "nats://" + p.listen.Addr().String() }

// loseAnswer cuts the connection instead of passing on the next answer that
// holds the text.
func (p *proxy) loseAnswer(text string) (lost <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.lost = text, make(chan struct{})
	return p.lost
}

// holdRequest keeps back what the client says, from the next request on that
// holds the text, until release.
func (p *proxy) holdRequest(text string) (held <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold, p.held, p.free = text, make(chan struct{}), make(chan struct{})
	return p.held, sync.OnceFunc(func() { close(p.free) })
}

func (p *proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.t.Errorf("proxy: %v", err)
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil { // the server is down: so is this connection
			p.shut(client)
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.done.Go(func() { p.pipe(client, server, p.requestPasses) })
		p.done.Go(func() { p.pipe(server, client, p.answerPasses) })
	}
}

// pipe passes on until either end closes, or passes says no.
func (p *proxy) pipe(from, to net.Conn, passes func([]byte) bool) {
	defer p.shut(from)
	defer p.shut(to)
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if err != nil || !passes(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) answerPasses(chunk []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == "" || !bytes.Contains(chunk, []byte(p.lose)) {
		return true
	}
	p.lose = ""
	close(p.lost)
	return false
}

func (p *proxy) requestPasses(chunk []byte) bool {
	p.mu.Lock()
	if p.hold == "" || !bytes.Contains(chunk, []byte(p.hold)) {
		p.mu.Unlock()
		return true
	}
	p.hold = ""
	close(p.held)
	free := p.free
	p.mu.Unlock()
	<-free
	return true
}

func (p *proxy) shut(c io.Closer) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.t.Errorf("proxy: %v", err)
	}
}

func (p *proxy) close() {
	p.shut(p.listen)
	p.mu.Lock()
	conns := p.conns
	p.mu.Unlock()
	for _, c := range conns {
		p.shut(c)
	}
	p.done.Wait()
}
