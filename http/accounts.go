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

// Keyring gives keys that never change, by name, and ends those of somebody's
// data; the vault is one.
type Keyring interface {
	// Keyed gives the named key, made at its first use. Errors: CodeUnavailable.
	Keyed(ctx context.Context, name string) ([32]byte, error)
	// Destroy makes everything that was sealed for the owner unreadable.
	// Errors: CodeUnavailable; then it must be repeated.
	Destroy(ctx context.Context, owner events.Aggregate) error
}

// Accounts opens accounts, changes them and checks who somebody is. It reads the
// log, not the read models, so that an account just made can sign in at once.
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

// Registered tells whether there is an account, as far as the first one in the log:
// read models that are behind, or lost, would open the door of the first start again.
// Errors: CodeUnavailable.
func Registered(ctx context.Context, log events.Browser) (bool, error) {
	f := events.Filter{Kinds: []events.Kind{events.KindAccountRegistered}, Limit: 1}
	for {
		found, err := log.Browse(ctx, f)
		if err != nil || len(found.Events) > 0 || !found.More {
			return len(found.Events) > 0, err
		}
		f.After = found.Through
	}
}

// Add opens an account with a password.
// Errors: CodeInvalid, CodeConflict (the address is somebody's), those of the log.
func (a *Accounts) Add(ctx context.Context, by events.Actor, who events.Person, password string, roles []events.Role) (events.AccountID, events.Position, error) {
	who, err := checkPerson(who)
	if err != nil {
		return "", 0, err
	}
	hash, err := a.passwords.Hash(ctx, password, who)
	if err != nil {
		return "", 0, err
	}
	id := events.AccountID(a.newID())
	if err := a.claimEmail(ctx, by, id, who.Email); err != nil {
		return "", 0, err
	}
	_, at, err := a.decide(ctx, by, id, func(acc *events.Account) ([]events.Event, error) {
		return acc.Register(who, events.NewPassword(hash), roles)
	})
	return id, at, err
}

// decide executes a command on an account, and gives what it is then.
func (a *Accounts) decide(ctx context.Context, by events.Actor, id events.AccountID, decide func(*events.Account) ([]events.Event, error)) (*events.Account, events.Position, error) {
	account := events.NewAccount(id)
	at, err := events.Execute(ctx, a.log, id.Aggregate(), account, a.stamp(by), decide)
	return account, at, err
}

func (a *Accounts) stamp(by events.Actor) events.Stamp {
	return events.Stamp{Actor: by, Time: a.now(), NewID: func() events.EventID { return events.EventID(a.newID()) }}
}

// claimEmail takes an address for an account. The claim comes before the account;
// one whose account never came to be is taken over.
func (a *Accounts) claimEmail(ctx context.Context, by events.Actor, id events.AccountID, address string) error {
	claim, err := a.email(ctx, address)
	if err != nil {
		return err
	}
	_, err = events.Execute(ctx, a.log, claim, &events.EmailClaim{}, a.stamp(by), func(c *events.EmailClaim) ([]events.Event, error) {
		return c.Claim(id, func(holder events.AccountID) (bool, error) { return a.absent(ctx, holder) })
	})
	return err
}

// absent tells whether an account never came to be. One that was erased did; its
// address is free when the eraser has released it.
func (a *Accounts) absent(ctx context.Context, id events.AccountID) (bool, error) {
	account, err := a.load(ctx, id)
	return err == nil && account.Registered == nil && account.Erased == nil, err
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
	return events.EmailAggregate(keyedHash(key, strings.ToLower(strings.TrimSpace(address)))), nil
}

func keyedHash(key [32]byte, text string) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// load folds an account, whether or not it is anybody's.
func (a *Accounts) load(ctx context.Context, id events.AccountID) (*events.Account, error) {
	evs, err := a.log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	account := events.NewAccount(id)
	for _, e := range evs {
		account.Evolve(e)
	}
	return account, nil
}

// Find loads an account that is somebody's. Errors: CodeNotFound.
func (a *Accounts) Find(ctx context.Context, id events.AccountID) (*events.Account, error) {
	account, err := a.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if !account.Live() {
		return nil, events.Errorf(events.CodeNotFound, "there is no such account")
	}
	return account, nil
}

// ByEmail loads the account of an address. Errors: CodeNotFound.
func (a *Accounts) ByEmail(ctx context.Context, address string) (*events.Account, error) {
	account, err := a.holder(ctx, address)
	if err == nil && !account.Live() {
		return nil, events.Errorf(events.CodeNotFound, "there is no account with this e-mail address")
	}
	return account, err
}

// SignIn checks address and password. An unknown address goes the same way as a
// known one, takes as long, and answers the same as a wrong password.
// Errors: CodeUnauthenticated; then the account is that of the address, and only
// for the audit trail; its ID is empty when there is none.
func (a *Accounts) SignIn(ctx context.Context, address, password string) (*events.Account, error) {
	account, err := a.holder(ctx, address)
	if err != nil {
		return nil, err
	}
	right, err := a.passwords.Check(ctx, password, account.PasswordHash())
	if err != nil {
		return nil, err
	}
	if !account.Live() {
		account = events.NewAccount("")
	}
	if !right {
		return account, events.Errorf(events.CodeUnauthenticated, "e-mail address or password is wrong")
	}
	return account, nil
}

// stillProved looks, once a sign-in is made, whether the account is as it was when who
// asks was proved to be its own. A reset or a change of the password that came while
// Argon2 ran, or the removal of a passkey, ended the sign-ins that it saw; this one
// it may not have seen. Errors: CodeUnauthenticated.
func (a *Accounts) stillProved(ctx context.Context, proved *events.Account) error {
	now, err := a.load(ctx, proved.ID)
	if err != nil {
		return err
	}
	changed := !now.Live()
	for _, held := range proved.Credentials {
		is, there := now.Credential(held.ID)
		changed = changed || !there || is.Private.PasswordHash != held.Private.PasswordHash
	}
	if changed {
		return events.Errorf(events.CodeUnauthenticated, "this account was changed while you signed in; sign in again")
	}
	return nil
}

// holder of an address; an account that is nobody's when there is none, loaded
// all the same so that it takes as long.
func (a *Accounts) holder(ctx context.Context, address string) (*events.Account, error) {
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
		claim.Holder = events.AccountID(a.newID())
	}
	return a.load(ctx, claim.Holder)
}

// ChangePassword sets a password. Who has none yet needs no old one, but what first
// asks of her. Errors: those of first, CodeForbidden when the old one is wrong, or is not the old one any more
// when all is hashed; CodeInvalid for the new one.
func (a *Accounts) ChangePassword(ctx context.Context, id events.AccountID, old, new string, first func() error) (events.Position, error) {
	account, err := a.Find(ctx, id)
	if err != nil {
		return 0, err
	}
	held, wrong := account.PasswordHash(), events.Errorf(events.CodeForbidden, "the old password is wrong")
	if held == "" {
		if err := first(); err != nil {
			return 0, err
		}
	} else {
		right, err := a.passwords.Check(ctx, old, held)
		if err != nil {
			return 0, err
		}
		if !right {
			return 0, wrong
		}
	}
	hash, err := a.passwords.Hash(ctx, new, account.Registered.Private)
	if err != nil {
		return 0, err
	}
	_, at, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) {
		if acc.PasswordHash() != held {
			return nil, wrong
		}
		return acc.AddCredential(events.NewPassword(hash))
	})
	return at, err
}
