package jetstream

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// generation is one key stream, all of whose keys are wrapped by one master key.
// Programs use the one that is live; a rotation makes the next.
type generation struct {
	number    int
	publisher *publisher
	leader    leader
	config    Config
	keys      *keyCache
	master    atomic.Pointer[dataKey] // nil while no key at hand opens the generation
	life      context.Context         // ends when the next one is taken up
	end       context.CancelFunc
	alarm     chan struct{} // holds one value when it may have ended
	unwatch   func()
}

func newGeneration(number int, p *publisher, config Config) *generation {
	life, end := context.WithCancel(context.Background()) // it lives until the vault lets it go
	return &generation{
		number: number, publisher: p, config: config, keys: newKeyCache(config.CachedKeys),
		leader: leader{p.nc, keyStreamOf(number), config.AnswerWait},
		life:   life, end: end, alarm: make(chan struct{}, 1), unwatch: func() {},
	}
}

// leave ends a generation's use and wipes its keys.
func (g *generation) leave() {
	g.end()
	g.keys.close()
	if master := g.master.Load(); master != nil {
		master.wipe(keyForgotten)
	}
	go g.unwatch() // waits for nats.go's next attempt when the stream is gone
}

// copyMaster gives a master key that outlives this generation's; nil when it has
// none.
func (g *generation) copyMaster() *dataKey {
	master := g.master.Load()
	if master == nil {
		return nil
	}
	another := &dataKey{}
	err := master.use(func(key []byte) error {
		copy(another.bytes[:], key)
		return nil
	})
	if err != nil {
		return nil
	}
	return another
}

// Names in a key stream that are no owner's: the mark that nothing is written to
// this generation any more, and the mark that this one is live now.
const (
	endsName  = "rotation.ends"
	livesName = "rotation.lives"
)

func (g *generation) stream() string             { return keyStreamOf(g.number) }
func (g *generation) subject(name string) string { return keyPrefixOf(g.number) + name }

// name is a subject's part behind the generation.
func (g *generation) name(subject string) string {
	return strings.TrimPrefix(subject, keyPrefixOf(g.number))
}

// message is one about a name, guarded by its expected last position.
func (g *generation) message(name string, expected uint64, header nats.Header, data []byte) *nats.Msg {
	if header == nil {
		header = nats.Header{}
	}
	m := &nats.Msg{Subject: g.subject(name), Header: header, Data: data}
	guard(m, g.stream(), expected)
	return m
}

// find reads a key. Errors: CodeNotFound, errEnded, CodeInvalid for one that the
// master key does not open, CodeUnavailable.
func (g *generation) find(ctx context.Context, name string) (*dataKey, error) {
	last, err := g.leader.last(ctx, g.subject(name))
	switch {
	case err != nil:
		return nil, err
	case last == nil:
		return nil, g.absent(ctx)
	case isMarker(last.header):
		return destroyedKey(), nil
	}
	return g.unwrap(name, last.data)
}

// errEnded says that a generation has ended, so that what is not in it may be in
// the next.
var errEnded = errors.New("this generation of keys has ended")

func (g *generation) absent(ctx context.Context) error {
	ended, err := g.leader.last(ctx, g.subject(endsName))
	switch {
	case err != nil:
		return err
	case ended != nil:
		return errEnded
	}
	return events.Errorf(events.CodeNotFound, "there is no data key")
}

// findOrMake reads a key, or makes one. When another instance makes it at the
// same moment the guard lets one of the two in, and both use that: it is there,
// though a new leader may know of it a moment later only.
func (g *generation) findOrMake(ctx context.Context, name string) (*dataKey, error) {
	pause := leastPause
	for {
		key, err := g.find(ctx, name)
		if events.CodeOf(err) != events.CodeNotFound {
			return key, err
		}
		key, refused, err := g.make(ctx, name)
		if err != nil || !refused {
			return key, err
		}
		if err := rest(ctx, &pause); err != nil {
			return nil, unavailable(err, "a data key that was made just now cannot be read yet")
		}
	}
}

// make stores a new key, unless there is one.
func (g *generation) make(ctx context.Context, name string) (key *dataKey, refused bool, err error) {
	key = &dataKey{}
	if _, err := io.ReadFull(g.config.Random, key.bytes[:]); err != nil {
		return nil, false, events.Wrap(err, events.CodeInternal, "no random numbers for a data key")
	}
	wrapped, err := g.wrap(name, key)
	if err != nil {
		return nil, false, err
	}
	_, refused, err = g.publisher.settle(ctx, []*nats.Msg{wrapped})
	if err != nil {
		return nil, false, unavailable(err, "a data key could not be stored")
	}
	return key, refused, nil
}

// destroy puts the marker at a name's end and overwrites all before it.
func (g *generation) destroy(ctx context.Context, name, at string) error {
	marker, err := g.mark(ctx, name, at)
	if err != nil {
		return err
	}
	g.keys.destroy(name)
	return g.sweep(ctx, name, marker)
}

