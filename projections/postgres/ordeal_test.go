package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	"parley/projections/erasure"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// seedEnv repeats an ordeal: the seed that a failed one printed.
const seedEnv = "PARLEY_TEST_SEED"

const (
	clients = 25              // of each instance: enough to share batches
	crowded = 8               // sessions that everybody writes to
	longest = 5 * time.Minute // after which an ordeal has got stuck
)

// ordeal is a log and its read models, used by many while a nemesis rages.
type ordeal struct {
	t       *testing.T
	ctx     context.Context
	seed    uint64
	history *history
	clock   *eventstest.Clock
	ids     *eventstest.IDs

	hosts     []string
	config    jetstream.Config
	instances []*instance // that clients call
	reader    *instance   // that projectors read by
	beside    *nats.Conn  // past all proxies
	truth     *jetstream.Log
	calm      recorder // appends by it
	contested []events.SessionID

	views      postgres.Config // past the proxy
	through    postgres.Config // the same, behind it
	db         *postgres.Database
	postgres   *eventstest.Proxy
	projectors []*running
	troubles   []string
}

// instance is a log behind a proxy, as one process has it.
type instance struct {
	recorder
	proxy *eventstest.Proxy
	conn  *nats.Conn
	log   *jetstream.Log

	mu       sync.Mutex
	patience context.Context // of its callers
	lose     context.CancelFunc
}

// running is a projector at work.
type running struct {
	cancel context.CancelFunc
	ended  chan error
}

func (r *running) stop(t *testing.T) {
	r.cancel()
	if err := <-r.ended; err != nil {
		t.Errorf("a projector ended with %v", err)
	}
}

func newOrdeal(t *testing.T, hosts []string, replicas int) *ordeal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	seed := rand.Uint64()
	if given := os.Getenv(seedEnv); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedEnv, err)
		}
	}
	clock := eventstest.NewClock()
	o := &ordeal{
		t: t, ctx: ctx, seed: seed, history: newHistory(), clock: clock, ids: eventstest.NewIDs(clock, fmt.Sprint(seed)),
		hosts: hosts, config: jetstream.Config{Replicas: replicas, AnswerWait: time.Second},
	}
	var urls string
	for _, host := range hosts {
		urls += "nats://" + host + ","
	}
	o.beside = eventstest.Dial(t, urls[:len(urls)-1])
	o.truth = eventstest.OpenLog(t, o.beside, o.config)
	o.calm = recorder{o.truth, o.history, ctx}
	o.instances = []*instance{o.newInstance(), o.newInstance()}
	o.reader = o.newInstance()
	for range crowded {
		o.contested = append(o.contested, events.SessionID(o.ids.ULID()))
	}
	o.openDatabase()
	return o
}

func (o *ordeal) newInstance() *instance {
	o.t.Helper()
	p := eventstest.StartProxy(o.t, o.hosts...)
	conn := eventstest.Dial(o.t, p.URL(), nats.IgnoreDiscoveredServers(), quiet)
	log := eventstest.OpenLog(o.t, conn, o.config)
	i := &instance{recorder: recorder{log, o.history, o.ctx}, proxy: p, conn: conn, log: log}
	i.patience, i.lose = context.WithCancel(o.ctx)
	return i
}

// quiet keeps a connection that is cut on purpose from complaining.
var quiet = nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})

// giveUp ends the patience of all who call now.
func (i *instance) giveUp() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lose()
	i.patience, i.lose = context.WithCancel(i.recorder.patient)
}

func (i *instance) whileCalled() context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.patience
}

// openDatabase makes the tables, and has PostgreSQL itself write down each step
// of the checkpoint in the transaction that makes it.
func (o *ordeal) openDatabase() {
	o.t.Helper()
	o.views = server.Config()
	o.db = postgrestest.Open(o.t, o.views)
	live := pgx.Identifier{o.views.Views + "_v1"}.Sanitize()
	exec(o.t, fmt.Sprintf(`create table %[1]s.moves (n bigserial, old bigint, new bigint);
		create function %[1]s.move() returns trigger language plpgsql as
			$$ begin insert into %[1]s.moves (old, new) values (old.position, new.position); return new; end $$;
		create trigger moved after update of position on %[1]s.checkpoints for each row execute function %[1]s.move()`, live))
	o.through, o.postgres = behindProxy(o.t, o.views)
	o.startProjector()
}

