package events

import (
	"slices"
	"time"
)

// The ways to sign in.
const (
	ByPassword = "password"
	ByPasskey  = "passkey"
	ByOpenID   = "openid"
)

// CredentialID names one credential of an account: a ULID, or PasswordID.
type CredentialID string

// PasswordID is the id of every account's password: there is at most one.
const PasswordID CredentialID = "password"

// MaxCredentials is how many credentials an account holds.
const MaxCredentials = 20

// MaxCredentialName is the longest name of a passkey, in characters.
const MaxCredentialName = 60

// Credential is the sealed part of AccountCredentialAdded: what its method needs.
type Credential struct {
	PasswordHash string   `json:"password_hash,omitempty"` // PHC string
	Name         string   `json:"name,omitempty"`          // what its owner calls it
	Passkey      *Passkey `json:"passkey,omitempty"`
	OpenID       *OpenID  `json:"openid,omitempty"`
}

// Passkey is a public key credential (WebAuthn level 3, Credential Record).
type Passkey struct {
	ID         []byte   `json:"id"`
	PublicKey  []byte   `json:"public_key"` // COSE
	SignCount  uint32   `json:"sign_count"`
	Flags      byte     `json:"flags"` // of the authenticator data
	Transports []string `json:"transports,omitempty"`
	AAGUID     []byte   `json:"aaguid,omitempty"`
}

// OpenID is who somebody is at a provider. The e-mail address there says
// nothing, since a provider may not have looked whose it is.
type OpenID struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// AccountCredentialAdded gives an account a way to sign in; a later password
// replaces the earlier one. Credential is empty for a password.
type AccountCredentialAdded struct {
	Method     string       `json:"method"`
	Credential CredentialID `json:"credential,omitempty"`
	Private    Credential   `json:"-"`
}

// CredentialName is the sealed part of AccountCredentialRenamed.
type CredentialName struct {
	Name string `json:"name"`
}

// AccountCredentialRenamed: its owner calls it something else.
type AccountCredentialRenamed struct {
	Credential CredentialID   `json:"credential"`
	Private    CredentialName `json:"-"`
}

// AccountCredentialUsed: a passkey signed in and its authenticator counted on.
type AccountCredentialUsed struct {
	Credential CredentialID `json:"credential"`
	SignCount  uint32       `json:"sign_count"`
	Flags      byte         `json:"flags"`
}

// AccountCredentialRemoved takes a way to sign in away.
type AccountCredentialRemoved struct {
	Credential CredentialID `json:"credential"`
}

// Kind is account_credential_added.
func (*AccountCredentialAdded) Kind() Kind { return KindAccountCredentialAdded }

// Sealed is the credential.
func (b *AccountCredentialAdded) Sealed() any { return &b.Private }

// Kind is account_credential_renamed.
func (*AccountCredentialRenamed) Kind() Kind { return KindAccountCredentialRenamed }

// Sealed is the name.
func (b *AccountCredentialRenamed) Sealed() any { return &b.Private }

// Kind is account_credential_used.
func (*AccountCredentialUsed) Kind() Kind { return KindAccountCredentialUsed }

// Kind is account_credential_removed.
func (*AccountCredentialRemoved) Kind() Kind { return KindAccountCredentialRemoved }

// NewPassword is a password as a credential; hash is a PHC string.
func NewPassword(hash string) *AccountCredentialAdded {
	return &AccountCredentialAdded{Method: ByPassword, Private: Credential{PasswordHash: hash}}
}

// HeldCredential is one way in which an account can be signed in to.
type HeldCredential struct {
	ID      CredentialID
	Method  string
	AddedAt time.Time
	Private Credential
}

func (a *Account) evolveCredentials(e Event) {
	switch b := e.Body.(type) {
	case *AccountCredentialAdded:
		a.hold(HeldCredential{b.Credential, b.Method, e.Time, b.Private})
	case *AccountCredentialRenamed:
		a.amend(b.Credential, func(c *Credential) { c.Name = b.Private.Name })
	case *AccountCredentialUsed:
		a.amend(b.Credential, func(c *Credential) { c.count(b.SignCount, b.Flags) })
	case *AccountCredentialRemoved:
		a.drop(b.Credential)
	}
}

func (a *Account) hold(c HeldCredential) {
	if c.Method == ByPassword {
		c.ID, a.Reset = PasswordID, nil
		a.drop(PasswordID)
	}
	a.Credentials = append(a.Credentials, c)
}

func (a *Account) drop(id CredentialID) {
	a.Credentials = slices.DeleteFunc(a.Credentials, func(c HeldCredential) bool { return c.ID == id })
}