// mark puts the marker at a name's end and gives its position.
func (g *generation) mark(ctx context.Context, name, at string) (uint64, error) {
	for {
		last, err := g.leader.last(ctx, g.subject(name))
		if err != nil {
			return 0, err
		}
		var expected uint64
		if last != nil && isMarker(last.header) {
			return last.seq, nil
		}
		if last != nil {
			expected = last.seq
		}
		marker := g.message(name, expected, nats.Header{markerHeader: {at}}, nil)
		seq, refused, err := g.publisher.settle(ctx, []*nats.Msg{marker})
		if err != nil {
			return 0, unavailable(err, "whether the data key is destroyed is not known yet")
		}
		if !refused {
			return seq, nil
		}
	}
}

// sweep overwrites all messages of a name before the marker.
func (g *generation) sweep(ctx context.Context, name string, marker uint64) error {
	for from := uint64(1); ; {
		m, err := g.leader.next(ctx, g.subject(name), from)
		if err != nil {
			return err
		}
		if m == nil || m.seq >= marker {
			return nil
		}
		if err := g.leader.erase(ctx, m.seq); err != nil {
			return err
		}
		from = m.seq + 1
	}
}

// markerHeader tells a destroyed key's last message from a key. It is a header
// so that watching needs no bodies.
const markerHeader = "Parley-Destroyed"

func isMarker(h nats.Header) bool { return h.Get(markerHeader) != "" }

// wrappedKey is the content of a key's message: nonce and ciphertext under the
// master key, about the subject.
type wrappedKey struct {
	Wrapped string `json:"wrapped"`
}

func (g *generation) wrap(name string, key *dataKey) (*nats.Msg, error) {
	var sealed []byte
	err := g.master.Load().use(func(master []byte) error {
		return key.use(func(key []byte) (err error) {
			sealed, err = sealBytes(master, g.config.Random, key, frame("data key", g.subject(name)))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(wrappedKey{base64.StdEncoding.EncodeToString(sealed)})
	return g.message(name, 0, nil, data), err
}

func (g *generation) unwrap(name string, data []byte) (*dataKey, error) {
	var message wrappedKey
	if err := json.Unmarshal(data, &message); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "a data key cannot be read")
	}
	sealed, err := base64.StdEncoding.DecodeString(message.Wrapped)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "a data key cannot be read")
	}
	key := &dataKey{}
	err = g.master.Load().use(func(master []byte) error {
		plain, err := openBytes(master, sealed, frame("data key", g.subject(name)))
		copy(key.bytes[:], plain)
		clear(plain)
		return err
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}

// KeyGeneration is what can be seen of one key stream without a master key.
type KeyGeneration struct {
	Number int
	Stream Stream
	Vault  string // the same in all generations of a vault
	Live   bool   // it was live at some time; the highest such is
	Ended  bool   // nothing is written to it any more
	check  string
	last   uint64
}

// generations finds all key streams, in their order.
func generations(ctx context.Context, js jetstream.JetStream, wait time.Duration) ([]KeyGeneration, error) {
	names := js.StreamNames(ctx, jetstream.WithStreamListSubject("parley_keys.>"))
	var found []KeyGeneration
	for name := range names.Name() {
		number := generationOf(name)
		if number == 0 {
			continue
		}
		g, err := lookAt(ctx, js, number, wait)
		if err != nil {
			return nil, err
		}
		if g != nil {
			found = append(found, *g)
		}
	}
	if err := names.Err(); err != nil {
		return nil, unavailable(err, "the key streams cannot be listed")
	}
	slices.SortFunc(found, func(a, b KeyGeneration) int { return cmp.Compare(a.Number, b.Number) })
	return found, nil
}

// lookAt looks at one generation; nil when it is not there.
func lookAt(ctx context.Context, js jetstream.JetStream, number int, wait time.Duration) (*KeyGeneration, error) {
	name := keyStreamOf(number)
	info, err := lookUp(ctx, js, name)
	if err != nil || info == nil {
		return nil, err
	}
	g := &KeyGeneration{
		Number: number, Stream: Stream(name), Live: number == 1, Ended: info.Config.Sealed,
		Vault: vaultOf(info.Config.Metadata), check: info.Config.Metadata[checkMetadata], last: info.State.LastSeq,
	}
	asked := leader{js.Conn(), name, wait}
	for mark, is := range map[string]*bool{endsName: &g.Ended, livesName: &g.Live} {
		m, err := asked.last(ctx, keyPrefixOf(number)+mark)
		if isGone(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		*is = *is || m != nil
	}
	return g, nil
}

// liveOf is the generation that programs use; nil when there is none.
func liveOf(found []KeyGeneration) (live *KeyGeneration) {
	for i := range found {
		if found[i].Live {
			live = &found[i]
		}
	}
	return live
}

// isGone is true of the server's answer that there is no such stream.
func isGone(err error) bool { return hasCode(err, jetstream.JSErrCodeStreamNotFound) }

// isFrozen is true of the server's refusal to write to a stream that has ended.
func isFrozen(err error) bool { return hasCode(err, codeStreamSealed) }

// codeStreamSealed is the refusal to change a stream that is sealed, in the
// server's sense of the word (nats-server errors.json).
const codeStreamSealed jetstream.ErrorCode = 10109

func hasCode(err error, code jetstream.ErrorCode) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == code
}
