package jetstream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// Vault keeps one random 256-bit data key per session and account, wrapped by
// the master key, each on a subject of its own in a plain stream. A key is made
// when something is first sealed under it. Destroying it makes everything that
// was sealed under it unreadable, everywhere and for good.
type Vault struct {
	publisher *publisher
	leader    leader
	config    Config
	turns     *turns
	keys      *keyCache
	master    *dataKey // nil until open
	stop      func()   // ends the watch for keys that others destroy
}

func newVault(p *publisher, config Config) *Vault {
	return &Vault{
		publisher: p,
		leader:    leader{p.nc, keyStream, config.AnswerWait},
		config:    config,
		turns:     newTurns(),
		keys:      newKeyCache(config.CachedKeys),
		stop:      func() {},
	}
}

// Seal encrypts a private part under its owner's data key, which is made if
// there is none yet. Aggregate, id and kind say which event it belongs to; it
// opens for no other.
// Errors: CodeErased when the key was destroyed, CodeUnavailable.
func (v *Vault) Seal(ctx context.Context, owner, of events.Aggregate, id events.EventID, kind events.Kind, private []byte) ([]byte, error) {
	key, err := v.keyOf(ctx, owner, v.findOrMake)
	if err != nil {
		return nil, err
	}
	var sealed []byte
	err = key.use(func(key []byte) error {
		sealed, err = sealBytes(key, v.config.Random, private, frame(string(id), string(kind), of.String()))
		return err
	})
	return sealed, err
}

// Open decrypts what Seal made for the same event.
// Errors: CodeErased when the key was destroyed, CodeNotFound when there never
// was one, CodeInvalid when the seal does not open, CodeUnavailable.
func (v *Vault) Open(ctx context.Context, owner, of events.Aggregate, id events.EventID, kind events.Kind, sealed []byte) ([]byte, error) {
	key, err := v.keyOf(ctx, owner, v.find)
	if err != nil {
		return nil, err
	}
	var private []byte
	err = key.use(func(key []byte) error {
		private, err = openBytes(key, sealed, frame(string(id), string(kind), of.String()))
		return err
	})
	return private, err
}

// Derive makes a key for one purpose from the owner's data key; it dies with
// it. Errors: CodeErased, CodeNotFound when nothing was ever sealed for the
// owner, CodeUnavailable.
func (v *Vault) Derive(ctx context.Context, owner events.Aggregate, purpose string) (derived [keySize]byte, err error) {
	key, err := v.keyOf(ctx, owner, v.find)
	if err != nil {
		return derived, err
	}
	err = key.use(func(key []byte) error {
		derived, err = derive(key, purpose)
		return err
	})
	return derived, err
}

// Keyed gives the key of a name, such as "email": made at its first use, never
// changed, never destroyed. It is meant for keyed hashes.
// Errors: CodeInvalid for a name that is no token, CodeUnavailable.
func (v *Vault) Keyed(ctx context.Context, name string) (named [keySize]byte, err error) {
	if !isToken(name) {
		return named, events.Errorf(events.CodeInvalid, "a key's name has letters, digits, - and _")
	}
	key, err := v.key(ctx, keyPrefix+"named."+name, v.findOrMake)
	if err != nil {
		return named, err
	}
	err = key.use(func(key []byte) error {
		copy(named[:], key)
		return nil
	})
	return named, err
}

// Destroy ends the owner's data key, whether or not there ever was one: a
// marker that no later key can pass becomes the subject's last message, and
// every message before it is overwritten on the disk. Repeating it finishes
// what was left. Errors: CodeUnavailable; then it must be repeated.
func (v *Vault) Destroy(ctx context.Context, owner events.Aggregate) error {
	subject, err := keySubject(owner)
	if err != nil {
		return err
	}
	done, err := v.turns.take(ctx, subject)
	if err != nil {
		return unavailable(err, "the data key was not destroyed")
	}
	defer done()
	marker, err := v.mark(ctx, subject)
	if err != nil {
		return err
	}
	v.keys.destroy(subject)
	return v.sweep(ctx, subject, marker)
}

// mark puts the marker at the subject's end and gives its position.
func (v *Vault) mark(ctx context.Context, subject string) (uint64, error) {
	for {
		last, err := v.leader.last(ctx, subject)
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
		at, refused, err := v.publisher.settle(ctx, []*nats.Msg{markerMessage(subject, expected, v.config.Now())})
		if err != nil {
			return 0, unavailable(err, "whether the data key is destroyed is not known yet")
		}
		if !refused {
			return at, nil
		}
	}
}

