package http

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

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

// Limits of a password, in characters. There are no rules of composition.
const (
	MinPassword = 10
	MaxPassword = 200
)

// Passwords hashes and checks, at most a few at a time: each takes 19 MiB.
type Passwords struct {
	slots chan struct{}
	dummy string
}

// NewPasswords allows atOnce hashes at the same moment.
func NewPasswords(atOnce int) *Passwords {
	p := &Passwords{slots: make(chan struct{}, atOnce)}
	p.dummy = encodeArgon(make([]byte, argonSalt), make([]byte, argonKey))
	return p
}

// Hash gives the PHC string. Errors: CodeInvalid for the length,
// CodeUnavailable when the context ends first.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword {
		return "", events.Errorf(events.CodeInvalid, "a password has %d to %d characters", MinPassword, MaxPassword)
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	key, err := p.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return encodeArgon(salt, key), nil
}

// Check compares in constant time. An empty hash stands for an unknown
// account: it costs the same and is never right.
func (p *Passwords) Check(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	salt, want, err := decodeArgon(hash)
	if err != nil {
		return false, err
	}
	if len(password) > 4*MaxPassword {
		password = ""
	}
	got, err := p.derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, events.Wrap(ctx.Err(), events.CodeUnavailable, "too many are signing in at once; try again")
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemoryKiB, argonLanes, argonKey), nil
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
