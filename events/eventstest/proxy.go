package eventstest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Proxy stands between a client and its servers and can lose, hold back or cut
// what they say. It knows no protocol: it serves NATS and PostgreSQL alike.
type Proxy struct {
	t       testing.TB
	servers []string
	listen  net.Listener
	done    sync.WaitGroup

	mu    sync.Mutex
	ended bool
	conns map[net.Conn]bool
	lose  string        // text of an answer to swallow once, with the connection
	lost  chan struct{} // closed when that happened
	hold  string        // text of a request from which on nothing gets through
	held  chan struct{} // closed when that happened
	free  chan struct{} // closed to let it through
	still chan struct{} // while it is there and open, nothing gets through either way
}

// StartProxy starts a proxy that ends with the test. A client gets the first of
// the servers, given as HOST:PORT, that takes a connection.
func StartProxy(t testing.TB, servers ...string) *Proxy {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, servers: servers, listen: listen, conns: map[net.Conn]bool{}}
	p.done.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is where clients find the proxy, as HOST:PORT.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// URL is where clients of NATS find it.
func (p *Proxy) URL() string { return "nats://" + p.Addr() }

// Host is a server's address without the scheme, as StartProxy wants it.
func (n *NATS) Host() string { return strings.TrimPrefix(n.URL(), "nats://") }

// LoseAnswer cuts the connection instead of passing on the next answer that
// holds the text. The channel is closed when that happened.
func (p *Proxy) LoseAnswer(text string) (lost <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.lost = text, make(chan struct{})
	return p.lost
}

// HoldRequest keeps back what a client says, from the next request on that
// holds the text, until release. The channel is closed when that happened.
func (p *Proxy) HoldRequest(text string) (held <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold, p.held, p.free = text, make(chan struct{}), make(chan struct{})
	free := p.free
	return p.held, sync.OnceFunc(func() { p.stopHolding(free) })
}

// Stall lets nothing through either way until release, as on a connection of which the
// other end is gone without a word.
func (p *Proxy) Stall() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	still := make(chan struct{})
	p.still = still
	return sync.OnceFunc(func() { close(still) })
}

func (p *Proxy) awaitFlow() {
	p.mu.Lock()
	still := p.still
	p.mu.Unlock()
	if still != nil {
		<-still
	}
}

// stopHolding lets through what is held, and what would have been.
func (p *Proxy) stopHolding(free chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == free {
		p.hold = ""
	}
	close(free)
}

// Cut ends all connections there are; new ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		p.shut(c)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.t.Errorf("proxy: %v", err)
			return
		}
		server, err := p.dial()
		if err != nil { // all servers are down: so is this connection
			p.shut(client)
			continue
		}
		p.note(true, client, server)
		var ends sync.WaitGroup
		ends.Go(func() { p.pipe(client, server, p.requestPasses) })
		ends.Go(func() { p.pipe(server, client, p.answerPasses) })
		p.done.Go(func() { ends.Wait(); p.note(false, client, server) })
	}
}

func (p *Proxy) dial() (server net.Conn, err error) {
	for _, address := range p.servers {
		if server, err = net.Dial("tcp", address); err == nil {
			return server, nil
		}
	}
	return nil, err
}

// note keeps track of which connections are open. None is, once the proxy ends.
func (p *Proxy) note(open bool, conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		switch {
		case !open:
			delete(p.conns, c)
		case p.ended:
			p.shut(c)
		default:
			p.conns[c] = true
		}
	}
}

// pipe passes on until either end closes, or passes says no.
func (p *Proxy) pipe(from, to net.Conn, passes func([]byte) bool) {
	defer p.shut(from)
	defer p.shut(to)
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if err != nil || !passes(buffer[:n]) {
			return
		}
		p.awaitFlow()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) answerPasses(chunk []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == "" || !bytes.Contains(chunk, []byte(p.lose)) {
		return true
	}
	p.lose = ""
	close(p.lost)
	return false
}

func (p *Proxy) requestPasses(chunk []byte) bool {
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

func (p *Proxy) shut(c io.Closer) {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		p.t.Errorf("proxy: %v", err)
	}
}

func (p *Proxy) close() {
	p.shut(p.listen)
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.Cut()
	p.done.Wait()
}
