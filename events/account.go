package events

import "time"

// Role is what an account may do; one person may hold several.
type Role string

// The roles.
const (
	RoleLearner  Role = "learner"
	RoleAnalyst  Role = "analyst"
	RoleOperator Role = "operator"
)

// ParseRole reads a role. Errors: CodeInvalid.
func ParseRole(text string) (Role, error) {
	switch r := Role(text); r {
	case RoleLearner, RoleAnalyst, RoleOperator:
		return r, nil
	}
	return "", Errorf(CodeInvalid, "role %q is none of learner, analyst, operator", clip(text))
}

// Person is the sealed part of AccountRegistered.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// AccountRegistered opens an account.
type AccountRegistered struct {
	Method  string `json:"method"`
	Private Person `json:"-"`
}

// Credential is the sealed part of AccountCredentialAdded.
type Credential struct {
	PasswordHash string `json:"password_hash,omitempty"` // PHC string
}

// AccountCredentialAdded gives an account a way to sign in; a later password
// replaces the earlier one.
type AccountCredentialAdded struct {
	Method  string     `json:"method"`
	Private Credential `json:"-"`
}

// AccountRoleGranted adds a role.
type AccountRoleGranted struct {
	Role Role `json:"role"`
}

// AccountErased is an account's tombstone, written once its key is gone. Like
// SessionErased it comes a second time, with SweptAt.
type AccountErased struct {
	Positions    Numbers    `json:"positions"`
	Events       int        `json:"events"`
	Sessions     int        `json:"sessions"`
	UnreadableAt time.Time  `json:"unreadable_at"`
	SweptAt      *time.Time `json:"swept_at,omitempty"`
}

// EmailClaimed says whose an address is; the address is the stream's keyed hash.
type EmailClaimed struct {
	Account AccountID `json:"account"`
}

// EmailReleased frees an address.
type EmailReleased struct {
	Account AccountID `json:"account"`
}

// ByPassword is the sign-in method of this version.
const ByPassword = "password"

// Kind is account_registered.
func (*AccountRegistered) Kind() Kind { return KindAccountRegistered }

// Sealed is who the person is.
func (b *AccountRegistered) Sealed() any { return &b.Private }

// Kind is account_credential_added.
func (*AccountCredentialAdded) Kind() Kind { return KindAccountCredentialAdded }

// Sealed is the credential.
func (b *AccountCredentialAdded) Sealed() any { return &b.Private }

// Kind is account_role_granted.
func (*AccountRoleGranted) Kind() Kind { return KindAccountRoleGranted }

// Kind is account_erased.
func (*AccountErased) Kind() Kind { return KindAccountErased }

// Kind is email_claimed.
func (*EmailClaimed) Kind() Kind { return KindEmailClaimed }

// Kind is email_released.
func (*EmailReleased) Kind() Kind { return KindEmailReleased }

// Account is a person's account, folded from its events.
type Account struct {
	ID         AccountID
	Registered *AccountRegistered
	Roles      map[Role]bool
	Erased     *AccountErased // the latest tombstone
}

// NewAccount is an account that nobody registered yet.
func NewAccount(id AccountID) *Account { return &Account{ID: id, Roles: map[Role]bool{}} }

// Evolve takes in the next event.
func (a *Account) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *AccountRegistered:
		a.Registered = b
	case *AccountRoleGranted:
		a.Roles[b.Role] = true
	case *AccountErased:
		a.Erased = b
	}
}

// Register opens the account with a password and roles, once.
// Errors: CodeConflict when it exists.
func (a *Account) Register(who Person, passwordHash string, roles []Role) ([]Event, error) {
	if a.Registered != nil || a.Erased != nil {
		return nil, Errorf(CodeConflict, "this account exists, or once did")
	}
	drafts := Draft(
		&AccountRegistered{Method: ByPassword, Private: who},
		&AccountCredentialAdded{Method: ByPassword, Private: Credential{PasswordHash: passwordHash}},
	)
	for _, r := range roles {
		drafts = append(drafts, Draft(&AccountRoleGranted{Role: r})...)
	}
	return drafts, nil
}

// Erase writes the tombstone. Repeating it drafts nothing.
// Errors: CodeNotFound for an account that never was.
func (a *Account) Erase(b *AccountErased) ([]Event, error) {
	switch {
	case a.Registered == nil && a.Erased == nil:
		return nil, Errorf(CodeNotFound, "there is no such account")
	case a.Erased != nil && (b.SweptAt == nil || a.Erased.SweptAt != nil):
		return nil, nil
	}
	return Draft(b), nil
}

// EmailClaim is the claim on one address.
type EmailClaim struct{ Holder AccountID }

// Evolve takes in the next event.
func (c *EmailClaim) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *EmailClaimed:
		c.Holder = b.Account
	case *EmailReleased:
		c.Holder = ""
	}
}

// Claim takes the address for an account. An address whose holder never came
// to be (a crash between claim and registration) may be taken over: abandoned
// tells whether that is so for the current holder.
// Errors: CodeConflict when it is somebody's.
func (c *EmailClaim) Claim(by AccountID, abandoned func(holder AccountID) (bool, error)) ([]Event, error) {
	if c.Holder == by {
		return nil, nil
	}
	if c.Holder != "" {
		free, err := abandoned(c.Holder)
		if err != nil {
			return nil, err
		}
		if !free {
			return nil, Errorf(CodeConflict, "an account with this e-mail address exists")
		}
	}
	return Draft(&EmailClaimed{Account: by}), nil
}
