package events

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

// EmailClaimed says whose an address is; the address is the stream's keyed hash.
type EmailClaimed struct {
	Account AccountID `json:"account"`
}

// EmailReleased frees an address. Erasures set a ClaimErased instead, which names
// nobody; older ones did this.
type EmailReleased struct {
	Account AccountID `json:"account"`
}

// Kind is account_registered.
func (*AccountRegistered) Kind() Kind { return KindAccountRegistered }

// Sealed is who the person is.
func (b *AccountRegistered) Sealed() any { return &b.Private }

// Kind is email_claimed.
func (*EmailClaimed) Kind() Kind { return KindEmailClaimed }

// Kind is email_released.
func (*EmailReleased) Kind() Kind { return KindEmailReleased }

// Account is a person's account, folded from its events.
type Account struct {
	ID          AccountID
	Registered  *AccountRegistered
	Roles       map[Role]bool
	Credentials []HeldCredential // in the order in which they were added
	Invitation  *AccountInvited  // nil when there is none, or it was withdrawn
	Reset       *AccountResetAllowed
	Deleted     *AccountDeleteRequested
	Erased      *AccountErased // the latest tombstone
}

// NewAccount is an account that nobody registered yet.
func NewAccount(id AccountID) *Account { return &Account{ID: id, Roles: map[Role]bool{}} }

// Live tells whether the account is somebody's: registered, and nobody asked to
// erase it.
func (a *Account) Live() bool { return a.Registered != nil && !a.gone() }

// Evolve takes in the next event.
func (a *Account) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *AccountRegistered:
		a.Registered = b
	case *AccountRoleGranted:
		a.Roles[b.Role] = true
	case *AccountRoleWithdrawn:
		delete(a.Roles, b.Role)
	case *AccountInvited:
		a.Invitation = b
	case *AccountInvitationWithdrawn:
		a.Invitation = nil
	case *AccountResetAllowed:
		a.Reset = b
	case *AccountDeleteRequested:
		a.Deleted = b
		a.empty()
	case *AccountErased:
		a.Erased = b
		a.empty()
	default:
		a.evolveCredentials(e)
	}
}

// Register opens the account with its first credential and roles, once.
// Errors: CodeConflict when it exists.
func (a *Account) Register(who Person, first *AccountCredentialAdded, roles []Role) ([]Event, error) {
	if a.Registered != nil || a.gone() {
		return nil, Errorf(CodeConflict, "this account exists, or once did")
	}
	drafts := Draft(&AccountRegistered{Method: first.Method, Private: who}, first)
	for _, r := range roles {
		drafts = append(drafts, Draft(&AccountRoleGranted{Role: r})...)
	}
	return drafts, nil
}

// EmailClaim is the claim on one address.
type EmailClaim struct {
	Holder AccountID
	at     Position // of the event that it is held by
}

// Evolve takes in the next event.
func (c *EmailClaim) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *EmailClaimed:
		c.Holder, c.at = b.Account, e.Position
	case *EmailReleased:
		c.Holder = ""
	case *ClaimErased:
		if b.frees(c.at) {
			c.Holder = ""
		}
	}
}

// Claim takes the address for an account. An address whose holder never came
// to be (a crash between claim and registration) may be taken over: abandoned
// tells whether that is so for the current holder.
// Errors: CodeConflict when it is somebody's.
func (c *EmailClaim) Claim(by AccountID, abandoned func(holder AccountID) (bool, error)) ([]Event, error) {
	taken := Errorf(CodeConflict, "an account with this e-mail address exists")
	return claim(c.Holder, &EmailClaimed{Account: by}, by, abandoned, taken)
}

// claim drafts what takes something that one account at a time may hold.
func claim(holder AccountID, claimed Body, by AccountID, abandoned func(AccountID) (bool, error), taken error) ([]Event, error) {
	if holder == by {
		return nil, nil
	}
	if holder != "" {
		free, err := abandoned(holder)
		if err != nil {
			return nil, err
		}
		if !free {
			return nil, taken
		}
	}
	return Draft(claimed), nil
}
