// Package postgrestest runs a real PostgreSQL for tests: one server for a test
// binary, started in its TestMain, and schemas of its own for each test.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"parley/cmd/parley/embedded"
	"parley/events/eventstest"
	"parley/projections/postgres"
)

// Server is a PostgreSQL of our own in a folder that goes when it stops.
type Server struct {
	dir     string
	folder  *embedded.Folder
	servers *embedded.Servers
	url     string
	tests   atomic.Int64
}

// Main runs the tests of a package with a server, which use receives first,
// and gives the exit code for os.Exit.
func Main(m *testing.M, use func(*Server)) int {
	server, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(server)
	code := m.Run()
	if err := server.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// startup bounds how long a first start may take on a busy machine.
const startup = 2 * time.Minute

// Start brings a server up in a temporary folder.
func Start(ctx context.Context) (_ *Server, err error) {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if s.dir, err = os.MkdirTemp("", "parley-postgres-"); err != nil {
		return nil, err
	}
	if s.folder, err = embedded.Open(filepath.Join(s.dir, "data")); err != nil {
		return nil, err
	}
	s.servers = embedded.New(s.folder, embedded.Config{
		Elsewhere:   embedded.Connection{NATS: &embedded.NATSConnection{}, S3: &embedded.S3Connection{}},
		PostgresBin: os.Getenv("PARLEY_POSTGRES_BIN"),
		Log:         slog.New(slog.DiscardHandler),
	})
	at, err := s.servers.Start(ctx)
	if err != nil {
		return nil, err
	}
	s.url = at.Postgres.URL
	return s, nil
}

// Stop ends the server and removes its folder.
func (s *Server) Stop(ctx context.Context) error {
	var all []error
	if s.servers != nil {
		all = append(all, s.servers.Stop(ctx))
	}
	if s.folder != nil {
		all = append(all, s.folder.Close())
	}
	return errors.Join(append(all, os.RemoveAll(s.dir))...)
}

// URL is the server's connection string.
func (s *Server) URL() string { return s.url }

// Config gives schemas that no other test of this server uses, and the clock of the
// day on which tests happen.
func (s *Server) Config() postgres.Config {
	n := s.tests.Add(1)
	return postgres.Config{URL: s.url, Views: fmt.Sprintf("test%d", n), Now: func() time.Time { return eventstest.Began }}
}

// Open opens a database of the test's own; it closes with the test.
func (s *Server) Open(t testing.TB) *postgres.Database {
	t.Helper()
	return Open(t, s.Config())
}

// Open opens a database that closes with the test.
func Open(t testing.TB, config postgres.Config) *postgres.Database {
	t.Helper()
	db := postgres.New(config)
	if err := db.Open(t.Context()); err != nil {
		t.Fatalf("open the database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}
