package http

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"parley/events"
)

// Keyring gives keys that never change, by name; the vault is one.
type Keyring interface {
	// Keyed gives the named key, made at its first use. Errors: CodeUnavailable.
	Keyed(ctx context.Context, name string) ([32]byte, error)
}

// Accounts opens accounts and checks who somebody is. It reads the log, not
// the read models, so that an account just made can sign in at once.
type Accounts struct {
	log       events.LoadAppender
	keys      Keyring
	passwords *Passwords
	now       func() time.Time
	newID     func() string // a ULID
}

// NewAccounts wires it.
func NewAccounts(log events.LoadAppender, keys Keyring, passwords *Passwords, now func() time.Time, newID func() string) *Accounts {
	return &Accounts{log, keys, passwords, now, newID}
}

// Longest name of a person, in characters, and e-mail address, in bytes.
const (
	MaxName  = 100
	MaxEmail = 254
)

// Add opens an account with a password. The address is claimed first; a claim
// whose account never came to be is taken over.
// Errors: CodeInvalid, CodeConflict (the address is somebody's), those of the log.
func (a *Accounts) Add(ctx context.Context, by events.Actor, who events.Person, password string, roles []events.Role) (events.AccountID, events.Position, error) {
	who, err := checkPerson(who)
	if err != nil {
		return "", 0, err
	}
	hash, err := a.passwords.Hash(ctx, password)
	if err != nil {
		return "", 0, err
	}
	claim, err := a.email(ctx, who.Email)
	if err != nil {
		return "", 0, err
	}
	id := events.AccountID(a.newID())
	stamp := events.Stamp{Actor: by, Time: a.now(), NewID: func() events.EventID { return events.EventID(a.newID()) }}
	_, err = events.Execute(ctx, a.log, claim, &events.EmailClaim{}, stamp, func(c *events.EmailClaim) ([]events.Event, error) {
		return c.Claim(id, func(holder events.AccountID) (bool, error) { return a.absent(ctx, holder) })
	})
	if err != nil {
		return "", 0, err
	}
	at, err := events.Execute(ctx, a.log, id.Aggregate(), events.NewAccount(id), stamp, func(acc *events.Account) ([]events.Event, error) {
		return acc.Register(who, events.NewPassword(hash), roles)
	})
	return id, at, err
}

func (a *Accounts) absent(ctx context.Context, id events.AccountID) (bool, error) {
	evs, err := a.log.Load(ctx, id.Aggregate(), 0)
	return len(evs) == 0, err
}

func checkPerson(who events.Person) (events.Person, error) {
	who.Name, who.Email = strings.TrimSpace(who.Name), strings.TrimSpace(who.Email)
	parsed, err := mail.ParseAddress(who.Email)
	if err != nil || parsed.Address != who.Email || len(who.Email) > MaxEmail {
		return who, events.Errorf(events.CodeInvalid, "email is no address such as name@example.org")
	}
	if who.Name == "" {
		who.Name, _, _ = strings.Cut(who.Email, "@")
	}
	if utf8.RuneCountInString(who.Name) > MaxName {
		return who, events.Errorf(events.CodeInvalid, "name is longer than %d characters", MaxName)
	}
	return who, nil
}

// email is the aggregate of an address: its hash under a key of its own.
func (a *Accounts) email(ctx context.Context, address string) (events.Aggregate, error) {
	key, err := a.keys.Keyed(ctx, "email")
	if err != nil {
		return events.Aggregate{}, err
	}
	return events.EmailAggregate(keyedHash(key, strings.ToLower(address))), nil
}

func keyedHash(key [32]byte, text string) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Identity is who somebody is.
type Identity struct {
	ID           events.AccountID
	Person       events.Person
	Roles        map[events.Role]bool
	passwordHash string
}

// Evolve folds an account with its sealed parts.
func (i *Identity) Evolve(e events.Event) {
	switch b := e.Body.(type) {
	case *events.AccountRegistered:
		i.ID, i.Person = events.AccountID(e.Aggregate.ID), b.Private
	case *events.AccountCredentialAdded:
		i.passwordHash = b.Private.PasswordHash
	case *events.AccountRoleGranted:
		i.Roles[b.Role] = true
	case *events.AccountRoleWithdrawn:
		delete(i.Roles, b.Role)
	case *events.AccountErased:
		*i = Identity{Roles: map[events.Role]bool{}}
	}
}

// Find loads an account. Errors: CodeNotFound.
func (a *Accounts) Find(ctx context.Context, id events.AccountID) (*Identity, error) {
	evs, err := a.log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	who := &Identity{Roles: map[events.Role]bool{}}
	for _, e := range evs {
		who.Evolve(e)
	}
	if who.ID == "" {
		return nil, events.Errorf(events.CodeNotFound, "there is no such account")
	}
	return who, nil
}

// SignIn checks address and password; an unknown address takes as long and
// answers the same as a wrong password. Errors: CodeUnauthenticated; the
// identity then says whose account was tried, if anyone's, for the audit.
func (a *Accounts) SignIn(ctx context.Context, address, password string) (*Identity, error) {
	who, err := a.holder(ctx, strings.TrimSpace(address))
	if err != nil {
		return nil, err
	}
	right, err := a.passwords.Check(ctx, password, who.passwordHash)
	if err != nil {
		return nil, err
	}
	if !right {
		return who, events.Errorf(events.CodeUnauthenticated, "e-mail address or password is wrong")
	}
	return who, nil
}

// holder of an address; an empty identity when there is none.
func (a *Accounts) holder(ctx context.Context, address string) (*Identity, error) {
	aggregate, err := a.email(ctx, address)
	if err != nil {
		return nil, err
	}
	evs, err := a.log.Load(ctx, aggregate, 0)
	if err != nil {
		return nil, err
	}
	claim := &events.EmailClaim{}
	for _, e := range evs {
		claim.Evolve(e)
	}
	if claim.Holder == "" {
		return &Identity{}, nil
	}
	who, err := a.Find(ctx, claim.Holder)
	if events.CodeOf(err) == events.CodeNotFound {
		return &Identity{}, nil
	}
	return who, err
}
