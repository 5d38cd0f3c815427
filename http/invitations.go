package http

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// How long links are good for. A reset is answered by somebody who waits for it.
const (
	InvitationLasts = 7 * 24 * time.Hour
	ResetLasts      = 24 * time.Hour
)

// Link lets somebody in once. Its token is "<account>.<secret>"; the log keeps a
// hash of the secret. In an address it stands behind the #, which browsers keep
// to themselves.
type Link struct {
	Account events.AccountID
	Token   string
	EndsAt  time.Time
}

// newLink makes a link, and the hash by which the log knows it.
func newLink(account events.AccountID, endsAt time.Time) (link Link, hash string) {
	secret := make([]byte, tokenBytes)
	rand.Read(secret)
	text := base64.RawURLEncoding.EncodeToString(secret)
	return Link{account, string(account) + "." + text, endsAt.UTC().Truncate(time.Second)}, linkHash(text)
}

func linkHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// readLink parts a token; one that is none names no account that could be.
func readLink(token string) (account events.AccountID, hash string) {
	id, secret, _ := strings.Cut(token, ".")
	if account, err := events.ParseID[events.AccountID](id); err == nil && couldBeSecret(secret) {
		return account, linkHash(secret)
	}
	return "", ""
}

// couldBeSecret tells whether a text has the form of a secret of ours: what has not is
// refused before anything is loaded.
func couldBeSecret(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == tokenBytes
}

// openLink loads the account of a token. Errors: CodeForbidden, also for a token
// that is none.
func (a *Accounts) openLink(ctx context.Context, token string) (account *events.Account, hash string, err error) {
	id, hash := readLink(token)
	if id == "" {
		return nil, "", events.Errorf(events.CodeForbidden, "this link is cut short; copy the whole of it")
	}
	account, err = a.load(ctx, id)
	return account, hash, err
}

// Invite keeps an account for somebody and makes the link with which she opens it.
// Errors: CodeInvalid, CodeConflict when the address has an account.
func (a *Accounts) Invite(ctx context.Context, by events.Actor, who events.Person, roles []events.Role) (Link, events.Position, error) {
	who, err := checkPerson(who)
	if err != nil {
		return Link{}, 0, err
	}
	switch _, err := a.ByEmail(ctx, who.Email); events.CodeOf(err) {
	case events.CodeNotFound:
	case "":
		return Link{}, 0, events.Errorf(events.CodeConflict, "an account with this e-mail address exists")
	default:
		return Link{}, 0, err
	}
	link, hash := newLink(events.AccountID(a.newID()), a.now().Add(InvitationLasts))
	_, at, err := a.decide(ctx, by, link.Account, func(acc *events.Account) ([]events.Event, error) {
		return acc.Invite(&events.AccountInvited{Secret: hash, Roles: roles, EndsAt: link.EndsAt, Private: who})
	})
	return link, at, err
}

// Invited tells whom a link invites. Errors: CodeForbidden.
func (a *Accounts) Invited(ctx context.Context, token string) (*events.AccountInvited, events.AccountID, error) {
	account, hash, err := a.openLink(ctx, token)
	if err != nil {
		return nil, "", err
	}
	invitation, err := account.Invited(hash, a.now())
	return invitation, account.ID, err
}

// Accept opens the account of an invitation with a first credential. A name that
// is empty leaves the one that the operator wrote.
// Errors: CodeForbidden, CodeInvalid, CodeConflict when the address has an account by now.
func (a *Accounts) Accept(ctx context.Context, token, name string, first func(events.Person) (*events.AccountCredentialAdded, error)) (*events.Account, events.Position, error) {
	invitation, id, err := a.Invited(ctx, token)
	if err != nil {
		return nil, 0, err
	}
	who, err := named(invitation.Private, name)
	if err != nil {
		return nil, 0, err
	}
	credential, err := first(who)
	if err != nil {
		return nil, 0, err
	}
	if err := a.claimEmail(ctx, events.Actor(id), id, who.Email); err != nil {
		return nil, 0, err
	}
	_, hash := readLink(token)
	return a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) {
		return acc.Accept(hash, a.now(), who, credential)
	})
}

// named is who an invitation is for, by the name that she gives herself.
func named(who events.Person, name string) (events.Person, error) {
	if strings.TrimSpace(name) != "" {
		who.Name = name
	}
	return checkPerson(who)
}

// invited tells whether there is an invitation to withdraw. Errors: CodeNotFound.
func (a *Accounts) invited(ctx context.Context, id events.AccountID) error {
	account, err := a.load(ctx, id)
	if err == nil {
		_, err = account.WithdrawInvitation()
	}
	return err
}

