package eventstest

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"

	"parley/events"
	"parley/events/jetstream"
)

// Began is when every test's clock starts.
var Began = time.Date(2026, time.March, 14, 9, 26, 53, 0, time.UTC)

// Clock is a clock that goes on by one millisecond each time it is read.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock that stands at Began.
func NewClock() *Clock { return &Clock{now: Began} }

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Random gives the same bytes for the same seed. It may be read by several
// goroutines; which one gets which bytes is then theirs to settle.
func Random(seed string) io.Reader {
	var key [32]byte
	copy(key[:], seed)
	return &random{source: rand.NewChaCha8(key)}
}

type random struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Read(p)
}

// IDs gives ULIDs that come out the same for the same seed.
type IDs struct {
	clock  *Clock
	random io.Reader
}

// NewIDs makes ids from a clock and a seed.
func NewIDs(clock *Clock, seed string) *IDs { return &IDs{clock, Random(seed)} }

// ULID gives the next id.
func (i *IDs) ULID() string { return ulid.MustNew(ulid.Timestamp(i.clock.Now()), i.random).String() }

// Event gives the next event's id; it fits events.Stamp.
func (i *IDs) Event() events.EventID { return events.EventID(i.ULID()) }

// Bundle is a log on a server of its own, with what commands need.
type Bundle struct {
	NATS  *NATS
	Conn  *nats.Conn
	Log   *jetstream.Log
	Vault *jetstream.Vault
	Clock *Clock
	IDs   *IDs
}

// NewBundle starts a server and opens a log on it. All ends with the test.
func NewBundle(t testing.TB) *Bundle {
	t.Helper()
	server := StartNATS(t)
	nc := server.Connect()
	clock := NewClock()
	log := OpenLog(t, nc, jetstream.Config{Now: clock.Now})
	return &Bundle{server, nc, log, log.Vault(), clock, NewIDs(clock, t.Name())}
}

// OpenLog opens a log that closes with the test. Without a master key it gets
// that of all tests. A cluster that has no leader just now is waited for.
func OpenLog(t testing.TB, nc *nats.Conn, config jetstream.Config) *jetstream.Log {
	t.Helper()
	if config.MasterKey == (jetstream.MasterKey{}) {
		config.MasterKey = MasterKey()
	}
	return Patiently(t, func() (*jetstream.Log, error) {
		log := jetstream.New(nc, config)
		if err := log.Open(t.Context()); err != nil {
			log.Close()
			return nil, err
		}
		t.Cleanup(log.Close)
		return log, nil
	})
}

// MasterKey is that of all tests: the bytes 0 to 31.
func MasterKey() jetstream.MasterKey {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return jetstream.MasterKeyText(base64.StdEncoding.EncodeToString(key))
}

// Stamp is what a command of this actor knows about itself.
func (b *Bundle) Stamp(actor events.Actor) events.Stamp {
	return events.Stamp{Actor: actor, Time: b.Clock.Now(), NewID: b.IDs.Event}
}

// Append stores bodies at the end of an aggregate and gives the position of the
// last one.
func (b *Bundle) Append(t testing.TB, to events.Aggregate, bodies ...events.Body) events.Position {
	t.Helper()
	at, err := events.Execute(t.Context(), b.Log, to, nobody{}, b.Stamp("system:test"),
		func(nobody) ([]events.Event, error) { return events.Draft(bodies...), nil })
	if err != nil {
		t.Fatalf("append to %s: %v", to, err)
	}
	return at
}

// nobody decides without looking.
type nobody struct{}

func (nobody) Evolve(events.Event) {}

// Load reads an aggregate whole.
func (b *Bundle) Load(t testing.TB, of events.Aggregate) []events.Event {
	t.Helper()
	loaded, err := b.Log.Load(t.Context(), of, 0)
	if err != nil {
		t.Fatalf("load %s: %v", of, err)
	}
	return loaded
}

// FollowUntil reads the log from the start until done says so.
func FollowUntil(ctx context.Context, log events.Follower, done func([]events.Event) bool) ([]events.Event, error) {
	var seen []events.Event
	err := log.Follow(ctx, 0, 100, func(batch []events.Event) error {
		if seen = append(seen, batch...); done(seen) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return seen, err
}

// errEnough ends following once a test has seen what it waited for.
var errEnough = errors.New("seen enough")
