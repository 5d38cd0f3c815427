package partner

import (
	"encoding/base32"
	"fmt"
	"io"
	"sync"
	"time"
)

// The provider's limits for a token's life, in seconds.
const (
	shortestToken = 10
	longestToken  = 7200
	usualToken    = 600
)

// tokens are those minted and not yet used. The zero value is ready.
type tokens struct {
	mu     sync.Mutex
	grants map[string]grant
}

// grant is what a token opens.
type grant struct {
	session session
	faults  Faults
	expires time.Time
}

// add keeps a grant, and forgets those that have expired.
func (t *tokens) add(value string, g grant, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants == nil {
		t.grants = map[string]grant{}
	}
	for old, g := range t.grants {
		if !now.Before(g.expires) {
			delete(t.grants, old)
		}
	}
	t.grants[value] = g
}

// use gives what a token opens, once; false: unknown, used, expired, or
// refused as its faults ask for.
func (t *tokens) use(value string, now time.Time) (grant, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	granted, found := t.grants[value]
	if found && granted.faults.OfferRefusals > 0 {
		granted.faults.OfferRefusals--
		t.grants[value] = granted
		return grant{}, false
	}
	delete(t.grants, value)
	return granted, found && now.Before(granted.expires)
}

// newID gives a fresh id as the provider writes them.
func newID(random io.Reader, prefix string) (string, error) {
	var raw [15]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("partner: make an id: %w", err)
	}
	return prefix + "_" + base32.HexEncoding.EncodeToString(raw[:]), nil
}
