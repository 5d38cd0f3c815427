package jetstream_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// ground is what an append is tried on: one server, or three with a leader.
type ground struct {
	first   *eventstest.NATS // the one that the log talks to
	all     string
	config  jetstream.Config
	cluster *eventstest.Cluster // nil for one server
	beside  *nats.Conn          // sees what is true
	truth   *jetstream.Log
}

func oneServer(t *testing.T) *ground {
	n := eventstest.StartNATS(t)
	return &ground{first: n, all: n.URL()}
}

func threeServers(t *testing.T) *ground {
	c := eventstest.StartCluster(t)
	return &ground{first: c.Servers[0], all: c.URL(), cluster: c, config: jetstream.Config{Replicas: 3}}
}

func (g *ground) open(t *testing.T) {
	t.Helper()
	g.beside = eventstest.Dial(t, g.all)
	g.truth = eventstest.OpenLog(t, g.beside, g.config)
}

// restart takes a server down and up again, the one the log talks to, and
// returns once the connection that the truth is read by is back.
func (g *ground) restart() {
	if g.cluster == nil {
		restart(g.first, g.beside)
		return
	}
	up := g.beside.StatusChanged(nats.CONNECTED)
	defer g.beside.RemoveStatusListener(up)
	g.cluster.Restart(g.first, "PARLEY", "PARLEY_KEYS", "PARLEY_SIGNINS", "PARLEY_ERASED", "PARLEY_TIMERS")
	if g.beside.Status() != nats.CONNECTED {
		<-up
	}
}

// trial is one append of anna's, alone or in a batch with others, while
// something goes wrong. Everything is held back until release.
type trial struct {
	*ground
	proxy   *eventstest.Proxy
	conn    *nats.Conn
	of      []events.SessionID // anna's first
	size    int
	release func()
	before  uint64 // messages that the connection had sent before
	sent    uint64 // messages of all appends
	answers []<-chan appended
}

// shape is how anna's append travels.
type shape struct{ size, alone, together int }

// A shared batch needs twelve that went before by themselves.
var shapes = map[string]shape{
	"single":              {size: 1, alone: 1},
	"several events":      {size: 3, alone: 1},
	"in a shared batch":   {size: 1, alone: 12, together: 12},
	"several, in a batch": {size: 2, alone: 12, together: 12},
}

// fault is one way in which an append can go wrong.
type fault struct {
	before   func(t *testing.T, g *ground, anna events.SessionID) events.Expected
	held     func(t *testing.T, r *trial) // while all is held back
	after    func(t *testing.T, r *trial) // once it is released
	conflict bool                         // the true answer; else stored
	only     string                       // the ground that it exists on; "" is both
}

var faults = map[string]fault{
	"lost acknowledgement": {held: loseAnswers},
	"stored late": {held: func(_ *testing.T, r *trial) {
		for r.conn.Stats().OutMsgs < r.before+3*r.sent { // all was sent again
			runtime.Gosched()
		}
	}},
	"server restarted": {held: loseAnswers, after: func(_ *testing.T, r *trial) { r.restart() }},
	"leader changed": {only: "three servers", after: func(_ *testing.T, r *trial) {
		r.cluster.ChangeLeader(r.beside, "PARLEY")
	}},
	"leader changed before": {only: "three servers", held: func(_ *testing.T, r *trial) {
		r.cluster.ChangeLeader(r.beside, "PARLEY")
	}},
	"another writer meanwhile": {conflict: true, held: func(t *testing.T, r *trial) {
		if _, err := appendTo(t.Context(), r.truth, events.ExpectNew(), eventstest.Turns(r.of[0], 1, 100)); err != nil {
			t.Fatal(err)
		}
	}},
	"after an erasure, from before it": {conflict: true, before: func(t *testing.T, g *ground, anna events.SessionID) events.Expected {
		old, _ := erasedSession(t, g, anna)
		return events.ExpectAt(old)
	}},
	"after an erasure, knowing it": {before: func(t *testing.T, g *ground, anna events.SessionID) events.Expected {
		_, tombstone := erasedSession(t, g, anna)
		return events.ExpectAt(tombstone)
	}},
}

func loseAnswers(_ *testing.T, r *trial) { r.proxy.LoseAnswer(r.answer()) }

// answer is what the answer to anna's append begins with.
func (r *trial) answer() string {
	if len(r.of) > 1 {
		return batchAnswer
	}
	return publishAnswer
}

