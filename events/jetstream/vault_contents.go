package jetstream

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// digest tells one data key from another; zero: it is destroyed.
type digest [sha256.Size]byte

// contents are the owners of a generation's keys.
type contents map[string]digest

func (c contents) count() (keys, destroyed int) {
	for _, d := range c {
		if d == (digest{}) {
			destroyed++
		}
	}
	return len(c) - destroyed, destroyed
}

// record is a generation as far as it was read.
type record struct {
	*generation
	contents contents
	at       uint64
}

func newRecord(g *generation) *record { return &record{generation: g, contents: contents{}} }

// advance reads on. Errors: CodeInvalid for a key that the master key does not
// open, CodeUnavailable; those of do, which is given each key and marker.
func (r *record) advance(ctx context.Context, do func(keyMessage) error) error {
	at, err := r.each(ctx, r.at, func(m *stored) error {
		k, err := r.decode(m)
		if err == nil {
			err = do(k)
		}
		if k.key != nil {
			k.key.wipe(keyForgotten)
		}
		r.contents[k.name] = k.digest
		return err
	})
	if err == nil {
		r.at = at
	}
	return err
}

func seen(keyMessage) error { return nil }

// keyMessage is one message of a key stream, opened.
type keyMessage struct {
	name        string
	digest      digest
	key         *dataKey // nil: destroyed
	destroyedAt string
}

func (g *generation) decode(m *stored) (k keyMessage, err error) {
	k.name = g.name(m.subject)
	if k.destroyedAt = m.header.Get(markerHeader); k.destroyedAt != "" {
		return k, nil
	}
	if k.key, err = g.unwrap(k.name, m.data); err != nil {
		return k, events.Wrap(err, events.CodeInvalid, "the data key of "+k.name+" does not open under its master key")
	}
	err = k.key.use(func(key []byte) error {
		k.digest = sha256.Sum256(key)
		return nil
	})
	return k, err
}

// each reads the keys and markers behind a position, as far as there are any,
// and gives the last position.
func (g *generation) each(ctx context.Context, after uint64, do func(*stored) error) (uint64, error) {
	for {
		next, err := g.leader.next(ctx, g.subject(">"), after+1)
		if err != nil || next == nil {
			return after, err
		}
		if after, err = g.read(ctx, after, do); err != nil {
			return after, err
		}
	}
}

// read is one reading with a consumer. It ends early when the last messages were
// erased before they came; each looks again.
func (g *generation) read(ctx context.Context, after uint64, do func(*stored) error) (uint64, error) {
	consumer, err := g.publisher.js.OrderedConsumer(ctx, g.stream(), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
	})
	if err != nil {
		return after, unavailable(err, "the key stream cannot be read")
	}
	messages, err := consumer.Messages()
	if err != nil {
		return after, unavailable(err, "the key stream cannot be read")
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextMaxWait(g.config.AnswerWait))
		if errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
			return after, nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return after, unavailable(err, "the key stream cannot be read")
		}
		about, err := m.Metadata()
		if err != nil {
			return after, unavailable(err, "a message came without its position")
		}
		s := &stored{subject: m.Subject(), seq: about.Sequence.Stream, header: m.Headers(), data: m.Data()}
		if name := g.name(s.subject); name != endsName && name != livesName {
			if err := do(s); err != nil {
				return after, err
			}
		}
		if after = s.seq; about.NumPending == 0 {
			return after, nil
		}
	}
}

// carrying is how many keys go in one write.
const carrying = 250

// carrier brings keys from one generation into another, wrapped anew.
type carrier struct {
	from, to *record
	waiting  []*nats.Msg
}

// carry brings what was not read yet of one generation into another, and reads
// what is there then. What is destroyed in either is so in the second afterwards.
// Errors: CodeConflict when an owner has another key there, CodeUnavailable.
func carry(ctx context.Context, from, to *record) error {
	c := &carrier{from: from, to: to}
	if err := to.advance(ctx, seen); err != nil {
		return err
	}
	if err := from.advance(ctx, func(k keyMessage) error { return c.bring(ctx, k) }); err != nil {
		return err
	}
	if err := c.flush(ctx); err != nil {
		return err
	}
	return to.advance(ctx, seen)
}

func (c *carrier) bring(ctx context.Context, k keyMessage) error {
	there, is := c.to.contents[k.name]
	switch {
	case is && there == k.digest, is && there == digest{}:
		return nil
	case k.key == nil:
		if err := c.flush(ctx); err != nil { // the key may be waiting
			return err
		}
		return c.to.destroy(ctx, k.name, k.destroyedAt)
	case is:
		return events.Errorf(events.CodeConflict, "%s has another data key in the new generation; both stay", k.name)
	}
	m, err := c.to.wrap(k.name, k.key)
	if c.waiting = append(c.waiting, m); err == nil && len(c.waiting) == carrying {
		err = c.flush(ctx)
	}
	return err
}

func (c *carrier) flush(ctx context.Context) error {
	write := c.waiting
	c.waiting = nil
	return c.to.add(ctx, write)
}

// add writes keys that are not there yet. When some are, because an answer was
// lost or another rotation does the same, the rest go one by one; each key's own
// guard keeps what is there.
func (g *generation) add(ctx context.Context, keys []*nats.Msg) error {
	if len(keys) == 0 {
		return nil
	}
	_, refused, err := g.publisher.settle(ctx, keys)
	for i := 0; err == nil && refused && len(keys) > 1 && i < len(keys); i++ {
		_, _, err = g.publisher.settle(ctx, keys[i:i+1])
	}
	if err != nil {
		return unavailable(err, "a data key could not be copied")
	}
	return nil
}