// WithdrawInvitation ends an invitation, and makes unreadable whom it was for.
// Errors: CodeNotFound.
func (a *Accounts) WithdrawInvitation(ctx context.Context, by events.Actor, id events.AccountID) (events.Position, error) {
	_, at, err := a.decide(ctx, by, id, (*events.Account).WithdrawInvitation)
	if err != nil {
		return 0, err
	}
	return at, a.keys.Destroy(ctx, id.Aggregate())
}

// AllowReset makes a link with which somebody sets a new password.
// Errors: CodeNotFound when the address has no account.
func (a *Accounts) AllowReset(ctx context.Context, by events.Actor, address string) (Link, events.Position, error) {
	account, err := a.ByEmail(ctx, address)
	if err != nil {
		return Link{}, 0, err
	}
	link, hash := newLink(account.ID, a.now().Add(ResetLasts))
	_, at, err := a.decide(ctx, by, account.ID, func(acc *events.Account) ([]events.Event, error) {
		return acc.AllowReset(&events.AccountResetAllowed{Secret: hash, EndsAt: link.EndsAt})
	})
	return link, at, err
}

// ResetPassword sets a password by a link. Errors: CodeForbidden, CodeInvalid.
func (a *Accounts) ResetPassword(ctx context.Context, token, password string) (*events.Account, events.Position, error) {
	account, hash, err := a.openLink(ctx, token)
	if err != nil {
		return nil, 0, err
	}
	reset := func(phc string) func(acc *events.Account) ([]events.Event, error) {
		return func(acc *events.Account) ([]events.Event, error) { return acc.ResetPassword(hash, a.now(), phc) }
	}
	if _, err := reset("")(account); err != nil {
		return nil, 0, err // before the work of hashing
	}
	phc, err := a.passwords.Hash(ctx, password, account.Registered.Private)
	if err != nil {
		return nil, 0, err
	}
	return a.decide(ctx, events.Actor(account.ID), account.ID, reset(phc))
}

type invitationInput struct {
	Body struct {
		Email string        `json:"email" maxLength:"254"`
		Name  string        `json:"name,omitempty" maxLength:"400"`
		Roles []events.Role `json:"roles" minItems:"1" maxItems:"3" enum:"learner,analyst,operator" nullable:"false"`
	}
}

type invitationOutput struct {
	Body struct {
		Account  events.AccountID `json:"account" doc:"What to withdraw the invitation by"`
		Link     string           `json:"link" doc:"Where the invited opens her account, once. It is shown only here"`
		EndsAt   time.Time        `json:"ends_at"`
		Position events.Position  `json:"position"`
	}
}

type linkInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200"`
	}
}

type invitedOutput struct {
	Body struct {
		Name   string        `json:"name"`
		Email  string        `json:"email"`
		Roles  []events.Role `json:"roles" nullable:"false"`
		EndsAt time.Time     `json:"ends_at"`
	}
}

type invitedInput struct {
	Account string `path:"account" maxLength:"26"`
}

func (s *Server) invitationRoutes() {
	restricted(s, toOperator, huma.Operation{OperationID: "invite", Method: http.MethodPost, Path: "/api/invitations", DefaultStatus: http.StatusCreated, Summary: "Invite somebody by a one-time link"}, s.invite)
	restricted(s, toOperator, huma.Operation{OperationID: "withdraw-invitation", Method: http.MethodDelete, Path: "/api/invitations/{account}", DefaultStatus: http.StatusNoContent, Summary: "End an invitation that nobody used"}, s.withdrawInvitation)
	restricted(s, toOperator, huma.Operation{OperationID: "invitations", Method: http.MethodGet, Path: "/api/invitations", Summary: "Invitations that nobody used yet, the newest first"}, s.openInvitations)
	byStrangers(s, huma.Operation{OperationID: "offer-invitee-passkey", Method: http.MethodPost, Path: "/api/invitation/passkey/options", Summary: "Begin to make the passkey to accept an invitation with"}, s.offerInviteePasskey)
	byStrangers(s, huma.Operation{OperationID: "accept-by-openid", Method: http.MethodPost, Path: "/api/invitation/openid", Summary: "Begin to accept an invitation at the provider"}, s.leaveToAccept)
	byStrangers(s, huma.Operation{OperationID: "look-at-invitation", Method: http.MethodPost, Path: "/api/invitation", Summary: "Whom does this link invite?"}, s.lookAtInvitation)
	byStrangers(s, huma.Operation{OperationID: "accept-invitation", Method: http.MethodPost, Path: "/api/invitation/accept", DefaultStatus: http.StatusCreated, Summary: "Open the account that this link keeps, and sign in"}, s.acceptInvitation)
	byStrangers(s, huma.Operation{OperationID: "reset-password", Method: http.MethodPost, Path: "/api/reset", Summary: "Set a new password by an operator's link, and sign in"}, s.resetPassword)
}

