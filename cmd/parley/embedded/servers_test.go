package embedded

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

func TestServersKeepTheirData(t *testing.T) {
	t.Run("over a stop and a start, at the same addresses", func(t *testing.T) {
		folder := open(t, t.TempDir())
		first, before := start(t, folder, configForTests())
		writeAll(t, before, "said")
		stop(t, first)

		_, after := start(t, folder, configForTests())

		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the connection changed:\n%s", diff)
		}
		readAll(t, after, "said")
	})

	t.Run("when the process was killed", func(t *testing.T) {
		dir := t.TempDir()
		killed, before := startInstance(t, dir)
		writeAll(t, before, "said")
		if err := killed.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		killed.Wait()

		_, after := start(t, open(t, dir), configForTests())

		readAll(t, after, "said")
	})

	t.Run("when PostgreSQL outlived the killed process", func(t *testing.T) {
		folder := open(t, t.TempDir())
		first, before := start(t, folder, configForTests())
		writeAll(t, before, "said")
		orphan, _ := readNote(first.postgres.dir())
		first.postgres.child.stopping.Store(true) // nobody watches an orphan
		first.postgres.child = nil
		stop(t, first)
		if err := syscall.Kill(orphan, 0); err != nil {
			t.Fatalf("given an orphan: %v", err)
		}

		_, after := start(t, folder, configForTests())

		readAll(t, after, "said")
		if pid, _ := readNote(first.postgres.dir()); pid == orphan {
			t.Error("the orphan still runs")
		}
	})

	t.Run("when the note of a dead PostgreSQL names a stranger", func(t *testing.T) {
		folder := open(t, t.TempDir())
		first, before := start(t, folder, configForTests())
		writeAll(t, before, "said")
		stop(t, first)
		note := filepath.Join(first.postgres.dir(), noteFile)
		if err := os.WriteFile(note, []byte("1\n"), 0o600); err != nil {
			t.Fatal(err)
		}

		_, after := start(t, folder, configForTests())

		readAll(t, after, "said")
	})
}

func TestLifeCycle(t *testing.T) {
	t.Run("start and stop may be called twice", func(t *testing.T) {
		servers, before := start(t, open(t, t.TempDir()), configForTests())
		again, err := servers.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, again); diff != "" {
			t.Errorf("the second start moved:\n%s", diff)
		}
		stop(t, servers)
		stop(t, servers)
	})

	t.Run("stop without start does nothing", func(t *testing.T) {
		stop(t, New(open(t, t.TempDir()), configForTests()))
	})

	t.Run("a start that is called off leaves nothing running", func(t *testing.T) {
		servers := New(open(t, t.TempDir()), configForTests())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := servers.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want %v", err, context.Canceled)
		}
		if servers.nats.server != nil || servers.postgres.child != nil || servers.s3.cancel != nil {
			t.Error("a server is left running")
		}
	})

	t.Run("a server that is configured elsewhere is not started", func(t *testing.T) {
		config := configForTests()
		config.Elsewhere.Postgres = &PostgresConnection{URL: "postgres://db.example/parley"}
		config.Elsewhere.S3 = &S3Connection{Endpoint: "https://s3.example"}
		servers, connection := start(t, open(t, t.TempDir()), config)
		if servers.postgres != nil || servers.s3 != nil {
			t.Error("servers were made that nobody asked for")
		}
		if connection.Postgres != config.Elsewhere.Postgres || connection.S3 != config.Elsewhere.S3 {
			t.Errorf("the connection %+v does not name them", connection)
		}
	})

	t.Run("the end of PostgreSQL is reported", func(t *testing.T) {
		servers, _ := start(t, open(t, t.TempDir()), configForTests())
		pid, _ := readNote(servers.postgres.dir())
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-servers.Failed():
			if !strings.Contains(err.Error(), "postgres ended") {
				t.Errorf("got %v", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing was reported")
		}
	})

	t.Run("an address that was taken meanwhile is replaced", func(t *testing.T) {
		folder := open(t, t.TempDir())
		first, before := start(t, folder, configForTests())
		stop(t, first)
		address := strings.TrimPrefix(before.S3.Endpoint, "http://")
		squatter, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer squatter.Close()

		_, after := start(t, folder, configForTests())

		if after.S3.Endpoint == before.S3.Endpoint {
			t.Error("two servers claim one address")
		}
	})
}

