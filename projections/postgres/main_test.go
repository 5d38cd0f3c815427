package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"parley/events/eventstest"
	"parley/projections/postgres/postgrestest"
)

// server is the PostgreSQL of this test binary.
var server *postgrestest.Server

func TestMain(m *testing.M) {
	if os.Getenv(killEnv) != "" {
		fmt.Fprintln(os.Stderr, projectUntilKilled())
		os.Exit(1)
	}
	if os.Getenv(natsEnv) != "" {
		if err := serveNATS(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := postgrestest.Main(m, func(s *postgrestest.Server) { server = s })
	if leak := goleak.Find(eventstest.LeftBehind()...); leak != nil && code == 0 {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}
