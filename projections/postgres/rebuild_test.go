package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// rebuilding is a database with read models of a log, and a rebuilder with
// connections of its own.
type rebuilding struct {
	config    postgres.Config
	log       *tape
	keys      *vault
	store     *postgres.Store
	views     *postgres.Views
	rebuilder *postgres.Rebuilder
}

func newRebuilding(t *testing.T, log *tape) *rebuilding {
	t.Helper()
	config, keys := server.Config(), newVault()
	db := postgrestest.Open(t, config)
	r := &rebuilding{config, log, keys, postgres.NewStore(db, keys), postgres.NewViews(db, keys), nil}
	r.rebuilder = r.of(t, log)
	return r
}

// of is a rebuilder from another log, or from this one at another time.
func (r *rebuilding) of(t *testing.T, log projections.Source) *postgres.Rebuilder {
	t.Helper()
	return postgres.NewRebuilder(r.db(t), r.keys, log, "PARLEY", time.Now)
}

// db opens the same read models once more.
func (r *rebuilding) db(t *testing.T) *postgres.Database {
	t.Helper()
	return postgrestest.Open(t, r.config)
}

func (r *rebuilding) dump(t *testing.T) string {
	t.Helper()
	var all bytes.Buffer
	if err := r.views.Dump(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// alter changes the live version by hand.
func (r *rebuilding) alter(t *testing.T, version int, sql string) {
	t.Helper()
	exec(t, fmt.Sprintf("set search_path to %s_v%d; %s", r.config.Views, version, sql))
}

// schemas are those that are there besides the views.
func (r *rebuilding) schemas(t *testing.T) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	found, err := conn.Query(t.Context(), "select nspname from pg_namespace where nspname like $1 order by 1", r.config.Views+`\_v%`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return names
}

func silent(postgres.Progress) {}

// conversations are a few sessions of two learners.
func conversations(n int) (evs []events.Event) {
	for i := range n {
		evs = append(evs, talk(sessionNumber(i), anna)...)
	}
	return evs
}

func sessionNumber(n int) events.SessionID {
	return events.SessionID(fmt.Sprintf("01KKNQ5E48000000000%07d", n))
}

func TestRebuild(t *testing.T) {
	log := tapeOf(conversations(5)...)
	r := newRebuilding(t, log)
	project(t, log, r.store)
	before := r.dump(t)

	t.Run("a new version with the same rows goes live, with progress", func(t *testing.T) {
		var steps []postgres.Step
		done, err := r.rebuilder.Rebuild(t.Context(), false, func(p postgres.Progress) {
			if !slices.Contains(steps, p.Step) {
				steps = append(steps, p.Step)
			}
			if p.Step == postgres.StepFilling && (p.Position != log.identity.Last || p.Last != log.identity.Last || p.PerSecond <= 0 || p.Left != 0) {
				t.Errorf("got %+v", p)
			}
		})
		want := postgres.Rebuilt{From: 1, To: 2, Position: log.identity.Last, Switched: true, Same: true}
		if diff := cmp.Diff(want, done); err != nil || diff != "" {
			t.Errorf("%v; (-want +got)\n%s", err, diff)
		}
		if want := []postgres.Step{postgres.StepFilling, postgres.StepIndexing, postgres.StepComparing, postgres.StepSwitching}; !slices.Equal(steps, want) {
			t.Errorf("steps were %v", steps)
		}
		if after := r.dump(t); after != before {
			t.Errorf("readers see other rows (-before +after):\n%s", cmp.Diff(before, after))
		}
	})
	t.Run("its indexes are those of the old version", func(t *testing.T) {
		if old, now := r.indexes(t, 1), r.indexes(t, 2); len(old) == 0 || !slices.Equal(old, now) {
			t.Errorf("had %v, has %v", old, now)
		}
	})
	t.Run("the next one leaves only the version before it", func(t *testing.T) {
		if _, err := r.rebuilder.Rebuild(t.Context(), false, silent); err != nil {
			t.Fatal(err)
		}
		if got, want := r.schemas(t), []string{r.config.Views + "_v2", r.config.Views + "_v3"}; !slices.Equal(got, want) {
			t.Errorf("schemas are %v", got)
		}
	})
	t.Run("rows that differ are named, and switched to only when accepted", func(t *testing.T) {
		r.alter(t, 3, "update segments set words = 99 where session = '"+string(sessionNumber(0))+"'")
		done, err := r.rebuilder.Rebuild(t.Context(), false, silent)
		if events.CodeOf(err) != events.CodeConflict || done.Switched || len(done.Differences) == 0 || done.Differences[0].Table != "segments" {
			t.Fatalf("got %+v, %v", done, err)
		}
		refilled := false
		done, err = r.rebuilder.Rebuild(t.Context(), true, func(p postgres.Progress) { refilled = refilled || p.Step == postgres.StepFilling })
		if err != nil || !done.Switched || done.From != 3 || done.To != 4 || refilled {
			t.Errorf("got %+v, %v; filled again: %v", done, err, refilled)
		}
		if after := r.dump(t); after != before {
			t.Errorf("readers see other rows (-before +after):\n%s", cmp.Diff(before, after))
		}
	})
	t.Run("back to the version before, which takes in what came since", func(t *testing.T) {
		more := tapeOf(conversations(7)...)
		project(t, more, r.store)
		want := r.dump(t)
		r.alter(t, 3, "delete from emails") // the same again, as far as it goes
		done, err := r.of(t, more).SwitchBack(t.Context(), silent)
		if err != nil || done.From != 4 || done.To != 3 || !done.Switched {
			t.Fatalf("got %+v, %v", done, err)
		}
		if len(done.Differences) == 0 || r.dump(t) == want {
			t.Error("the old version is not what readers see")
		}
	})
	t.Run("the store goes on with the version that is live", func(t *testing.T) {
		project(t, tapeOf(conversations(8)...), r.store)
		at, err := r.views.Checkpoint(t.Context(), "PARLEY")
		if err != nil || int(at.Position) != len(conversations(8)) {
			t.Errorf("at %d, %v", at.Position, err)
		}
	})
}

func (r *rebuilding) indexes(t *testing.T, version int) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	found, err := conn.Query(t.Context(), "select indexname from pg_indexes where schemaname = $1 order by 1", fmt.Sprintf("%s_v%d", r.config.Views, version))
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return names
}

// With fewer connections than a comparison holds at once it would wait for itself.
func TestConnectionsOfARebuild(t *testing.T) {
	for _, c := range []struct {
		most string
		want events.Code
	}{{"2", events.CodeInvalid}, {"3", ""}} {
		r := newRebuilding(t, tapeOf(conversations(1)...))
		at, err := url.Parse(r.config.URL)
		if err != nil {
			t.Fatal(err)
		}
		query := at.Query()
		query.Set("pool_max_conns", c.most)
		at.RawQuery = query.Encode()
		r.config.URL = at.String()
		rebuilder := r.of(t, r.log)
		if _, err := rebuilder.Verify(t.Context(), silent); events.CodeOf(err) != c.want {
			t.Errorf("verify with %s: %v", c.most, err)
		}
		if _, err := rebuilder.Rebuild(t.Context(), false, silent); events.CodeOf(err) != c.want {
			t.Errorf("rebuild with %s: %v", c.most, err)
		}
	}
}

// The version before is from before an upgrade: it lacks what migrations have
// brought since. Going back brings it that first.
func TestSwitchBackOverAMigration(t *testing.T) {
	r := newRebuilding(t, tapeOf(conversations(3)...))
	if done, err := r.rebuilder.Rebuild(t.Context(), false, silent); err != nil || !done.Switched {
		t.Fatalf("got %+v, %v", done, err)
	}
	r.alter(t, 1, "drop table audit; alter table sessions drop column transcription_model; alter table segments drop column usage, drop column usage_rank, drop column parts;"+
		" alter table responses drop column usage, drop column usage_rank; delete from migrations where name >= '0003'")
	more := tapeOf(conversations(5)...)
	project(t, more, r.store)
	if done, err := r.of(t, more).SwitchBack(t.Context(), silent); err != nil || done.To != 1 || !done.Switched {
		t.Fatalf("got %+v, %v", done, err)
	}
	project(t, tapeOf(conversations(6)...), r.store)
	if view, err := r.views.Session(t.Context(), anna, sessionNumber(5)); err != nil || len(view.Segments) == 0 {
		t.Errorf("%d turns, %v", len(view.Segments), err)
	}
}

func TestSwitchBackWithoutAVersionBefore(t *testing.T) {
	r := newRebuilding(t, tapeOf(conversations(1)...))
	if _, err := r.rebuilder.SwitchBack(t.Context(), silent); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v", err)
	}
}