// startProjector is what a process does that begins to project.
func (o *ordeal) startProjector() {
	o.t.Helper()
	store := recordedStore{postgres.NewStore(postgrestest.Open(o.t, o.through), o.reader.log.Vault()), o.history}
	ctx, cancel := context.WithCancel(o.ctx)
	r := &running{cancel, make(chan error, 1)}
	go func() { r.ended <- newProjector(o.reader.log, store).Run(ctx) }()
	o.projectors = append(o.projectors, r)
}

func (o *ordeal) await(happened <-chan struct{}) {
	o.t.Helper()
	select {
	case <-happened:
	case <-o.ctx.Done():
		o.t.Fatalf("it never happens (seed %d)", o.seed)
	}
}

// reconnect returns once the connection past all proxies is back.
func (o *ordeal) reconnect() {
	up := o.beside.StatusChanged(nats.CONNECTED)
	defer o.beside.RemoveStatusListener(up)
	if o.beside.Status() != nats.CONNECTED {
		<-up
	}
}

// isBearable tells whether somebody who uses the log may be answered so in
// troubled times; in the end the history says whether it was true.
func isBearable(err error) bool {
	switch events.CodeOf(err) {
	case "", events.CodeConflict, events.CodeUnavailable, events.CodeErased:
		return true
	}
	return false
}

// use appends until the nemesis is through, to a session of its own and to
// those of everybody.
func (o *ordeal) use(i *instance, n int, over <-chan struct{}) error {
	random := rand.New(rand.NewPCG(o.seed, uint64(n)))
	own := events.SessionID(o.ids.ULID())
	for {
		select {
		case <-over:
			return nil
		case <-o.ctx.Done():
			return o.ctx.Err()
		default:
		}
		of := own
		if random.IntN(10) == 0 {
			of = o.contested[random.IntN(len(o.contested))]
		}
		if err := o.write(i.whileCalled(), i, random, of); !isBearable(err) {
			return err
		}
	}
}

// write appends in one of the ways there are.
func (o *ordeal) write(ctx context.Context, log events.LoadAppender, random *rand.Rand, of events.SessionID) error {
	stamp := events.Stamp{Actor: "system:test", Time: o.clock.Now(), NewID: o.ids.Event}
	size := 1 + random.IntN(4)
	if random.IntN(3) > 0 {
		_, err := events.Execute(ctx, log, of.Aggregate(), &begun{}, stamp, func(s *begun) ([]events.Event, error) {
			return o.drafts(of, s.begun, size), nil
		})
		return err
	}
	known, err := log.Load(ctx, of.Aggregate(), 0)
	if err != nil {
		return err
	}
	expected := events.ExpectNew()
	if len(known) > 0 {
		expected = events.ExpectAt(known[len(known)-1].Position)
		if random.IntN(4) == 0 { // from what was known long ago
			expected = events.ExpectAt(known[random.IntN(len(known))].Position)
		}
	}
	drafts := o.drafts(of, len(known) > 0, size)
	for i := range drafts {
		drafts[i].ID, drafts[i].Aggregate, drafts[i].Time, drafts[i].Actor = stamp.NewID(), of.Aggregate(), stamp.Time, stamp.Actor
	}
	_, err = log.Append(ctx, of.Aggregate(), expected, drafts...)
	return err
}

// begun knows whether anything has happened.
type begun struct{ begun bool }

func (b *begun) Evolve(events.Event) { b.begun = true }

// drafts are turns of a conversation, some of them sealed.
func (o *ordeal) drafts(of events.SessionID, begun bool, size int) []events.Event {
	if !begun {
		return []events.Event{{Body: started(of, anna).Body}}
	}
	var bodies []events.Body
	for range size {
		item := o.ids.ULID()
		bodies = append(bodies,
			&events.SegmentPlaced{Call: 1, Item: item, Speaker: events.Learner},
			&events.SegmentTranscribed{Call: 1, Item: item, Status: events.Final, Words: 2, Private: events.SegmentText{Text: "two apples"}})
	}
	return events.Draft(bodies[:size]...)
}

