package eventstest

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"parley/events/jetstream"
)

// How long something may take on a busy machine.
const (
	startTime = time.Minute     // a server's start; it takes milliseconds
	patience  = 2 * time.Minute // what servers must agree about; it takes seconds
)

// NATS is a JetStream server in the test's process, on a port of its own and
// in a folder of its own. It can be stopped and started again.
type NATS struct {
	t       testing.TB
	options server.Options
	running *server.Server
}

// StartNATS starts a server that ends with the test, with changes to its
// options.
func StartNATS(t testing.TB, changes ...func(*server.Options)) *NATS {
	t.Helper()
	n := &NATS{t: t, options: options(t.TempDir(), server.RANDOM_PORT)}
	for _, change := range changes {
		change(&n.options)
	}
	n.Start()
	t.Cleanup(n.Stop)
	return n
}

func options(dir string, port int) server.Options {
	return server.Options{
		Host: "127.0.0.1", Port: port,
		JetStream: true, StoreDir: dir, SyncAlways: true,
		NoSigs: true, NoLog: true,
	}
}

// Serve starts a server in a process that is there for it alone, so that it can
// be killed with it. Port -1 is any.
func Serve(dir string, port int) (*server.Server, error) {
	with := options(dir, port)
	running, err := server.NewServer(&with)
	if err != nil {
		return nil, err
	}
	running.Start()
	if !running.ReadyForConnections(startTime) {
		return nil, errors.New("the nats server did not get ready")
	}
	return running, nil
}

// Start starts the server again, at the same address with the same store.
func (n *NATS) Start() {
	n.t.Helper()
	options := n.options
	running, err := server.NewServer(&options)
	if err != nil {
		n.t.Fatalf("nats server: %v", err)
	}
	running.Start()
	if !running.ReadyForConnections(startTime) {
		n.t.Fatal("the nats server did not get ready")
	}
	n.options.Port = options.Port
	n.running = running
}

// Stop ends the server and waits until it is down. It may be called twice.
func (n *NATS) Stop() {
	n.running.Shutdown()
	n.running.WaitForShutdown()
}

// StoreDir is where the server keeps its streams.
func (n *NATS) StoreDir() string { return n.options.StoreDir }

// URL is the server's address; it stays the same over a restart.
func (n *NATS) URL() string { return n.running.ClientURL() }

// MonitorURL is where a server with an HTTPPort shows what it does.
func (n *NATS) MonitorURL() string { return "http://" + n.running.MonitorAddr().String() }

// Connect opens a connection fit for the log, which ends with the test.
func (n *NATS) Connect(more ...nats.Option) *nats.Conn {
	n.t.Helper()
	return Dial(n.t, n.URL(), more...)
}

// Dial connects to any address; the connection ends with the test.
func Dial(t testing.TB, url string, more ...nats.Option) *nats.Conn {
	t.Helper()
	closed := make(chan struct{})
	options := append(jetstream.ConnectOptions(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	var nc *nats.Conn
	var err error
	await(func() bool { // nats.go gives a server two seconds
		var late net.Error
		nc, err = nats.Connect(url, append(options, more...)...)
		return !errors.Is(err, nats.ErrTimeout) && !(errors.As(err, &late) && late.Timeout())
	})
	if err != nil {
		t.Fatalf("connect to nats: %v", err)
	}
	t.Cleanup(func() { nc.Close(); <-closed })
	return nc
}

// Server starts a server and connects to it.
func Server(t testing.TB) *nats.Conn { return StartNATS(t).Connect() }
