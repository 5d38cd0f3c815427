package postgres_test

import (
	"fmt"
	"os"
	"testing"

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
	if code == 0 {
		if leaks := eventstest.Leaks(); leaks != nil {
			fmt.Fprintln(os.Stderr, leaks)
			code = 1
		}
	}
	os.Exit(code)
}