func TestConnectionFile(t *testing.T) {
	dir := t.TempDir()
	folder := open(t, dir)
	servers, connection := start(t, folder, configForTests())

	t.Run("reaches the running instance", func(t *testing.T) {
		read, err := ReadConnection(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(connection, read); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("is for its owner alone, like the passwords", func(t *testing.T) {
		for _, path := range []string{connectionPath(dir), keptPath(dir)} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != 0o600 {
				t.Errorf("%s has mode %o, want 600", path, got)
			}
		}
	})

	t.Run("is gone when the instance has stopped", func(t *testing.T) {
		stop(t, servers)
		if _, err := os.Stat(connectionPath(dir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v, want no file", err)
		}
	})

	t.Run("of a killed instance is not believed", func(t *testing.T) {
		if err := folder.publish(connection); err != nil {
			t.Fatal(err)
		}
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadConnection(dir); !errors.Is(err, ErrNotRunning) {
			t.Errorf("got %v, want %v", err, ErrNotRunning)
		}
	})
}

func TestNATS(t *testing.T) {
	servers, connection := start(t, open(t, t.TempDir()), configForTests())

	t.Run("is reached without a socket", func(t *testing.T) {
		conn, err := nats.Connect("", nats.InProcessServer(servers.InProcess()),
			nats.UserInfo(connection.NATS.User, connection.NATS.Password))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	})

	t.Run("refuses who has no password", func(t *testing.T) {
		if conn, err := nats.Connect(connection.NATS.URL); !errors.Is(err, nats.ErrAuthorization) {
			if err == nil {
				conn.Close()
			}
			t.Errorf("got %v, want %v", err, nats.ErrAuthorization)
		}
	})

	t.Run("does not start without full sync", func(t *testing.T) {
		n := newNATS(open(t, t.TempDir()), "jetstream {}", configForTests().Log)
		if err := n.start(t.Context()); err == nil || !strings.Contains(err.Error(), "sync_interval: always") {
			t.Errorf("got %v", err)
		}
	})
}

func TestS3LetsPagesOfOneOriginIn(t *testing.T) {
	config := configForTests()
	_, connection := start(t, open(t, t.TempDir()), config)
	writeAll(t, connection, "said")
	signed, err := dialS3(t, connection).PresignedPutObject(t.Context(), bucket, "incoming/02", time.Minute)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("asking first", func(t *testing.T) {
		header := http.Header{
			"Origin":                         {config.Origin},
			"Access-Control-Request-Method":  {http.MethodPut},
			"Access-Control-Request-Headers": {"content-type,if-none-match,x-amz-checksum-sha256"},
		}
		answer := request(t, http.MethodOptions, signed, header)
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != config.Origin {
			t.Errorf("the gateway allows %q, want %q", got, config.Origin)
		}
		if got := strings.ToLower(answer.Header.Get("Access-Control-Allow-Headers")); !strings.Contains(got, "x-amz-checksum-sha256") {
			t.Errorf("the gateway allows the headers %q", got)
		}
	})

	t.Run("sending a file", func(t *testing.T) {
		answer := request(t, http.MethodPut, signed, http.Header{"Origin": {config.Origin}})
		if answer.StatusCode != http.StatusOK {
			t.Errorf("got %s", answer.Status)
		}
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != config.Origin {
			t.Errorf("the gateway allows %q, want %q", got, config.Origin)
		}
	})
}

func request(t *testing.T, method string, to *url.URL, header http.Header) *http.Response {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), method, to.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Header = header
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}
