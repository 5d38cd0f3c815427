package http

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"

	"parley/events"
)

// ceremonies keep what lies between the two halves of a sign-in by passkey or
// OpenID. A browser carries it sealed, so that any instance can take up the second
// half; each is taken up once (by one instance, as far as its memory reaches).
type ceremonies struct {
	keys Keyring
	now  func() time.Time

	mu         sync.Mutex
	young, old map[string]bool // those that were taken up; old is dropped whole
}

// rememberedCeremonies bounds each of the two maps.
const rememberedCeremonies = 10_000

func newCeremonies(keys Keyring, now func() time.Time) *ceremonies {
	return &ceremonies{keys: keys, now: now, young: map[string]bool{}}
}

// ceremony is what is sealed.
type ceremony struct {
	ID     string          `json:"id"`
	EndsAt time.Time       `json:"ends_at"`
	State  json.RawMessage `json:"state"`
}

// begin seals a state for a purpose. Errors: CodeUnavailable.
func (c *ceremonies) begin(ctx context.Context, purpose string, state any, lasts time.Duration) (string, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return "", events.Wrap(err, events.CodeInternal, "a sign-in cannot be written")
	}
	plain, err := json.Marshal(ceremony{rand.Text(), c.now().Add(lasts), text})
	if err != nil {
		return "", events.Wrap(err, events.CodeInternal, "a sign-in cannot be written")
	}
	aead, err := c.aead(ctx)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// finish opens what begin sealed for the same purpose, once.
// Errors: CodeForbidden when it is another's, over, or was taken up; CodeUnavailable.
func (c *ceremonies) finish(ctx context.Context, purpose, sealed string, state any) error {
	again := events.Errorf(events.CodeForbidden, "this sign-in took too long or was used; begin again")
	aead, err := c.aead(ctx)
	if err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < aead.NonceSize() {
		return again
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(purpose))
	if err != nil {
		return again
	}
	var found ceremony
	if err := json.Unmarshal(plain, &found); err != nil || !c.now().Before(found.EndsAt) || !c.takeUp(found.ID) {
		return again
	}
	if err := json.Unmarshal(found.State, state); err != nil {
		return events.Wrap(err, events.CodeForbidden, again.Message)
	}
	return nil
}

func (c *ceremonies) takeUp(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young[id] || c.old[id] {
		return false
	}
	if len(c.young) >= rememberedCeremonies {
		c.old, c.young = c.young, map[string]bool{}
	}
	c.young[id] = true
	return true
}

func (c *ceremonies) aead(ctx context.Context) (cipher.AEAD, error) {
	key, err := c.keys.Keyed(ctx, "ceremony")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, events.Wrap(err, events.CodeInternal, "a sign-in cannot be sealed")
	}
	return cipher.NewGCM(block)
}
