package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections"
	"parley/projections/postgres"
)

// onServersAlone configures the programs that a test starts for servers that outlive
// them, and gives the address of PostgreSQL.
func onServersAlone(t *testing.T) (postgresURL string) {
	t.Helper()
	at := serversAlone(t)
	log, err := url.Parse(at.NATS.URL)
	if err != nil {
		t.Fatal(err)
	}
	log.User = url.UserPassword(at.NATS.User, at.NATS.Password)
	for name, value := range map[string]string{
		"PARLEY_NATS_URL": log.String(), "PARLEY_ACCEPT_UNKNOWN_DURABILITY": "1",
		"PARLEY_POSTGRES_URL": at.Postgres.URL,
		"PARLEY_S3_ENDPOINT":  at.S3.Endpoint,
		"PARLEY_S3_REGION":    at.S3.Region, "PARLEY_S3_ACCESS_KEY": at.S3.AccessKey, "PARLEY_S3_SECRET_KEY": at.S3.SecretKey,
		"PARLEY_LIMIT_TOKENS": "0", "PARLEY_LIMIT_CALLS": "0",
	} {
		t.Setenv(name, value)
	}
	return at.Postgres.URL
}

// dropAll drops every schema of Parley's amid what goes on, and tells how many.
func dropAll(t *testing.T, postgresURL string) (dropped int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), `select nspname from pg_namespace where nspname like 'parley%'`)
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, schema := range schemas {
		for again := true; again && err == nil; {
			_, err = conn.Exec(t.Context(), "drop schema if exists "+pgx.Identifier{schema}.Sanitize()+" cascade")
			var refused *pgconn.PgError
			if again = errors.As(err, &refused) && refused.Code == "40P01"; again { // it met readers head on
				err = nil
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(schemas)
}

// crowd is pages that talk from session to session, each beside its readers.
type crowd struct {
	ada  *browser
	stop chan struct{}
	pace chan struct{} // one for each session that was saved
	all  sync.WaitGroup

	mu     sync.Mutex
	saved  []*conversation
	failed []error
}

func crowdOf(n int, ada *browser) *crowd {
	c := &crowd{ada: ada, stop: make(chan struct{}), pace: make(chan struct{}, 1000)}
	for range n {
		c.all.Go(func() {
			for c.goesOn() {
				c.talk()
			}
		})
	}
	return c
}

func (c *crowd) goesOn() bool {
	select {
	case <-c.stop:
		return false
	default:
		return true
	}
}

// await waits until so many more sessions are saved.
func (c *crowd) await(t *testing.T, sessions int) {
	t.Helper()
	late := time.After(patience)
	for range sessions {
		select {
		case <-c.pace:
		case <-late:
			c.leave()
			t.Fatalf("no session is saved any more: %v", errors.Join(c.failed...))
		}
	}
}

// leave lets each page finish its session.
func (c *crowd) leave() {
	close(c.stop)
	c.all.Wait()
}

// talk is one session from its start until it reads as saved.
func (c *crowd) talk() {
	a, err := persist(c.ada, "GET", "/api/topics", nil)
	if err == nil {
		topics, _ := a.json["topics"].([]any)
		if len(topics) == 0 { // the catalogue is being read again
			return
		}
		a, err = persist(c.ada, "POST", "/api/sessions", map[string]any{"topic_id": topics[0].(map[string]any)["id"]})
	}
	talk := &conversation{browser: c.ada, id: a.text("id")}
	for _, step := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/token", nil},
		{"POST", "/events", map[string]any{"events": reports()}},
		{"POST", "/end", map[string]any{"reason": "learner", "recording_expected": false, "last_n": len(reports())}},
	} {
		if err == nil {
			_, err = persist(c.ada, step.method, talk.path(step.path), step.body)
		}
	}
	if err == nil {
		err = untilStatus(talk, "saved")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed = append(c.failed, err)
		return
	}
	c.saved = append(c.saved, talk)
	c.pace <- struct{}{}
}

// persist asks again while the answer is that it is to be asked again.
func persist(b *browser, method, path string, body any) (answer, error) {
	late := time.After(patience)
	for {
		a, err := b.try(method, path, body)
		if err != nil || a.status < 300 {
			return a, err
		}
		if a.status < 500 {
			return a, fmt.Errorf("%s %s: %s", method, path, a)
		}
		select {
		case <-time.After(askAgain):
		case <-late:
			return a, fmt.Errorf("%s %s: not in time: %s", method, path, a)
		}
	}
}

// untilStatus reads a session until it is so. While the log is read again it may not
// be there yet.
func untilStatus(c *conversation, want string) error {
	late := time.After(patience)
	for {
		a, err := c.try("GET", c.path(""), nil)
		if err != nil || a.status == http.StatusOK && a.text("status") == want {
			return err
		}
		if a.status < 500 && a.status != http.StatusOK && a.status != http.StatusNotFound {
			return fmt.Errorf("%s: %s", c.id, a)
		}
		select {
		case <-time.After(askAgain):
		case <-late:
			return fmt.Errorf("%s is not %s in time: %s", c.id, want, a)
		}
	}
}

// wantFresh compares what readers are given, byte for byte, with what the log makes
// of an empty schema, while everything runs and nobody writes any more.
func (p *program) wantFresh(t *testing.T, postgresURL string) (dump string) {
	t.Helper()
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		live, fresh := openAt(t, postgres.Config{URL: postgresURL}), openAt(t, postgres.Config{URL: postgresURL, Views: "fresh"})
		projector := projections.NewProjector(log, postgres.NewStore(fresh, log.Vault()), log.Stream(), silent())
		watcher := postgres.NewWatcher(live, silent())
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 2)
		go func() { ended <- projector.Run(running) }()
		go func() { ended <- watcher.Run(running) }()
		defer func() {
			stop()
			if err := errors.Join(<-ended, <-ended); err != nil {
				t.Error(err)
			}
		}()
		for {
			before, err := log.Identity(ctx)
			if err := errors.Join(err, projector.Wait(ctx, before.Last), watcher.Wait(ctx, before.Last)); err != nil {
				return err
			}
			want := dumpOf(t, fresh)
			dump = dumpOf(t, live)
			after, err := log.Identity(ctx)
			if err == nil && after.Last != before.Last { // somebody wrote all the same
				continue
			}
			if dump != want {
				t.Errorf("the read models are not what the log says (-fresh +live)\n%s", cmp.Diff(want, dump))
			}
			return err
		}
	})
	return dump
}