func (s *Server) invite(ctx context.Context, in *invitationInput) (*invitationOutput, error) {
	if err := s.acts(ctx, "", WithoutReason, "account invite"+asFlags("--role", in.Body.Roles...), ""); err != nil {
		return nil, err
	}
	who := events.Person{Name: in.Body.Name, Email: in.Body.Email}
	link, at, err := s.doors.Accounts.Invite(ctx, events.Actor(caller(ctx)), who, in.Body.Roles)
	if err != nil {
		return nil, err
	}
	s.writes.note(caller(ctx), at)
	out := &invitationOutput{}
	out.Body.Account, out.Body.Link = link.Account, InvitationURL(s.config.PublicURL, link)
	out.Body.EndsAt, out.Body.Position = link.EndsAt, at
	return out, nil
}

func (s *Server) withdrawInvitation(ctx context.Context, in *invitedInput) (*struct{}, error) {
	id, err := events.ParseID[events.AccountID](in.Account)
	if err != nil {
		return nil, events.Errorf(events.CodeNotFound, "there is no such invitation")
	}
	if err := s.doors.Accounts.invited(ctx, id); err != nil {
		return nil, err
	}
	if err := s.acts(ctx, id, WithoutReason, "account uninvite", id.Aggregate().String()); err != nil {
		return nil, err
	}
	_, err = s.doors.Accounts.WithdrawInvitation(ctx, events.Actor(caller(ctx)), id)
	return nil, err
}

// lookAtInvitation changes nothing, but its token belongs into no address.
func (s *Server) lookAtInvitation(ctx context.Context, in *linkInput) (*invitedOutput, error) {
	invitation, _, err := s.doors.Accounts.Invited(ctx, in.Body.Token)
	if err != nil {
		return nil, err
	}
	out := &invitedOutput{}
	out.Body.Name, out.Body.Email = invitation.Private.Name, invitation.Private.Email
	out.Body.Roles, out.Body.EndsAt = invitation.Roles, invitation.EndsAt
	return out, nil
}

type acceptInput struct {
	Asking
	Body struct {
		Token      string          `json:"token" maxLength:"200"`
		Name       string          `json:"name,omitempty" maxLength:"400" doc:"Empty: the one in the invitation"`
		Password   string          `json:"password,omitempty" maxLength:"1000" doc:"Not needed with a passkey"`
		Ceremony   string          `json:"ceremony,omitempty" maxLength:"4000" doc:"Of the passkey that was made instead"`
		Credential json.RawMessage `json:"credential,omitempty" doc:"RegistrationResponseJSON"`
	}
}

type resetInput struct {
	Asking
	Body struct {
		Token    string `json:"token" maxLength:"200"`
		Password string `json:"password" maxLength:"1000"`
	}
}

func (s *Server) acceptInvitation(ctx context.Context, in *acceptInput) (*signedInOutput, error) {
	method, first := s.firstCredential(ctx, in)
	who, at, err := s.doors.Accounts.Accept(ctx, in.Body.Token, in.Body.Name, first)
	if err != nil {
		return nil, err
	}
	s.writes.note(who.ID, at)
	return s.welcome(ctx, who, &in.Asking, method)
}

// resetPassword ends all sign-ins: who asked for the link may have lost a browser.
func (s *Server) resetPassword(ctx context.Context, in *resetInput) (*signedInOutput, error) {
	who, at, err := s.doors.Accounts.ResetPassword(ctx, in.Body.Token, in.Body.Password)
	if err != nil {
		return nil, err
	}
	s.writes.note(who.ID, at)
	if err := s.doors.SignIns.RevokeOthers(ctx, who.ID, ""); err != nil {
		return nil, err
	}
	return s.welcome(ctx, who, &in.Asking, events.ByPassword)
}

// InvitationURL is where the page takes an invitation.
func InvitationURL(public *url.URL, link Link) string { return pageURL(public, "invitation", link) }

// ResetURL is where the page takes a new password.
func ResetURL(public *url.URL, link Link) string { return pageURL(public, "reset", link) }

// pageURL hands the token over behind the #: no request carries it there.
func pageURL(public *url.URL, view string, link Link) string {
	return public.Scheme + "://" + public.Host + "/#/" + view + "?token=" + link.Token
}
