package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// behindProxy is the same database behind a proxy.
func behindProxy(t *testing.T, config postgres.Config) (postgres.Config, *eventstest.Proxy) {
	t.Helper()
	at, err := pgx.ParseConfig(config.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := eventstest.StartProxy(t, fmt.Sprintf("%s:%d", at.Host, at.Port))
	config.URL = fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", at.User, at.Password, p.Addr(), at.Database)
	return config, p
}

// trio are three projectors on one checkpoint. The first has stopped.
type trio struct {
	*rebuilding
	first   *projections.Projector
	refused chan error // what the first one's commits were refused with
	wake    func()
}

// start runs a projector until the test ends.
func (r *trio) start(t *testing.T, store projections.Store) *projections.Projector {
	t.Helper()
	p := newProjector(r.log, store)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("a projector ended with %v", err)
		}
	})
	return p
}

// startOther is one more, as in another process.
func (r *trio) startOther(t *testing.T) *projections.Projector {
	t.Helper()
	return r.start(t, postgres.NewStore(r.db(t), r.keys))
}

// stoppedAt has the first one stop when it says something to PostgreSQL.
func stoppedAt(t *testing.T, request string) *trio {
	t.Helper()
	log := tapeOf(conversations(4)...)
	log.cuts = []cut{{size: 20}}
	r := &trio{rebuilding: newRebuilding(t, log), refused: make(chan error, 10)}
	config, proxy := behindProxy(t, r.config)
	store := postgres.NewStore(postgrestest.Open(t, config), r.keys)
	woken := make(chan struct{})
	stopped, release := proxy.HoldRequest(request)
	r.wake = sync.OnceFunc(func() { close(woken); release() })
	r.first = r.start(t, &overheard{Store: store, woken: woken, refusals: r.refused})
	t.Cleanup(r.wake)
	<-stopped
	return r
}

// endIdle ends the sessions that are idle amid a transaction, as PostgreSQL does
// by itself after the time that every connection of ours asks for.
func endIdle(t *testing.T) {
	t.Helper()
	exec(t, "do $$ begin perform pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and application_name = 'parley';"+
		" if not found then raise 'no session is idle in a transaction'; end if; end $$")
}

func (r *trio) wantRows(t *testing.T) {
	t.Helper()
	alone := *r.log // project has a log wait for its one projector
	straight := newRebuilding(t, &alone)
	project(t, &alone, straight.store)
	if diff := cmp.Diff(straight.dump(t), r.dump(t)); diff != "" {
		t.Errorf("rows are not those of one projector (-one +three)\n%s", diff)
	}
	at, err := r.views.Checkpoint(t.Context(), "PARLEY")
	if err != nil || at.Position != r.log.identity.Last {
		t.Errorf("the checkpoint stands at %d, %v", at.Position, err)
	}
}

func (r *trio) wait(t *testing.T, p *projections.Projector) {
	t.Helper()
	if err := p.Wait(t.Context(), r.log.identity.Last); err != nil {
		t.Fatal(err)
	}
}

// What the first of three projectors says where in its transaction: as it locks
// the checkpoint, as it writes, and as it commits all that.
var stops = map[string]string{
	"before its transaction": "begin",
	"before it writes":       "pg_notify",
	"before its commit":      "commit\x00",
}

// However far into a transaction a projector was when it stopped, and however
// far the others are when it is woken: the rows are those of one.
func TestStoppedProjectorWakes(t *testing.T) {
	for name, request := range stops {
		t.Run(name+", past its time", func(t *testing.T) {
			r := stoppedAt(t, request)
			second := r.startOther(t) // waits for the lock that the first holds
			if request != stops["before its transaction"] {
				endIdle(t)
			}
			r.wait(t, second)
			third := r.startOther(t)
			<-third.CaughtUp()
			r.wantRows(t)
			r.wake()
			if err := <-r.refused; !projections.IsFenced(err) && events.CodeOf(err) != events.CodeUnavailable {
				t.Errorf("woken, the first was refused with %v", err)
			}
			r.wantRows(t)
		})
		t.Run(name+", woken in time", func(t *testing.T) {
			r := stoppedAt(t, request)
			second, third := r.startOther(t), r.startOther(t)
			r.wake()
			select {
			case <-second.CaughtUp():
			case <-third.CaughtUp():
			case <-r.first.CaughtUp():
			}
			r.wantRows(t)
		})
	}
}
