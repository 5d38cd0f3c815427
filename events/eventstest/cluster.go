package eventstest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"parley/events"
)

// clusterSize is how many servers keep each stream of a cluster's log.
const clusterSize = 3

// stepDown is how long a leader may take to step down; an answer that is lost with
// it is not waited for any longer.
const stepDown = 5 * time.Second

// Cluster is three JetStream servers in the test's process, joined by routes:
// a log with three replicas.
type Cluster struct {
	t       testing.TB
	Servers []*NATS
}

// StartCluster starts a cluster that ends with the test, and returns when it
// takes requests.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	routes := freeRoutes(t)
	c := &Cluster{t: t}
	for i, route := range routes {
		with := options(t.TempDir(), server.RANDOM_PORT)
		with.ServerName = fmt.Sprintf("server-%d", i)
		with.Routes = routes
		with.HTTPHost, with.HTTPPort = "127.0.0.1", server.RANDOM_PORT
		with.Cluster = server.ClusterOpts{Name: "parley", Host: "127.0.0.1", Port: portOf(t, route)}
		n := &NATS{t: t, options: with}
		n.Start()
		t.Cleanup(n.Stop)
		c.Servers = append(c.Servers, n)
	}
	c.await("a leader of the cluster", c.hasLeader)
	return c
}

// freeRoutes are addresses on which nobody listens.
func freeRoutes(t testing.TB) (routes []*url.URL) {
	t.Helper()
	for range clusterSize {
		listen, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := listen.Close(); err != nil {
				t.Error(err)
			}
		}()
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: listen.Addr().String()})
	}
	return routes
}

func portOf(t testing.TB, route *url.URL) int {
	t.Helper()
	port, err := net.LookupPort("tcp", route.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// await waits until something is so.
func (c *Cluster) await(what string, isSo func() bool) {
	c.t.Helper()
	if !await(isSo) {
		c.t.Fatalf("the cluster has not got %s", what)
	}
}

// await looks from time to time whether something is so, since servers that elect
// tell nobody in the process; false when it stays otherwise.
func await(isSo func() bool) bool {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !isSo() {
		select {
		case <-look.C:
		case <-late:
			return false
		}
	}
	return true
}

// Patiently asks again while the answer is that the log is unavailable, as it is
// between two leaders of a cluster. It ends the test after another error, or when
// the log stays so.
func Patiently[T any](t testing.TB, ask func() (T, error)) (answer T) {
	t.Helper()
	var err error
	await(func() bool {
		answer, err = ask()
		return events.CodeOf(err) != events.CodeUnavailable
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (c *Cluster) hasLeader() bool {
	for _, n := range c.Servers {
		if n.running.JetStreamIsLeader() && len(n.running.JetStreamClusterPeers()) == clusterSize {
			return true
		}
	}
	return false
}

// URL are the addresses of all servers.
func (c *Cluster) URL() string {
	var all []string
	for _, n := range c.Servers {
		all = append(all, n.URL())
	}
	return strings.Join(all, ",")
}

// LeaderOf is the server that leads a stream; nil while there is none.
func (c *Cluster) LeaderOf(stream string) *NATS {
	for _, n := range c.Servers {
		if n.running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return n
		}
	}
	return nil
}

// ChangeLeader has another server lead a stream, and returns when one does.
func (c *Cluster) ChangeLeader(nc *nats.Conn, stream string) {
	c.t.Helper()
	c.AwaitLeader(stream)
	c.await("another leader of "+stream, func() bool {
		answer, err := nc.Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil, stepDown)
		var refused struct {
			Error *struct{ Description string } `json:"error"`
		}
		return err == nil && json.Unmarshal(answer.Data, &refused) == nil && refused.Error == nil
	})
	c.AwaitLeader(stream)
}

// AwaitLeader returns when a server leads the stream.
func (c *Cluster) AwaitLeader(stream string) {
	c.t.Helper()
	c.await("a leader of "+stream, func() bool { return c.LeaderOf(stream) != nil })
}

// Restart stops a server and starts it again, and returns when it is as far as
// the others with each of the streams.
func (c *Cluster) Restart(n *NATS, streams ...string) {
	c.t.Helper()
	n.Stop()
	n.Start()
	c.await("all replicas", func() bool {
		for _, stream := range streams {
			if !n.running.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
				return false
			}
		}
		return n.running.JetStreamIsCurrent()
	})
	for _, stream := range streams {
		c.AwaitLeader(stream)
	}
}

// Main runs the tests of a package that starts servers, and gives the exit code for
// os.Exit: goroutines that stay fail it.
func Main(m *testing.M) int {
	code := m.Run()
	if code == 0 {
		if leaks := Leaks(); leaks != nil {
			fmt.Fprintln(os.Stderr, leaks)
			code = 1
		}
	}
	return code
}

// Leaks names goroutines that do not end after the tests; nil when all do. nats.go
// ends what follows a stream that is gone with its next attempt to come back, so
// they are waited for.
func Leaks() (leaks error) {
	await(func() bool {
		leaks = goleak.Find(leftBehind()...)
		return leaks == nil
	})
	return leaks
}

// leftBehind are loops that a clustered server leaves behind when it is stopped
// soon after its start (nats-server 2.15.2: its file stores are not all closed).
func leftBehind() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*msgBlock).flushLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
	}
}