// eraseSession has the eraser do all its work on a session.
func (o *ordeal) eraseSession(of events.SessionID) {
	o.t.Helper()
	eraser := erasure.NewEraser(erasure.Doors{
		Log: o.calm, Calls: noCalls{}, Vault: o.truth.Vault(), Objects: noObjects{}, Ledger: o.truth.Ledger(), Sweeper: o.truth,
		Copies: o.truth, Register: o.truth, SignIns: o.truth.SignIns(),
	},
		atOnce{}, o.clock.Now, o.ids.Event)
	stamp := events.Stamp{Actor: "system:test", Time: o.clock.Now(), NewID: o.ids.Event}
	for asked := false; !asked && o.ctx.Err() == nil; {
		_, err := events.Execute(o.ctx, o.calm, of.Aggregate(), events.NewSession(of), stamp, func(s *events.Session) ([]events.Event, error) {
			return s.RequestDelete(anna)
		})
		if asked = err == nil; !isBearable(err) {
			o.t.Fatalf("ask for a deletion: %v (seed %d)", err, o.seed)
		}
	}
	for {
		known, err := o.truth.Load(o.ctx, of.Aggregate(), 0)
		if err == nil {
			hint := latestHint(known)
			if swept, is := hint.Body.(*events.SessionErased); is && swept.SweptAt != nil {
				return
			}
			err = eraser.Handle(o.ctx, hint)
		}
		if !isBearable(err) || o.ctx.Err() != nil {
			o.t.Fatalf("erase: %v (seed %d)", err, o.seed)
		}
	}
}

// latestHint is the last event that gives the eraser work.
func latestHint(of []events.Event) (hint events.Event) {
	for _, e := range of {
		switch e.Body.(type) {
		case *events.SessionDeleteRequested, *events.SessionErased:
			hint = e
		}
	}
	return hint
}

// noObjects is a store of sessions without recordings.
type noObjects struct{}

func (noObjects) RemoveSession(context.Context, events.SessionID) (int, error) { return 0, nil }

// noCalls is a provider with no call that is up.
type noCalls struct{}

func (noCalls) HangUpAll(context.Context, []events.SessionID) error { return nil }

// atOnce sweeps without a pause.
type atOnce struct{}

func (atOnce) Wait(ctx context.Context) error { return ctx.Err() }

// run has clients append while the nemesis rages, and lets all come to rest.
func (o *ordeal) run(n *nemesis) {
	over := make(chan struct{})
	ended := make(chan error, clients*len(o.instances))
	for k := range cap(ended) {
		i := o.instances[k%len(o.instances)]
		go func() { ended <- o.use(i, k, over) }()
	}
	n.rage()
	close(over)
	for range cap(ended) {
		if err := <-ended; err != nil {
			o.t.Errorf("a client: %v", err)
		}
	}
	watcher := postgres.NewWatcher(o.db, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(o.ctx)
	watched := make(chan error, 1)
	go func() { watched <- watcher.Run(ctx) }()
	if err := watcher.Wait(o.ctx, o.end()); err != nil {
		o.t.Errorf("the projectors stop at %d: %v", watcher.Position(), err)
	}
	stop()
	if err := <-watched; err != nil {
		o.t.Error(err)
	}
	for _, r := range o.projectors {
		r.stop(o.t)
	}
}

func (o *ordeal) end() events.Position {
	o.t.Helper()
	now, err := o.truth.Identity(o.ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	return now.Last
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// TestOrdeal lets many use the log and its read models while everything goes
// wrong, and then holds what they were told against what is there: a checker in
// Jepsen's manner. What goes wrong, and in which order, comes from a seed, which
// a failure prints and PARLEY_TEST_SEED repeats.
func TestOrdeal(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		k := startKillable(t)
		o := newOrdeal(t, []string{k.host}, 1)
		n := newNemesis(o)
		maps.Copy(n.deeds, n.troublesOfOne(k))
		o.run(n)
		o.judge()
	})
	t.Run("three servers", func(t *testing.T) {
		c := eventstest.StartCluster(t)
		var hosts []string
		for _, s := range c.Servers {
			hosts = append(hosts, s.Host())
		}
		o := newOrdeal(t, hosts, len(hosts))
		n := newNemesis(o)
		maps.Copy(n.deeds, n.troublesOfThree(c))
		o.run(n)
		o.judge()
	})
}

func newNemesis(o *ordeal) *nemesis {
	n := &nemesis{ordeal: o, random: rand.New(rand.NewPCG(o.seed, 0)), doomed: o.contested[:rounds]}
	n.deeds = n.troublesEverywhere()
	return n
}