// sweep overwrites all messages of the subject before the marker.
func (v *Vault) sweep(ctx context.Context, subject string, marker uint64) error {
	for from := uint64(1); ; {
		m, err := v.leader.next(ctx, subject, from)
		if err != nil {
			return err
		}
		if m == nil || m.seq >= marker {
			return nil
		}
		if err := v.leader.erase(ctx, m.seq); err != nil {
			return err
		}
		from = m.seq + 1
	}
}

// keySubject is where an owner's data key lies.
func keySubject(owner events.Aggregate) (string, error) {
	if !isToken(string(owner.Kind)) || !isToken(owner.ID) {
		return "", events.Errorf(events.CodeInvalid, "a data key needs an owner")
	}
	return keyPrefix + string(owner.Kind) + "." + owner.ID, nil
}

// lookup finds a key in the stream; find and findOrMake are the two ways.
type lookup func(ctx context.Context, subject string) (*dataKey, error)

func (v *Vault) keyOf(ctx context.Context, owner events.Aggregate, how lookup) (*dataKey, error) {
	subject, err := keySubject(owner)
	if err != nil {
		return nil, err
	}
	return v.key(ctx, subject, how)
}

// key gives a key from memory, else from the stream. One caller at a time asks
// for a subject, so that a key can't come back while it is being destroyed.
func (v *Vault) key(ctx context.Context, subject string, how lookup) (*dataKey, error) {
	if v.master == nil {
		return nil, events.Errorf(events.CodeUnavailable, "the vault is not open")
	}
	if key := v.keys.get(subject); key != nil {
		return key, nil
	}
	done, err := v.turns.take(ctx, subject)
	if err != nil {
		return nil, unavailable(err, "the data key was not found in time")
	}
	defer done()
	if key := v.keys.get(subject); key != nil {
		return key, nil
	}
	key, err := how(ctx, subject)
	if err != nil {
		return nil, err
	}
	v.keys.put(subject, key)
	return key, nil
}

// find reads a key. Errors: CodeNotFound, CodeInvalid for one that the master
// key does not open, CodeUnavailable.
func (v *Vault) find(ctx context.Context, subject string) (*dataKey, error) {
	last, err := v.leader.last(ctx, subject)
	switch {
	case err != nil:
		return nil, err
	case last == nil:
		return nil, events.Errorf(events.CodeNotFound, "there is no data key")
	case isMarker(last.header):
		return destroyedKey(), nil
	}
	return v.unwrap(subject, last.data)
}

// findOrMake reads a key, or makes one. When another instance makes it at the
// same moment the guard lets one of the two in, and both use that.
func (v *Vault) findOrMake(ctx context.Context, subject string) (*dataKey, error) {
	key, err := v.find(ctx, subject)
	if events.CodeOf(err) != events.CodeNotFound {
		return key, err
	}
	key = &dataKey{}
	if _, err := io.ReadFull(v.config.Random, key.bytes[:]); err != nil {
		return nil, events.Wrap(err, events.CodeInternal, "no random numbers for a data key")
	}
	wrapped, err := v.wrap(subject, key)
	if err != nil {
		return nil, err
	}
	_, refused, err := v.publisher.settle(ctx, []*nats.Msg{wrapped})
	if err != nil {
		return nil, unavailable(err, "a data key could not be stored")
	}
	if refused {
		return v.find(ctx, subject)
	}
	return key, nil
}

// wrappedKey is the content of a key's message: nonce and ciphertext under the
// master key, about the subject.
type wrappedKey struct {
	Wrapped string `json:"wrapped"`
}

func (v *Vault) wrap(subject string, key *dataKey) (*nats.Msg, error) {
	var sealed []byte
	err := v.master.use(func(master []byte) (err error) {
		sealed, err = sealBytes(master, v.config.Random, key.bytes[:], frame("data key", subject))
		return err
	})
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(wrappedKey{base64.StdEncoding.EncodeToString(sealed)})
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{}}
	guard(m, keyStream, 0)
	return m, err
}

func (v *Vault) unwrap(subject string, data []byte) (*dataKey, error) {
	var message wrappedKey
	if err := json.Unmarshal(data, &message); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "a data key cannot be read")
	}
	sealed, err := base64.StdEncoding.DecodeString(message.Wrapped)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "a data key cannot be read")
	}
	key := &dataKey{}
	err = v.master.use(func(master []byte) error {
		plain, err := openBytes(master, sealed, frame("data key", subject))
		copy(key.bytes[:], plain)
		return err
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}
