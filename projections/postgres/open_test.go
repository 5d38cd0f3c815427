package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// exec runs SQL as somebody who knows the server.
func exec(t *testing.T, sql string) {
	t.Helper()
	if err := execute(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func execute(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func TestOpen(t *testing.T) {
	t.Run("a second time changes nothing", func(t *testing.T) {
		config := server.Config()
		postgrestest.Open(t, config)
		postgrestest.Open(t, config)
	})
	t.Run("side by side", func(t *testing.T) {
		config := server.Config()
		opened := make(chan error)
		for range 4 {
			go func() {
				db := postgres.New(config)
				defer db.Close()
				opened <- db.Open(t.Context())
			}()
		}
		for range 4 {
			if err := <-opened; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("a migration changed afterwards is refused", func(t *testing.T) {
		config := server.Config()
		postgrestest.Open(t, config)
		exec(t, "update "+pgx.Identifier{config.Views + "_v1", "migrations"}.Sanitize()+" set checksum = 'another'")
		err := postgres.New(config).Open(t.Context())
		if events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	})
	t.Run("a URL that is none", func(t *testing.T) {
		err := postgres.New(postgres.Config{URL: "postgres://%zz"}).Open(t.Context())
		if events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		err := postgres.New(postgres.Config{URL: "postgres://127.0.0.1:1/nowhere"}).Open(t.Context())
		if events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v, want %s", err, events.CodeUnavailable)
		}
	})
}
