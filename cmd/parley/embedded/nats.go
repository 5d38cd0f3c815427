package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATS is the event log's server, in this process. It is a
// nats.InProcessConnProvider: its own process need not go through a socket.
type NATS struct {
	folder *Folder
	conf   string
	log    *slog.Logger
	server *server.Server
}

// newNATS makes a server that reads conf, the text of nats.conf.
func newNATS(folder *Folder, conf string, log *slog.Logger) *NATS {
	return &NATS{folder: folder, conf: conf, log: log}
}

// InProcessConn returns a new connection to the running server; NATS speaks its
// protocol on it, credentials included.
func (n *NATS) InProcessConn() (net.Conn, error) {
	if n.server == nil {
		return nil, errors.New("nats: not started")
	}
	return n.server.InProcessConn()
}

// Healthy tells whether the server is well. After an error of its disk it answers all
// questions about a stream, and to a write not at all, until it is started again.
func (n *NATS) Healthy(ctx context.Context) error {
	if n.server == nil {
		return errors.New("nats: not started")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	said := verdict{status: http.StatusOK, header: http.Header{}}
	n.server.HandleHealthz(&said, request)
	if said.status != http.StatusOK {
		return fmt.Errorf("the event log's server is not well: %s", strings.TrimSpace(said.text.String()))
	}
	return nil
}

// verdict takes what the server tells its monitoring.
type verdict struct {
	status int
	header http.Header
	text   strings.Builder
}

func (v *verdict) Header() http.Header            { return v.header }
func (v *verdict) WriteHeader(status int)         { v.status = status }
func (v *verdict) Write(text []byte) (int, error) { return v.text.Write(text) }

func (n *NATS) reserve(context.Context) error {
	if n.server != nil {
		return nil
	}
	return n.folder.kept.NATS.choosePort()
}

// start returns once the server accepts connections, which is after JetStream
// has recovered its streams.
func (n *NATS) start(ctx context.Context) error {
	if n.server != nil {
		return nil
	}
	options, err := n.options()
	if err != nil {
		return err
	}
	srv, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start nats: %w", err)
	}
	fatal := make(chan string, 1)
	srv.SetLogger(natsLog{log: n.log, fatal: fatal}, false, false)
	go srv.Start()
	if err := awaitNATS(ctx, srv, fatal); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return err
	}
	n.server = srv
	return nil
}

// options are those of nats.conf, except for where the server lives and who may
// come in: that is the data folder's business.
func (n *NATS) options() (*server.Options, error) {
	options := &server.Options{}
	if err := options.ProcessConfigString(n.conf); err != nil {
		return nil, fmt.Errorf("nats.conf: %w", err)
	}
	if !options.SyncAlways {
		return nil, errors.New("nats.conf: jetstream must say sync_interval: always, or acknowledged events can be lost")
	}
	mine := n.folder.kept.NATS
	options.Host, options.Port = "127.0.0.1", mine.Port
	options.Username, options.Password = mine.User, mine.Password
	options.StoreDir = filepath.Join(n.folder.path, "nats")
	options.HTTPHost, options.HTTPPort = "", 0
	options.NoSigs = true
	return options, nil
}

// awaitNATS waits for the server to be ready, to say that it cannot, or for ctx.
func awaitNATS(ctx context.Context, srv *server.Server, fatal <-chan string) error {
	for !srv.ReadyForConnections(50 * time.Millisecond) {
		select {
		case reason := <-fatal:
			return fmt.Errorf("start nats: %s", reason)
		case <-ctx.Done():
			return fmt.Errorf("start nats: %w", ctx.Err())
		default:
		}
	}
	return nil
}

// stop flushes the streams and blocks until the server is down, or ctx ends.
func (n *NATS) stop(ctx context.Context) error {
	if n.server == nil {
		return nil
	}
	down := make(chan struct{})
	go func() {
		defer close(down)
		n.server.Shutdown()
		n.server.WaitForShutdown()
	}()
	select {
	case <-down:
		n.server = nil
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop nats: %w", ctx.Err())
	}
}

func (n *NATS) connection() *NATSConnection {
	mine := n.folder.kept.NATS
	return &NATSConnection{URL: "nats://" + loopback(mine.Port), User: mine.User, Password: mine.Password}
}

// natsLog passes on what an operator should see. The server does not end on a
// fatal message when embedded, it only says it: fatal keeps the first.
type natsLog struct {
	log   *slog.Logger
	fatal chan<- string
}

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Errorf(format string, v ...any)  { l.log.Error("nats: " + fmt.Sprintf(format, v...)) }
func (l natsLog) Debugf(string, ...any)           {}
func (l natsLog) Tracef(string, ...any)           {}

// Warnf leaves out what is meant here: a password that is random, lies in a
// file of mode 0600 and travels on loopback only needs no hashing.
func (l natsLog) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords detected") {
		return
	}
	l.log.Warn("nats: " + fmt.Sprintf(format, v...))
}

func (l natsLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}