func TestRebuildInterrupted(t *testing.T) {
	log := tapeOf(conversations(10)...)
	log.cuts = []cut{{size: 20}}
	r := newRebuilding(t, log)
	project(t, log, r.store)
	before := r.dump(t)

	ctx, cancel := context.WithCancel(t.Context())
	filled := projections.NewMark()
	log.settled = filled.Wait
	_, err := r.rebuilder.Rebuild(ctx, false, func(p postgres.Progress) {
		if filled.Reach(p.Position); p.Position >= 60 {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	log.settled = nil
	var first events.Position
	done, err := r.of(t, log).Rebuild(t.Context(), false, func(p postgres.Progress) {
		if first == 0 {
			first = p.Position
		}
	})
	if err != nil || done.To != 2 || first <= 60 {
		t.Errorf("it went on at %d: %+v, %v", first, done, err)
	}
	if after := r.dump(t); after != before {
		t.Errorf("readers see other rows (-before +after):\n%s", cmp.Diff(before, after))
	}
}

func TestOneRebuildAtATime(t *testing.T) {
	log := tapeOf(conversations(1)...)
	r := newRebuilding(t, log)
	project(t, log, r.store)
	other := r.of(t, log)
	_, err := r.rebuilder.Rebuild(t.Context(), false, func(p postgres.Progress) {
		if p.Step != postgres.StepFilling {
			return
		}
		if _, err := other.Verify(t.Context(), silent); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("the second one got %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	log := tapeOf(append(conversations(3), on(sessionNumber(1).Aggregate(), &events.SessionDeleteRequested{By: anna}))...)
	r := newRebuilding(t, log)
	project(t, log, r.store)
	verify := func(t *testing.T) []postgres.Difference {
		t.Helper()
		found, err := r.rebuilder.Verify(t.Context(), silent)
		if err != nil || found.Position != log.identity.Last {
			t.Fatalf("at %d, %v", found.Position, err)
		}
		return found.Differences
	}

	t.Run("nothing differs", func(t *testing.T) {
		if got := verify(t); got != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a session with a delete request does not count", func(t *testing.T) {
		r.alter(t, 1, "update sessions set model = 'x' where id = '"+string(sessionNumber(1))+"'")
		if got := verify(t); got != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("rows changed, added and taken away by hand are named", func(t *testing.T) {
		one, two := string(sessionNumber(0)), string(sessionNumber(2))
		r.alter(t, 1, "update sessions set model = 'x', voice = 'y' where id = '"+one+"';"+
			" delete from sessions where id = '"+two+"';"+
			" insert into emails (hash, account, position) values ('h', 'a', 1)")
		want := []postgres.Difference{
			{Table: "sessions", What: postgres.RowDiffers, Key: one, Columns: []string{"model", "voice"}},
			{Table: "sessions", What: postgres.RowMissing, Key: two, Columns: []string{}},
			{Table: "emails", What: postgres.RowExtra, Key: "h", Columns: []string{}},
		}
		if diff := cmp.Diff(want, verify(t)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("a table altered by hand is named, the others are still compared", func(t *testing.T) {
		r.alter(t, 1, "alter table segments add column note text; drop table responses cascade; alter table calls drop column padding cascade")
		got := verify(t)
		altered := map[string][]string{}
		for _, d := range got {
			if d.What == postgres.TableAltered {
				altered[d.Table] = d.Columns
			}
		}
		if len(altered) != 3 || !slices.Equal(altered["segments"], []string{"note"}) || !slices.Equal(altered["calls"], []string{"padding"}) || len(altered["responses"]) != 16 {
			t.Errorf("altered: %v", altered)
		}
		if len(got) != 6 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("no scratch is left", func(t *testing.T) {
		if got := r.schemas(t); len(got) != 1 {
			t.Errorf("schemas are %v", got)
		}
	})
	t.Run("a rebuild mends it all", func(t *testing.T) {
		if _, err := r.rebuilder.Rebuild(t.Context(), true, silent); err != nil {
			t.Fatal(err)
		}
		if got := verify(t); got != nil {
			t.Errorf("got %+v", got)
		}
	})
}

// An event at the log's end that was removed by hand is not waited for: nothing
// would come.
func TestLogWithoutItsLastEvent(t *testing.T) {
	r := newReal(t)
	behind := r.identity(t).Last
	r.say(t, second, "two")
	last := r.identity(t).Last
	if err := r.Log.SecureDelete(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	t.Run("a projector has caught up", func(t *testing.T) {
		p := newProjector(r.Log, r.store)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		<-p.CaughtUp()
		cancel()
		if err := <-ended; err != nil || p.Position() != last-1 {
			t.Errorf("at %s, %v", p.Position(), err)
		}
	})
	t.Run("nothing is behind", func(t *testing.T) {
		lag, err := projections.NewGauge(r.Log, r.views, r.Log.Stream(), time.Now).Look(t.Context())
		if err != nil || lag.Events != 0 || lag.Position != last-1 {
			t.Errorf("%+v, %v", lag, err)
		}
	})
	t.Run("filling ends", func(t *testing.T) {
		at, err := projections.Fill(t.Context(), r.Log, r.store, r.Log.Stream(), last)
		if err != nil || at.Position != last-1 || at.Position <= behind {
			t.Errorf("at %s, %v", at.Position, err)
		}
	})
	t.Run("a rebuild goes as far as there is something", func(t *testing.T) {
		if done, err := r.rebuild(t, false); err != nil || !done.Switched || done.Position != last-1 {
			t.Errorf("%+v, %v", done, err)
		}
	})
	if err := r.Log.SecureDelete(t.Context(), last-1); err != nil { // where the checkpoint stands
		t.Fatal(err)
	}
	r.wantFinding(t, projections.Removed)
	t.Run("and past a checkpoint that has lost its event", func(t *testing.T) {
		if done, err := r.rebuild(t, true); err != nil || !done.Switched || done.Position != last-2 {
			t.Errorf("%+v, %v", done, err)
		}
	})
}
