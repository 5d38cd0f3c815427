package postgres_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"

	"parley/events"
)

// vault seals by turning bytes around: enough to see that rows hold what was
// sealed, not what was said. The real one is tried in line_test.go.
type vault struct {
	mu        sync.Mutex
	destroyed map[events.Aggregate]bool
}

func newVault() *vault { return &vault{destroyed: map[events.Aggregate]bool{}} }

func (v *vault) destroy(owner events.Aggregate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.destroyed[owner] = true
}

func (v *vault) check(owner events.Aggregate) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.destroyed[owner] {
		return events.Errorf(events.CodeErased, "the key was destroyed")
	}
	return nil
}

// sealed gives an event its sealed part, as if it had been read from the log.
func sealed(e events.Event) events.Event {
	b, is := e.Body.(events.Sealable)
	if !is {
		return e
	}
	private, err := json.Marshal(b.Sealed())
	if err != nil {
		panic(err)
	}
	if string(private) == "{}" {
		return e
	}
	framed := append([]byte(string(e.ID)+"|"+string(b.Kind())+"|"+e.Aggregate.String()+"|"), private...)
	slices.Reverse(framed)
	e.Sealed = framed
	return e
}

// Open refuses what is not asked for by its own names.
func (v *vault) Open(_ context.Context, owner, aggregate events.Aggregate, id events.EventID, kind events.Kind, sealed []byte) ([]byte, error) {
	if err := v.check(owner); err != nil {
		return nil, err
	}
	framed := slices.Clone(sealed)
	slices.Reverse(framed)
	about := string(id) + "|" + string(kind) + "|" + aggregate.String() + "|"
	if len(framed) < len(about) || string(framed[:len(about)]) != about {
		return nil, events.Errorf(events.CodeInternal, "the seal does not open")
	}
	return framed[len(about):], nil
}

func (v *vault) Derive(_ context.Context, owner events.Aggregate, purpose string) ([32]byte, error) {
	return sha256.Sum256([]byte(owner.String() + purpose)), v.check(owner)
}
