package jetstream

import (
	"crypto/rand"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// Config says how the log is kept. Its zero value, with a MasterKey, is right
// for one server.
type Config struct {
	// MasterKey wraps the data keys. Required.
	MasterKey MasterKey
	// Replicas of each stream that is made; 0: one. Streams that are there
	// already are left as they are.
	Replicas int
	// AnswerWait is how long one request waits for the server before its
	// outcome counts as doubtful and it is sent again; 0: two seconds.
	AnswerWait time.Duration
	// CachedKeys bounds how many data keys are held in memory, about 230 bytes
	// each (a test measures it); 0: 65,536, which is 15 MB.
	CachedKeys int
	// KeyDestroyed is told when an owner's data key is out of this program's
	// memory, whichever instance destroyed it. It must not block; nil: nobody is.
	KeyDestroyed func(owner events.Aggregate)
	// Now is the clock; nil: the system's.
	Now func() time.Time
	// Random makes keys, nonces and the log's epoch. It is read by several
	// goroutines at once; nil: the system's. Only tests set it.
	Random io.Reader
}

func (c Config) withDefaults() Config {
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.AnswerWait == 0 {
		c.AnswerWait = 2 * time.Second
	}
	if c.CachedKeys == 0 {
		c.CachedKeys = 65_536
	}
	if c.KeyDestroyed == nil {
		c.KeyDestroyed = func(events.Aggregate) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// ConnectOptions are what a connection given to [New] needs. Without a
// reconnect buffer nothing is published behind the back of an append that has
// given up already; and a connection never stops trying to come back.
func ConnectOptions() []nats.Option {
	return []nats.Option{
		nats.Name("parley"),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(15 * time.Second), // one that is half open is left after two that nobody answered
		nats.MaxPingsOutstanding(2),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
	}
}
