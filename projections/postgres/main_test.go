package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"parley/projections/postgres/postgrestest"
)

// server is the PostgreSQL of this test binary.
var server *postgrestest.Server

func TestMain(m *testing.M) {
	if os.Getenv(killEnv) != "" {
		fmt.Fprintln(os.Stderr, projectUntilKilled())
		os.Exit(1)
	}
	code := postgrestest.Main(m, func(s *postgrestest.Server) { server = s })
	if leak := goleak.Find(); leak != nil && code == 0 {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}
