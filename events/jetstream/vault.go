package jetstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/events"
)

// Vault keeps one random 256-bit data key per session and account, wrapped by
// the master key, each on a subject of its own in a plain stream. A key is made
// when something is first sealed under it. Destroying it makes everything that
// was sealed under it unreadable, everywhere and for good.
//
// The stream has generations (vault_generation.go). A program uses the live one,
// watches it for keys that others destroy, and takes up the next one when a
// rotation makes that live (vault_open.go, vault_rotation.go).
type Vault struct {
	publisher *publisher
	config    Config
	turns     *turns
	current   atomic.Pointer[generation] // nil unless open
	unlocking sync.Mutex                 // while the source is read for a generation without a key
	tried     time.Time                  // when that was last done
	stop      func()                     // ends the watch
}

func newVault(p *publisher, config Config) *Vault {
	return &Vault{publisher: p, config: config, turns: newTurns(), stop: func() {}}
}

// Seal encrypts a private part under its owner's data key, which is made if
// there is none yet. Aggregate, id and kind say which event it belongs to; it
// opens for no other.
// Errors: CodeErased when the key was destroyed, CodeUnavailable.
func (v *Vault) Seal(ctx context.Context, owner, of events.Aggregate, id events.EventID, kind events.Kind, private []byte) (sealed []byte, err error) {
	err = v.lend(ctx, owner, (*generation).findOrMake, func(key []byte) (err error) {
		sealed, err = sealBytes(key, v.config.Random, private, frame(string(id), string(kind), of.String()))
		return err
	})
	return sealed, err
}

// Open decrypts what Seal made for the same event.
// Errors: CodeErased when the key was destroyed, CodeNotFound when there never
// was one, CodeInvalid when the seal does not open, CodeUnavailable.
func (v *Vault) Open(ctx context.Context, owner, of events.Aggregate, id events.EventID, kind events.Kind, sealed []byte) (private []byte, err error) {
	err = v.lend(ctx, owner, (*generation).find, func(key []byte) (err error) {
		private, err = openBytes(key, sealed, frame(string(id), string(kind), of.String()))
		return err
	})
	return private, err
}

// Derive makes a key for one purpose from the owner's data key; it dies with
// it. Errors: CodeErased, CodeNotFound when nothing was ever sealed for the
// owner, CodeUnavailable.
func (v *Vault) Derive(ctx context.Context, owner events.Aggregate, purpose string) (derived [keySize]byte, err error) {
	err = v.lend(ctx, owner, (*generation).find, func(key []byte) (err error) {
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
	err = v.use(ctx, "named."+name, (*generation).findOrMake, func(key []byte) error {
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
	name, err := keyName(owner)
	if err != nil {
		return err
	}
	done, err := v.turns.take(ctx, name)
	if err != nil {
		return unavailable(err, "the data key was not destroyed")
	}
	defer done()
	at := v.config.Now().UTC().Format(timeLayout)
	return v.inLive(ctx, func(ctx context.Context, g *generation) error { return g.destroy(ctx, name, at) })
}

// loading is how many keys are fetched at the same moment: the server answers
// that many as fast as any more.
const loading = 64

// Load fetches the data keys of many owners at once, before each is asked for.
// Keys in memory are not fetched again; that an owner has no key, or a destroyed
// one, is found out when it is used. Of more owners than memory holds, the first
// are loaded. Errors: CodeUnavailable.
func (v *Vault) Load(ctx context.Context, owners []events.Aggregate) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loading)
	for _, owner := range owners[:min(len(owners), v.config.CachedKeys)] {
		name, err := keyName(owner)
		if err != nil || v.held(name) != nil {
			continue
		}
		group.Go(func() error {
			if _, err := v.key(ctx, name, (*generation).find); events.CodeOf(err) == events.CodeUnavailable {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// keyName is an owner's name in the key stream.
func keyName(owner events.Aggregate) (string, error) {
	if !isToken(string(owner.Kind)) || !isToken(owner.ID) {
		return "", events.Errorf(events.CodeInvalid, "a data key needs an owner")
	}
	return string(owner.Kind) + "." + owner.ID, nil
}

// lookup finds a key in a generation; find and findOrMake are the two ways.
type lookup func(g *generation, ctx context.Context, name string) (*dataKey, error)

func (v *Vault) lend(ctx context.Context, owner events.Aggregate, how lookup, do func(key []byte) error) error {
	name, err := keyName(owner)
	if err != nil {
		return err
	}
	return v.use(ctx, name, how, do)
}

// use lends a key's bytes. One that leaves memory before it is used is fetched
// again.
func (v *Vault) use(ctx context.Context, name string, how lookup, do func(key []byte) error) error {
	for {
		key, err := v.key(ctx, name, how)
		if err != nil {
			return err
		}
		if err := key.use(do); !errors.Is(err, errForgotten) {
			return err
		}
	}
}

// held gives a key from memory, or nil.
func (v *Vault) held(name string) *dataKey {
	if g := v.current.Load(); g != nil {
		return g.keys.get(name)
	}
	return nil
}

// key gives a key from memory, else from the stream. One caller at a time asks
// for a name, so that a key can't come back while it is being destroyed.
func (v *Vault) key(ctx context.Context, name string, how lookup) (*dataKey, error) {
	if key := v.held(name); key != nil {
		return key, nil
	}
	done, err := v.turns.take(ctx, name)
	if err != nil {
		return nil, unavailable(err, "the data key was not found in time")
	}
	defer done()
	var key *dataKey
	err = v.inLive(ctx, func(ctx context.Context, g *generation) (err error) {
		if key = g.keys.get(name); key != nil {
			return nil
		}
		emptied := g.keys.emptied()
		if key, err = how(g, ctx, name); err == nil {
			g.keys.putFound(name, key, emptied)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}