func openAt(t *testing.T, config postgres.Config) *postgres.Database {
	t.Helper()
	db := postgres.New(config)
	if err := db.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func dumpOf(t *testing.T, db *postgres.Database) string {
	t.Helper()
	var text bytes.Buffer
	if err := postgres.NewViews(db, nil).Dump(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func (p *program) lastPosition(t *testing.T) (last events.Position) {
	t.Helper()
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		now, err := log.Identity(ctx)
		last = now.Last
		return err
	})
	return last
}

// PostgreSQL is disposable while the program runs: it comes back from the log by
// itself, nobody signs in again, and no session is missed.
func TestEverySchemaDroppedUnderLoad(t *testing.T) {
	postgresURL := onServersAlone(t)
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	const pages = 4
	load := crowdOf(pages, ada)
	load.await(t, 2*pages)
	if dropAll(t, postgresURL) < 2 {
		t.Error("there was nothing to drop")
	}
	load.await(t, 3*pages) // some were on their way; the others began and ended after it
	load.leave()
	if len(load.failed) > 0 {
		t.Fatal(errors.Join(load.failed...))
	}
	ada.must(http.StatusOK, "GET", "/api/me", nil) // the cookie from before
	dump := p.wantFresh(t, postgresURL)
	for _, c := range load.saved {
		wantSegments(t, c)
		if !strings.Contains(dump, c.id) {
			t.Errorf("%s is not in the dump", c.id)
		}
	}
	p.stop()
}

func TestEverySchemaDroppedWhileDown(t *testing.T) {
	postgresURL := onServersAlone(t)
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.silentSession()
	before := p.wantFresh(t, postgresURL)
	last := p.lastPosition(t)
	p.stop()
	if dropAll(t, postgresURL) < 2 {
		t.Error("there was nothing to drop")
	}
	p = p.again(t, ada)
	ada.must(http.StatusOK, "GET", "/api/me", nil)
	c.must(http.StatusOK, "GET", c.path("?min_position="+last.String()), nil)
	wantSegments(t, c)
	if a := newBrowser(t, p.base).must(http.StatusOK, "GET", "/metrics", nil); !strings.Contains(string(a.raw), "parley_lag_known 1\n") {
		t.Errorf("the lag is not measured: %s", a)
	}
	if after := p.wantFresh(t, postgresURL); after != before || !strings.Contains(after, c.id) {
		t.Errorf("(-before +after)\n%s", cmp.Diff(before, after))
	}
	p.stop()
}
