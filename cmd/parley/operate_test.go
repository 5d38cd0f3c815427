package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
	door "parley/http"
)

// tell runs a command that prints JSON, and reads it.
func tell[T any](t *testing.T, want int, args ...string) (told T) {
	t.Helper()
	out, errs, code := invoke(t, "", args...)
	if code != want {
		t.Fatalf("%v: exit %d, want %d: %s%s", args, code, want, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		t.Fatalf("%v: %v: %s%s", args, err, out, errs)
	}
	return told
}

// byHand changes the read models behind the program's back.
func (p *program) byHand(t *testing.T, sql string) {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), at.Postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestRebuildAndVerify(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.silentSession()
	type verified struct {
		Position    events.Position `json:"position"`
		Differences []differing     `json:"differences"`
	}
	t.Run("what was projected is what the log says", func(t *testing.T) {
		if v := tell[verified](t, exitOK, "verify", "--data", p.dir, "--json"); len(v.Differences) != 0 || v.Position == 0 {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a rebuild asks first", func(t *testing.T) {
		if _, errs, code := invoke(t, "", "rebuild", "--data", p.dir); code != exitFailed || !strings.Contains(errs, "--yes") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
	t.Run("a rebuild goes live, and can be taken back", func(t *testing.T) {
		r := tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes")
		if !r.Switched || r.To == r.From || len(r.Differences) != 0 {
			t.Errorf("%+v", r)
		}
		wantSegments(t, c)
		ada.startSession() // a write is projected into the new version at once
		if back := tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes", "--back"); !back.Switched || back.To != r.From {
			t.Errorf("%+v", back)
		}
		wantSegments(t, c)
		ada.startSession()
	})
	p.byHand(t, "update parley.sessions set language = 'xx' where id = '"+c.id+"'")
	t.Run("a row that was changed by hand is named", func(t *testing.T) {
		v := tell[verified](t, exitFound, "verify", "--data", p.dir, "--json")
		if len(v.Differences) != 1 || v.Differences[0].Table != "sessions" || v.Differences[0].Key != c.id {
			t.Errorf("%+v", v)
		}
	})
	t.Run("and put right by a rebuild that is told to", func(t *testing.T) {
		if r := tell[rebuilt](t, exitFound, "rebuild", "--data", p.dir, "--json", "--yes"); r.Switched || len(r.Differences) != 1 {
			t.Errorf("%+v", r)
		}
		if r := tell[rebuilt](t, exitOK, "rebuild", "--data", p.dir, "--json", "--yes", "--accept"); !r.Switched {
			t.Errorf("%+v", r)
		}
		if v := tell[verified](t, exitOK, "verify", "--data", p.dir, "--json"); len(v.Differences) != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// A rebuild fires no effect again, also one that is told to accept what differs:
// the log is the same, and its workers know what they have done.
func TestRebuildFiresNoEffect(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	refused, deleted := ada.refused(t), ada.silentSession()
	deleted.must(http.StatusAccepted, "DELETE", deleted.path(""), nil)
	p.untilSwept(t, events.SessionID(deleted.id))
	before := p.workDone(t)
	for _, args := range [][]string{{}, {"--accept"}, {"--back"}} {
		p.byHand(t, "update parley.sessions set language = 'xx' where id = '"+refused.id+"'")
		if len(args) == 0 {
			tell[rebuilt](t, exitFound, "rebuild", "--data", p.dir, "--json", "--yes")
			continue
		}
		tell[rebuilt](t, exitOK, append([]string{"rebuild", "--data", p.dir, "--json", "--yes"}, args...)...)
	}
	after := p.workDone(t)
	for name, was := range before.deliveries {
		if got, want := after.deliveries[name]-was, uint64(after.last-before.last); got != want {
			t.Errorf("%s was given %d events, and %d are new", name, got, want)
		}
	}
	if diff := cmp.Diff(before.effects, after.effects); diff != "" {
		t.Errorf("what workers appended (-before +after):\n%s", diff)
	}
}

// work is what workers were given and what came of it.
type work struct {
	last       events.Position
	deliveries map[string]uint64
	effects    map[events.Kind]int
}

// workDone waits until every worker has done all that is in the log.
func (p *program) workDone(t *testing.T) (w work) {
	t.Helper()
	w.deliveries, w.effects = map[string]uint64{}, map[events.Kind]int{}
	p.inTheLog(t, func(ctx context.Context, log *jetstream.Log) error {
		id, err := log.Identity(ctx)
		if err != nil {
			return err
		}
		w.last = id.Last
		return readThrough(ctx, log, terminal{err: io.Discard}.progress(""), func(e events.Event) {
			if e.Aggregate.Kind == events.KindOfSession {
				w.effects[e.Body.Kind()]++
			}
		})
	})
	js := p.streams(t)
	for _, name := range workerNames() {
		for {
			consumer, err := js.Consumer(t.Context(), "PARLEY", name)
			if err != nil {
				t.Fatal(err)
			}
			if at := consumer.CachedInfo(); at.AckFloor.Stream >= uint64(w.last) {
				w.deliveries[name] = at.Delivered.Consumer
				break
			}
		}
	}
	return w
}

// streams is a way to the program's log past the program.
func (p *program) streams(t *testing.T) natsjs.JetStream {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(at.NATS.URL, nats.UserInfo(at.NATS.User, at.NATS.Password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := natsjs.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// poison puts an event of no known kind into a session.
func (p *program) poison(t *testing.T, id string) {
	t.Helper()
	js := p.streams(t)
	m := nats.NewMsg("parley.session." + id)
	for name, value := range map[string]string{"ce-specversion": "1.0", "ce-id": newID(), "ce-type": "parley.session_sung.v1", "ce-time": "2026-03-14T09:26:53.000Z", "ce-subject": "session/" + id} {
		m.Header.Set(name, value)
	}
	m.Data = []byte("{}")
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestPoisonEvent(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	poisoned, other := ada.startSession(), ada.startSession()
	p.poison(t, poisoned.id)

	t.Run("every other session goes on", func(t *testing.T) {
		other.token()
		other.report()
		wantSegments(t, other)
	})
	t.Run("it is listed with its reason", func(t *testing.T) {
		l := tell[door.DeadLetter](t, exitOK, "dead-letters", "--data", p.dir, "--json")
		if l.Aggregate != "session/"+poisoned.id || l.Type != "parley.session_sung.v1" || !strings.Contains(l.Reason, "unknown") {
			t.Errorf("%+v", l)
		}
	})
	t.Run("status counts it", func(t *testing.T) {
		if s := tell[state](t, exitOK, "status", "--data", p.dir, "--json"); s.Letters != 1 || s.Parked != 1 || s.Lag != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("tried again it still waits, as nobody can read it yet", func(t *testing.T) {
		for _, of := range [][]string{{}, {"session/" + poisoned.id}} {
			r := tell[door.Retried](t, exitFound, append([]string{"dead-letters", "--data", p.dir, "--json", "retry"}, of...)...)
			if r.Released != 0 || len(r.Stuck) != 1 {
				t.Errorf("%+v", r)
			}
		}
	})
	t.Run("what cannot be tried is said", func(t *testing.T) {
		for _, args := range [][]string{{"retry", "session"}, {"again"}, {"retry", "session/A", "session/B"}} {
			if _, errs, code := invoke(t, "", append([]string{"dead-letters", "--data", p.dir}, args...)...); code != exitUsage || errs == "" {
				t.Errorf("%v: exit %d, %s", args, code, errs)
			}
		}
	})
}

func TestPostgreSQLLost(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.silentSession()
	p.stop()
	lose(t, p.dir, "postgres")
	p = p.again(t, ada)
	if p.code != "" {
		t.Error("whoever reads its log may make the first account once more")
	}
	ada.must(http.StatusOK, "GET", "/api/me", nil) // the cookie from before
	wantSegments(t, c)
	if s := tell[state](t, exitOK, "status", "--data", p.dir, "--json"); s.Lag != 0 || s.Views == 0 || s.Dead {
		t.Errorf("%+v", s)
	}
}
