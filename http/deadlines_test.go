package http

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network without a network, so that its deadlines are on the
// bubble's clock: an hour's upload takes no time at all.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// onPipes runs a test in a bubble; what its handlers tell must go through
// channels that are made there.
func onPipes(t *testing.T, test func(t *testing.T, serve func(http.HandlerFunc) *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, func(handler http.HandlerFunc) *pipes { return servePipes(t, handler) })
	})
}

// servePipes runs a patient server until the test ends.
func servePipes(t *testing.T, handler http.HandlerFunc) *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := patient(handler, slog.New(slog.DiscardHandler))
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan error, 1)
	go func() { done <- server.Serve(p) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		<-time.After(time.Second) // net/http lets go of some connections half a second late
	})
	return p
}

// connect opens a connection that the test closes.
func (p *pipes) connect(t *testing.T) net.Conn {
	t.Helper()
	conn, err := p.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have closed it
	return conn
}

// uploaded is what a handler saw of a body, and when.
type uploaded struct {
	bytes int64
	err   error
	after time.Duration
}

// receiving hands what it read to the channel.
func receiving(seen chan<- uploaded) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		began := time.Now()
		n, err := io.Copy(io.Discard, r.Body)
		seen <- uploaded{n, err, time.Since(began)}
	}
}

// send writes so many bytes each second, until it is told to stop or cannot.
func send(conn net.Conn, perSecond, seconds int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for range seconds {
		<-tick.C
		if _, err := conn.Write(make([]byte, perSecond)); err != nil {
			return // the server has had enough: the test looks at what it says
		}
	}
}

func TestAnUpload(t *testing.T) {
	const hour = 3600
	for _, test := range []struct {
		name               string
		perSecond, seconds int
		bytes              int64
		err                error
		after              time.Duration
	}{
		{"at 1 kB a second lives, for an hour", 1000, hour, 1000 * hour, nil, hour * time.Second},
		{"at just the least pace lives", leastPace, hour, leastPace * hour, nil, hour * time.Second},
		{"that stalls ends", 1000, 7, 7000, os.ErrDeadlineExceeded, 7*time.Second + stallTimeout},
		{"that brings nothing ends", 0, 0, 0, os.ErrDeadlineExceeded, stallTimeout},
		{"that dawdles ends", 200, hour, 200 * 48, os.ErrDeadlineExceeded, paceGrace + 200*48*time.Second/leastPace},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
				seen := make(chan uploaded, 1)
				conn := serve(receiving(seen)).connect(t)
				fmt.Fprintf(conn, "PUT / HTTP/1.1\r\nHost: parley\r\nContent-Length: %d\r\n\r\n", max(test.perSecond*hour, 1))
				go func() { _, _ = io.Copy(io.Discard, conn) }() // the answer is not what is asked
				send(conn, test.perSecond, test.seconds)
				got := <-seen
				if got.bytes != test.bytes || !errors.Is(got.err, test.err) || got.after != test.after {
					t.Fatalf("got %+v", got)
				}
			})
		})
	}
}

// endless writes until it cannot, and tells how that ended.
func endless(seen chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				seen <- err
				return
			}
		}
	}
}

func TestADownload(t *testing.T) {
	ask := func(t *testing.T, p *pipes) net.Conn {
		conn := p.connect(t)
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: parley\r\n\r\n")
		return conn
	}
	t.Run("that is read slowly lives, for an hour", func(t *testing.T) {
		onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
			conn := ask(t, serve(endless(make(chan error, 1))))
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for range 3600 {
				<-tick.C
				if _, err := io.ReadFull(conn, make([]byte, 2000)); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("that nobody reads ends", func(t *testing.T) {
		onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
			began, seen := time.Now(), make(chan error, 1)
			conn := ask(t, serve(endless(seen)))
			if _, err := io.ReadFull(conn, make([]byte, 2000)); err != nil {
				t.Fatal(err)
			}
			if err := <-seen; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != stallTimeout {
				t.Fatalf("%v after %s", err, time.Since(began))
			}
		})
	})
}

// quiet writes, is silent for an hour, and writes again.
func quiet(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	fmt.Fprintln(w, "before")
	if control.Flush() != nil {
		return
	}
	select {
	case <-time.After(time.Hour):
		fmt.Fprintln(w, "after")
	case <-r.Context().Done():
		fmt.Fprintln(w, "left")
	}
}

func TestALiveStreamMayBeQuiet(t *testing.T) {
	for name, set := range map[string]func(*http.Protocols, bool){
		"over HTTP/1": (*http.Protocols).SetHTTP1,
		"over HTTP/2": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
				transport := &http.Transport{DialContext: serve(quiet).dial, Protocols: new(http.Protocols)}
				defer transport.CloseIdleConnections()
				set(transport.Protocols, true)
				response, err := (&http.Client{Transport: transport}).Get("http://parley/")
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				said, err := io.ReadAll(response.Body)
				if string(said) != "before\nafter\n" || err != nil {
					t.Fatalf("%q, %v", said, err)
				}
			})
		})
	}
}

func TestAConnection(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }
	// ended waits until the server closes, and tells when.
	ended := func(t *testing.T, conn net.Conn) time.Duration {
		t.Helper()
		began := time.Now()
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	for _, test := range []struct {
		name, sent string
		after      time.Duration
	}{
		{"that says nothing ends", "", headerTimeout},
		{"whose headers never end ends", "GET / HTTP/1.1\r\nHost: parley\r\nX-", headerTimeout},
		{"that is not used again ends", "GET / HTTP/1.1\r\nHost: parley\r\n\r\n", idleTimeout},
		{"whose body nobody wants and nobody sends ends", "POST / HTTP/1.1\r\nHost: parley\r\nContent-Length: 9\r\n\r\n", leftTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
				conn := serve(answer).connect(t)
				fmt.Fprint(conn, test.sent)
				if after := ended(t, conn); after < test.after || after > test.after+time.Second {
					t.Fatalf("it ended after %s", after)
				}
			})
		})
	}
}

func TestHeadersAreBounded(t *testing.T) {
	const slop = 4 << 10 // that net/http allows itself
	for name, test := range map[string]struct {
		bytes  int
		status int
	}{
		"long ones pass":     {maxHeaderBytes - 200, http.StatusOK},
		"too long ones fail": {maxHeaderBytes + slop, http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			onPipes(t, func(t *testing.T, serve func(http.HandlerFunc) *pipes) {
				conn := serve(func(http.ResponseWriter, *http.Request) {}).connect(t)
				go fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: parley\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", test.bytes))
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				if response.StatusCode != test.status {
					t.Fatalf("got %d", response.StatusCode)
				}
			})
		})
	}
}
