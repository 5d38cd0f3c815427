package http

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"parley/events"
)

// Argon2id parameters: OWASP's first choice for servers (19 MiB, two passes).
const (
	argonMemoryKiB = 19 * 1024
	argonPasses    = 2
	argonLanes     = 1
	argonSalt      = 16
	argonKey       = 32
)

// waitingHashes is how many may wait for their turn: beyond that somebody is
// trying to wear the server out.
const waitingHashes = 64

// Passwords hashes and checks, at most a few at a time: each takes 19 MiB.
type Passwords struct {
	slots   chan struct{}
	waiting chan struct{}
	refused refusedPasswords
	dummy   string
	argon   func(password, salt []byte) []byte // tests count and hold it
}

// NewPasswords allows atOnce hashes at the same moment.
func NewPasswords(atOnce int) *Passwords {
	return &Passwords{
		slots: make(chan struct{}, atOnce), waiting: make(chan struct{}, waitingHashes), refused: commonestPasswords(),
		dummy: encodeArgon(make([]byte, argonSalt), make([]byte, argonKey)),
		argon: func(password, salt []byte) []byte {
			return argon2.IDKey(password, salt, argonPasses, argonMemoryKiB, argonLanes, argonKey)
		},
	}
}

// Hash gives the PHC string of a password that keeps the rules; whose says who is
// going to use it. Errors: CodeInvalid when it breaks a rule, CodeLimited when too
// many wait, CodeUnavailable when the context ends first.
func (p *Passwords) Hash(ctx context.Context, password string, whose events.Person) (string, error) {
	password = normalized(password)
	if err := p.refused.check(password, whose); err != nil {
		return "", err
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := p.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return encodeArgon(salt, key), nil
}

// Check compares in constant time. An empty hash stands for an unknown account,
// or one without a password: it costs the same and is never right.
// Errors: CodeLimited, CodeUnavailable.
func (p *Passwords) Check(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	salt, want, err := decodeArgon(hash)
	if err != nil {
		return false, err
	}
	if len(password) > mostBytes {
		password = ""
	}
	got, err := p.derive(ctx, normalized(password), salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return nil, limited(events.CodeLimited, time.Second, "too many are signing in at once; try again")
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, events.Wrap(ctx.Err(), events.CodeUnavailable, "too many are signing in at once; try again")
	}
	defer func() { <-p.slots }()
	return p.argon([]byte(password), salt), nil
}

func encodeArgon(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemoryKiB, argonPasses, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

func decodeArgon(phc string) (salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	want := fmt.Sprintf("m=%d,t=%d,p=%d", argonMemoryKiB, argonPasses, argonLanes)
	if len(parts) != 6 || parts[1] != "argon2id" || parts[3] != want {
		return nil, nil, events.Errorf(events.CodeInternal, "a stored password hash has another form")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err == nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil {
		return nil, nil, events.Wrap(err, events.CodeInternal, "a stored password hash does not decode")
	}
	return salt, key, nil
}
