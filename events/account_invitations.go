package events

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A link that lets somebody in once holds a random secret; the log holds the
// secret's hash (SHA-256 in hex), so that who reads the log cannot use it.

// AccountInvited keeps an account for somebody until she opens it herself. The
// sealed part is whom the operator meant; her name may be missing.
type AccountInvited struct {
	Secret  string    `json:"secret"` // hash
	Roles   []Role    `json:"roles"`
	EndsAt  time.Time `json:"ends_at"`
	Private Person    `json:"-"`
}

// AccountInvitationWithdrawn ends an invitation that nobody used.
type AccountInvitationWithdrawn struct{}

// AccountResetAllowed lets somebody set a new password without the old one, once.
type AccountResetAllowed struct {
	Secret string    `json:"secret"` // hash
	EndsAt time.Time `json:"ends_at"`
}

// Kind is account_invited.
func (*AccountInvited) Kind() Kind { return KindAccountInvited }

// Sealed is who is invited.
func (b *AccountInvited) Sealed() any { return &b.Private }

// Kind is account_invitation_withdrawn.
func (*AccountInvitationWithdrawn) Kind() Kind { return KindAccountInvitationWithdrawn }

// Kind is account_reset_allowed.
func (*AccountResetAllowed) Kind() Kind { return KindAccountResetAllowed }

// Invite keeps the account for somebody. Errors: CodeConflict when it exists.
func (a *Account) Invite(b *AccountInvited) ([]Event, error) {
	if a.Registered != nil || a.gone() {
		return nil, Errorf(CodeConflict, "this account exists, or once did")
	}
	return Draft(b), nil
}

// WithdrawInvitation ends the invitation. One that ended drafts nothing.
// Errors: CodeNotFound for an account that is somebody's, or was never meant to be.
func (a *Account) WithdrawInvitation() ([]Event, error) {
	if a.Registered != nil || a.gone() || a.Invitation == nil {
		return nil, Errorf(CodeNotFound, "there is no such invitation")
	}
	return Draft(&AccountInvitationWithdrawn{}), nil
}

// Invited gives the invitation that a secret's hash opens.
// Errors: CodeForbidden when it is wrong, used, withdrawn or over.
func (a *Account) Invited(secret string, now time.Time) (*AccountInvited, error) {
	invitation, open := a.OpenInvitation(now)
	if !open || invitation.Secret != secret {
		return nil, errLink()
	}
	return invitation, nil
}

// OpenInvitation gives the invitation that waits to be accepted.
func (a *Account) OpenInvitation(now time.Time) (*AccountInvited, bool) {
	invitation := a.Invitation
	open := a.Registered == nil && !a.gone() && invitation != nil && now.Before(invitation.EndsAt)
	return invitation, open
}

// Accept registers the invited with the roles of the invitation, which is used
// up thereby. Errors: those of Invited.
func (a *Account) Accept(secret string, now time.Time, who Person, first *AccountCredentialAdded) ([]Event, error) {
	invitation, err := a.Invited(secret, now)
	if err != nil {
		return nil, err
	}
	return a.Register(who, first, invitation.Roles)
}

// AllowReset lets a new password be set; an earlier permission ends.
// Errors: CodeNotFound.
func (a *Account) AllowReset(b *AccountResetAllowed) ([]Event, error) {
	if err := a.missing(); err != nil {
		return nil, err
	}
	return Draft(b), nil
}

// ResetPassword sets the password by a permission, which is used up thereby.
// Errors: CodeForbidden when the secret is wrong, used or over.
func (a *Account) ResetPassword(secret string, now time.Time, hash string) ([]Event, error) {
	if !a.Live() || a.Reset == nil || a.Reset.Secret != secret || !now.Before(a.Reset.EndsAt) {
		return nil, errLink()
	}
	return Draft(NewPassword(hash)), nil
}

// errLink is one answer for all that can be wrong with a link, so that guessing
// learns nothing.
func errLink() error {
	return Errorf(CodeForbidden, "this link was used, withdrawn or is over; ask for a new one")
}

// CheckCredentialName trims a name. Errors: CodeInvalid for none or too long a one.
func CheckCredentialName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > MaxCredentialName || strings.ContainsFunc(name, unicode.IsControl) {
		return "", Errorf(CodeInvalid, "a name has 1 to %d characters in one line", MaxCredentialName)
	}
	return name, nil
}
