package postgres_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// The whole way: through the real log, sealed by the real vault, into rows,
// and out again.
func TestFromLogToReader(t *testing.T) {
	const marker = "zyzzogeton"
	log := eventstest.NewBundle(t)
	of := first.Aggregate()
	log.Append(t, market.Aggregate(), &events.TopicAdded{Language: "en", Level: "A2", Owner: anna, Private: events.TopicText{Title: marker}})
	log.Append(t, anna.Aggregate(),
		&events.AccountRegistered{Method: events.ByPassword, Private: events.Person{Name: marker, Email: marker + "@example.org"}},
		&events.AccountCredentialAdded{Method: events.ByPassword, Private: events.Credential{PasswordHash: marker}})
	log.Append(t, of,
		&events.SessionStarted{Learner: anna, Topic: market, Language: "en", Level: "A2", OwnTopic: events.TopicText{Title: marker}},
		&events.SegmentPlaced{Call: 1, Item: "i1", Speaker: events.Learner},
		&events.SegmentTranscribed{Call: 1, Item: "i1", Status: events.Final, Words: 3, Private: events.SegmentText{Text: "a " + marker + " indeed"}})

	config := server.Config()
	db := postgrestest.Open(t, config)
	store, views := postgres.NewStore(db, log.Vault), postgres.NewViews(db, log.Vault)
	project(t, log.Log, store)

	t.Run("no word of anyone is in the clear", func(t *testing.T) {
		dump := dumped(t, config.Views+"_v1")
		if !strings.Contains(dump, string(first)) {
			t.Fatal("the dump holds no rows")
		}
		for _, form := range []string{marker, fmt.Sprintf("%x", marker)} {
			if strings.Contains(dump, form) {
				t.Errorf("found %q", form)
			}
		}
	})
	t.Run("its learner reads, and finds, what was said", func(t *testing.T) {
		view, err := views.Session(t.Context(), anna, first)
		if err != nil || len(view.Segments) != 1 || view.Segments[0].Text != "a "+marker+" indeed" || view.Topic.Text.Title != marker {
			t.Errorf("got %+v, %v", view, err)
		}
		page, err := views.Sessions(t.Context(), anna, strings.ToUpper(marker), "", 10)
		if err != nil || len(page.Sessions) != 1 {
			t.Errorf("got %+v, %v", page, err)
		}
		account, err := views.Account(t.Context(), anna)
		if err != nil || account.Person.Name != marker {
			t.Errorf("got %+v, %v", account, err)
		}
		own, err := views.Topics(t.Context(), anna)
		if err != nil || len(own) != 1 || own[0].Text.Title != marker {
			t.Errorf("got %+v, %v", own, err)
		}
	})
	t.Run("a destroyed key: read anew from the log, nothing opens", func(t *testing.T) {
		if err := log.Vault.Destroy(t.Context(), of); err != nil {
			t.Fatal(err)
		}
		db := server.Open(t)
		project(t, log.Log, postgres.NewStore(db, log.Vault))
		view, err := postgres.NewViews(db, log.Vault).Session(t.Context(), anna, first)
		if err != nil || len(view.Segments) != 1 || !view.Segments[0].Erased || view.Segments[0].Text != "" {
			t.Errorf("got %+v, %v", view, err)
		}
	})
}

// dumped is every column of every row of a schema, as text.
func dumped(t *testing.T, schema string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	var dump strings.Builder
	found, err := conn.Query(t.Context(), "select tablename from pg_tables where schemaname = $1", schema)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		copied := "copy (select t::text from " + pgx.Identifier{schema, table}.Sanitize() + " t) to stdout"
		if _, err := conn.PgConn().CopyTo(t.Context(), io.Writer(&dump), copied); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dump.String()
}