func (a *Account) amend(id CredentialID, change func(*Credential)) {
	for i := range a.Credentials {
		if a.Credentials[i].ID == id {
			change(&a.Credentials[i].Private)
		}
	}
}

// count makes a passkey of its own: the event's is shared with whoever holds
// that event.
func (c *Credential) count(signs uint32, flags byte) {
	if c.Passkey == nil {
		return
	}
	counted := *c.Passkey
	counted.SignCount, counted.Flags = signs, flags
	c.Passkey = &counted
}

// Credential finds one that the account holds.
func (a *Account) Credential(id CredentialID) (HeldCredential, bool) {
	return a.which(func(c HeldCredential) bool { return c.ID == id })
}

// PasswordHash is the PHC string of the account's password; empty without one.
func (a *Account) PasswordHash() string {
	held, _ := a.Credential(PasswordID)
	return held.Private.PasswordHash
}

// WithOpenID finds the credential of a provider's subject.
func (a *Account) WithOpenID(who OpenID) (HeldCredential, bool) {
	return a.which(func(c HeldCredential) bool { return c.Private.OpenID != nil && *c.Private.OpenID == who })
}

// WithPasskey finds the credential of an authenticator's id.
func (a *Account) WithPasskey(id []byte) (HeldCredential, bool) {
	return a.which(func(c HeldCredential) bool {
		return c.Private.Passkey != nil && slices.Equal(c.Private.Passkey.ID, id)
	})
}

func (a *Account) which(is func(HeldCredential) bool) (HeldCredential, bool) {
	if i := slices.IndexFunc(a.Credentials, is); i >= 0 {
		return a.Credentials[i], true
	}
	return HeldCredential{}, false
}

// AddCredential gives the account one more way to sign in, or another password.
// A passkey or a provider's subject that it holds drafts nothing.
// Errors: CodeNotFound, CodeTooLarge past MaxCredentials.
func (a *Account) AddCredential(b *AccountCredentialAdded) ([]Event, error) {
	if err := a.missing(); err != nil {
		return nil, err
	}
	if a.holds(b.Private) {
		return nil, nil
	}
	if b.Method != ByPassword && len(a.Credentials) >= MaxCredentials {
		return nil, Errorf(CodeTooLarge, "an account has at most %d ways to sign in; remove one first", MaxCredentials)
	}
	return Draft(b), nil
}

func (a *Account) holds(c Credential) (held bool) {
	switch {
	case c.Passkey != nil:
		_, held = a.WithPasskey(c.Passkey.ID)
	case c.OpenID != nil:
		_, held = a.WithOpenID(*c.OpenID)
	}
	return held
}

// RenameCredential gives a credential another name.
// Errors: CodeNotFound; CodeInvalid for no name or one past MaxCredentialName.
func (a *Account) RenameCredential(id CredentialID, name string) ([]Event, error) {
	held, ok := a.Credential(id)
	if !ok || held.Method == ByPassword {
		return nil, errNoCredential()
	}
	name, err := CheckCredentialName(name)
	if err != nil || name == held.Private.Name {
		return nil, err
	}
	return Draft(&AccountCredentialRenamed{Credential: id, Private: CredentialName{name}}), nil
}

// UsePasskey takes in what an authenticator said when it signed in. One whose
// counter does not go on may have been copied (WebAuthn level 3, section 6.1.1).
// Errors: CodeNotFound, CodeUnauthenticated for a counter that stands or goes back.
func (a *Account) UsePasskey(id CredentialID, signCount uint32, flags byte) ([]Event, error) {
	held, ok := a.Credential(id)
	if !ok || held.Private.Passkey == nil {
		return nil, errNoCredential()
	}
	known := held.Private.Passkey
	counts := known.SignCount != 0 || signCount != 0
	switch {
	case counts && signCount <= known.SignCount:
		return nil, Errorf(CodeUnauthenticated, "this passkey's counter went back, so it may have been copied; sign in another way and remove it")
	case signCount == known.SignCount && flags == known.Flags:
		return nil, nil
	}
	return Draft(&AccountCredentialUsed{Credential: id, SignCount: signCount, Flags: flags}), nil
}

// RemoveCredential takes a way to sign in away, but never the last one.
// Errors: CodeNotFound, CodeConflict for the last one.
func (a *Account) RemoveCredential(id CredentialID) ([]Event, error) {
	if _, ok := a.Credential(id); !ok {
		return nil, errNoCredential()
	}
	if len(a.Credentials) == 1 {
		return nil, Errorf(CodeConflict, "this is the only way to sign in; add another one first")
	}
	return Draft(&AccountCredentialRemoved{Credential: id}), nil
}

func errNoCredential() error { return Errorf(CodeNotFound, "there is no such credential") }
