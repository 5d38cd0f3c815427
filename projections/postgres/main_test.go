package postgres_test

import (
	"os"
	"testing"

	"parley/projections/postgres/postgrestest"
)

// server is the PostgreSQL of this test binary.
var server *postgrestest.Server

func TestMain(m *testing.M) {
	os.Exit(postgrestest.Main(m, func(s *postgrestest.Server) { server = s }))
}