// erasedSession makes anna's session one that was erased.
func erasedSession(t *testing.T, g *ground, anna events.SessionID) (old, tombstone events.Position) {
	t.Helper()
	old, err := appendTo(t.Context(), g.truth, events.ExpectNew(), eventstest.Turns(anna, 1, 200))
	if err != nil {
		t.Fatal(err)
	}
	erased := eventstest.Turns(anna, 1, 201)
	erased[0].Body = &events.SessionErased{Positions: events.NumbersOf(int64(old))}
	if tombstone, err = appendTo(t.Context(), g.truth, events.ExpectAt(old), erased); err != nil {
		t.Fatal(err)
	}
	eventstest.Patiently(t, func() (any, error) { return nil, g.truth.SecureDelete(t.Context(), old) })
	return old, tombstone
}

// TestAppendMatrix holds the whole promise of an append: whatever goes wrong,
// one stored event and one true answer.
func TestAppendMatrix(t *testing.T) {
	for where, start := range map[string]func(*testing.T) *ground{"one server": oneServer, "three servers": threeServers} {
		t.Run(where, func(t *testing.T) {
			g := start(t)
			g.open(t)
			run := 0
			for what, f := range faults {
				if f.only != "" && f.only != where {
					continue
				}
				for how, s := range shapes {
					run++
					t.Run(how+", "+what, func(t *testing.T) { try(t, g, run, s, f) })
				}
			}
		})
	}
}

func try(t *testing.T, g *ground, run int, s shape, f fault) {
	r := &trial{ground: g, size: s.size}
	for i := range s.alone + s.together { // anna is the last to leave, so in the batch if there is one
		r.of = append(r.of, events.SessionID(fmt.Sprintf("01KKNQ5E480000000000%03d%03d", run, i)))
	}
	r.proxy = eventstest.StartProxy(t, g.first.Host())
	r.conn = eventstest.Dial(t, r.proxy.URL())
	config := g.config
	config.AnswerWait = 250 * time.Millisecond
	log := eventstest.OpenLog(t, r.conn, config)
	expected := events.ExpectNew()
	if f.before != nil {
		expected = f.before(t, g, r.of[0])
	}
	r.leave(t, log, expected, s)
	if f.held != nil {
		f.held(t, r)
	}
	r.release()
	if f.after != nil {
		f.after(t, r)
	}
	r.judge(t, f)
}

// leave sends everything off: first those that go alone, then anna's with those
// that share a batch with it.
func (r *trial) leave(t *testing.T, log *jetstream.Log, annas events.Expected, s shape) {
	t.Helper()
	_, release := r.proxy.HoldRequest(anyRequest)
	t.Cleanup(release)
	r.release = release
	r.before, r.sent = r.conn.Stats().OutMsgs, uint64(len(r.of)*r.size)
	r.answers = make([]<-chan appended, len(r.of))
	left := 0
	for i := len(r.of) - 1; i >= 0; i-- { // anna is 0
		expected := events.ExpectNew()
		if i == 0 {
			expected = annas
		}
		r.answers[i] = appendLater(t.Context(), log, expected, eventstest.Turns(r.of[i], r.size, 1))
		if left++; left == s.alone || left == len(r.of) {
			for r.conn.Stats().OutMsgs < r.before+uint64(left*r.size) {
				runtime.Gosched()
			}
		}
	}
}

// judge compares all answers with what is stored.
func (r *trial) judge(t *testing.T, f fault) {
	t.Helper()
	for i, answer := range r.answers {
		got := <-answer
		if i == 0 && f.conflict {
			if events.CodeOf(got.err) != events.CodeConflict {
				t.Errorf("anna's append: got %d, %v; want %s", got.at, got.err, events.CodeConflict)
			}
			r.stored(t, i, 0)
			continue
		}
		if got.err != nil {
			t.Errorf("append %d: %v", i, got.err)
			continue
		}
		r.stored(t, i, got.at)
	}
}

// stored checks that the events of an append lie in the log once, up to the
// position; at zero that none does.
func (r *trial) stored(t *testing.T, i int, at events.Position) {
	t.Helper()
	all := eventstest.Patiently(t, func() ([]events.Event, error) {
		return r.truth.Load(t.Context(), r.of[i].Aggregate(), 0)
	})
	var ours []events.Position
	for _, e := range all {
		if e.N <= int64(r.size) {
			ours = append(ours, e.Position)
		}
	}
	switch {
	case at == 0 && len(ours) > 0:
		t.Errorf("append %d was refused, but lies at %v", i, ours)
	case at > 0 && (len(ours) != r.size || ours[0] != at-events.Position(r.size-1) || ours[len(ours)-1] != at):
		t.Errorf("append %d lies at %v; want %d events up to %d", i, ours, r.size, at)
	}
}
