package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// real is a log on a server of its own, and read models of it.
type real struct {
	*eventstest.Bundle
	config postgres.Config
	db     *postgres.Database
	store  *postgres.Store
	views  *postgres.Views
}

// newReal holds two conversations, all projected.
func newReal(t *testing.T) *real {
	t.Helper()
	b, config := eventstest.NewBundle(t), server.Config()
	db := postgrestest.Open(t, config)
	r := &real{b, config, db, postgres.NewStore(db, b.Vault), postgres.NewViews(db, b.Vault)}
	r.say(t, first, "one")
	r.say(t, second, "one")
	project(t, b.Log, r.store)
	return r
}

// say appends a turn to a session; the first one starts it.
func (r *real) say(t *testing.T, id events.SessionID, item string) events.Position {
	t.Helper()
	var bodies []events.Body
	if len(r.Load(t, id.Aggregate())) == 0 {
		bodies = append(bodies, started(id, anna).Body)
	}
	return r.Append(t, id.Aggregate(), append(bodies,
		&events.SegmentPlaced{Call: 1, Item: item, Speaker: events.Learner},
		&events.SegmentTranscribed{Call: 1, Item: item, Status: events.Final, Words: 1, Private: events.SegmentText{Text: item}})...)
}

func (r *real) identity(t *testing.T) events.Identity {
	t.Helper()
	now, err := r.Log.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// check is what a projector finds out at its start.
func (r *real) check(t *testing.T) error {
	t.Helper()
	_, err := projections.Fill(t.Context(), r.Log, r.store, r.Log.Stream(), 0)
	return err
}

func (r *real) wantFinding(t *testing.T, want projections.Finding) {
	t.Helper()
	err := r.check(t)
	var mismatch *projections.Mismatch
	if !errors.As(err, &mismatch) || mismatch.Finding != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

// rebuild makes the read models those of the log, as an operator would.
func (r *real) rebuild(t *testing.T, accept bool) (postgres.Rebuilt, error) {
	t.Helper()
	return postgres.NewRebuilder(r.db, r.Vault, r.Log, r.Log.Stream(), r.Clock.Now).Rebuild(t.Context(), accept, silent)
}

// wantGoingOn checks that a rebuild must be asked for twice, that the store goes
// on with what it built, and how many turns each session has then.
func (r *real) wantGoingOn(t *testing.T, turns map[events.SessionID]int) {
	t.Helper()
	if done, err := r.rebuild(t, false); events.CodeOf(err) != events.CodeConflict || done.Switched {
		t.Fatalf("unasked: %+v, %v", done, err)
	}
	done, err := r.rebuild(t, true)
	if err != nil || !done.Switched {
		t.Fatalf("asked: %+v, %v", done, err)
	}
	if end := r.identity(t).Last; done.Position != end { // also when the old read models had come further
		t.Errorf("rebuilt up to %d; the log ends at %d", done.Position, end)
	}
	project(t, r.Log, r.store)
	for id, want := range turns {
		view, err := r.views.Session(t.Context(), anna, id)
		if want == 0 && events.CodeOf(err) == events.CodeNotFound {
			continue
		}
		if err != nil || len(view.Segments) != want {
			t.Errorf("%s: %d turns, %v; want %d", id, len(view.Segments), err, want)
		}
	}
}

func (r *real) archive() *jetstream.Archive { return jetstream.NewArchive(r.Conn) }

// snapshot is a backup of the log, as it is now.
func (r *real) snapshot(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "log")
	to, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.archive().Snapshot(t.Context(), jetstream.LogStream, to)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// restore puts a backup in the log's place.
func (r *real) restore(t *testing.T, path string) {
	t.Helper()
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = r.archive().Remove(t.Context(), jetstream.LogStream)
	if err == nil {
		_, err = r.archive().Restore(t.Context(), jetstream.LogStream, from)
	}
	if err := errors.Join(err, from.Close()); err != nil {
		t.Fatal(err)
	}
}

// erase takes events out of the log, as the eraser does: first said, then done.
func (r *real) erase(t *testing.T, id events.SessionID, positions ...int64) {
	t.Helper()
	r.Append(t, id.Aggregate(), &events.SessionErased{Positions: events.NumbersOf(positions...)})
	r.remove(t, positions...)
}

func (r *real) remove(t *testing.T, positions ...int64) {
	t.Helper()
	for _, p := range positions {
		if err := r.Log.SecureDelete(t.Context(), events.Position(p)); err != nil {
			t.Fatal(err)
		}
	}
}

// Each row of "Log identity" on a real server, and what an operator can do.
func TestLogIdentity(t *testing.T) {
	t.Run("the same log", func(t *testing.T) {
		r := newReal(t)
		r.say(t, first, "two")
		if err := r.check(t); err != nil {
			t.Error(err)
		}
	})
	t.Run("recreated", func(t *testing.T) {
		r := newReal(t)
		if err := r.archive().Remove(t.Context(), jetstream.LogStream); err != nil {
			t.Fatal(err)
		}
		r.Log = eventstest.OpenLog(t, r.Conn, jetstream.Config{Now: r.Clock.Now})
		r.say(t, first, "anew")
		r.wantFinding(t, projections.Recreated)
		r.wantGoingOn(t, map[events.SessionID]int{first: 1, second: 0})
	})
	t.Run("no log at all", func(t *testing.T) {
		r := newReal(t)
		if err := r.archive().Remove(t.Context(), jetstream.LogStream); err != nil {
			t.Fatal(err)
		}
		if err := r.check(t); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("restored up to the checkpoint: accepted and recorded", func(t *testing.T) {
		r := newReal(t)
		before := r.identity(t)
		r.restore(t, r.snapshot(t))
		if now := r.identity(t); now.Created.Equal(before.Created) || now.Epoch != before.Epoch {
			t.Fatalf("it is not a restored one: %+v, before %+v", now, before)
		}
		if err := r.check(t); err != nil {
			t.Fatal(err)
		}
		r.say(t, first, "two")
		project(t, r.Log, r.store)
		at, err := r.views.Checkpoint(t.Context(), r.Log.Stream())
		if now := r.identity(t); err != nil || !at.Created.Equal(now.Created) || at.Position != now.Last {
			t.Errorf("the checkpoint is %+v, %v", at, err)
		}
	})
	t.Run("restored without its tail", func(t *testing.T) {
		r := newReal(t)
		old := r.snapshot(t)
		end := r.identity(t).Last
		r.say(t, second, "two")
		project(t, r.Log, r.store)
		r.restore(t, old)
		r.wantFinding(t, projections.TailLost)
		if lost, err := r.views.Beyond(t.Context(), end, 10); err != nil || len(lost) != 1 || lost[0].ID != second {
			t.Errorf("from the lost tail came %+v, %v", lost, err)
		}
		if lost, err := r.views.Beyond(t.Context(), end+2, 10); err != nil || len(lost) != 0 {
			t.Errorf("behind all there is: %+v, %v", lost, err)
		}
		r.wantGoingOn(t, map[events.SessionID]int{first: 1, second: 1})
	})
	t.Run("forked after a restore", func(t *testing.T) {
		for name, writer := range map[string]events.SessionID{"by the same session": second, "by another one": first} {
			t.Run(name, func(t *testing.T) {
				r := newReal(t)
				old := r.snapshot(t)
				r.say(t, second, "two")
				project(t, r.Log, r.store)
				r.restore(t, old)
				r.say(t, writer, "another two")
				r.say(t, first, "three")
				r.wantFinding(t, projections.Forked)
				want := map[events.SessionID]int{first: 2, second: 1}
				want[writer]++
				r.wantGoingOn(t, want)
			})
		}
	})
	t.Run("erased at the checkpoint, and its tombstone says so", func(t *testing.T) {
		r := newReal(t)
		end := int64(r.identity(t).Last)
		r.erase(t, second, end-2, end-1, end)
		if err := r.check(t); err != nil {
			t.Error(err)
		}
	})
	t.Run("removed at the checkpoint, and nothing says so", func(t *testing.T) {
		r := newReal(t)
		end := int64(r.identity(t).Last)
		r.say(t, second, "two")
		r.remove(t, end)
		r.wantFinding(t, projections.Removed)
		r.wantGoingOn(t, map[events.SessionID]int{first: 1, second: 2})
	})
	t.Run("head erased, and tombstones say so", func(t *testing.T) {
		r := newReal(t)
		r.erase(t, first, 1, 2, 3)
		project(t, r.Log, r.store)
		if _, err := r.rebuild(t, false); err != nil {
			t.Fatal(err) // a new version reads from the start, where nothing is
		}
		project(t, r.Log, r.store)
		if _, err := r.views.Session(t.Context(), anna, first); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
		if view, err := r.views.Session(t.Context(), anna, second); err != nil || len(view.Segments) != 1 {
			t.Errorf("got %+v, %v", view, err)
		}
	})
	t.Run("head purged", func(t *testing.T) {
		r := newReal(t)
		r.say(t, first, "two")
		r.purgeTo(t, r.identity(t).Last)
		r.wantFinding(t, projections.Removed) // of the event at the checkpoint
		r.say(t, second, "begins anew")
		r.db = server.Open(t) // and the read models are lost too
		r.store, r.views = postgres.NewStore(r.db, r.Vault), postgres.NewViews(r.db, r.Vault)
		r.wantFinding(t, projections.HeadPurged)
		r.wantGoingOn(t, map[events.SessionID]int{first: 0, second: 1})
	})
}

// purgeTo removes all events before a position, past the log.
func (r *real) purgeTo(t *testing.T, first events.Position) {
	t.Helper()
	js, err := natsjs.New(r.Conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), r.Log.Stream())
	if err == nil {
		err = stream.Purge(context.WithoutCancel(t.Context()), natsjs.WithPurgeSequence(uint64(first)))
	}
	if err != nil {
		t.Fatal(err)
	}
}
