package http

import (
	"context"

	"parley/events"
)

// An invited opens her account with a passkey, or by who she is at the provider,
// instead of a password.

type inviteeInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200"`
		Name  string `json:"name,omitempty" maxLength:"400" doc:"Empty: the one in the invitation"`
	}
}

// invitee is an account as it will be once its invitation is accepted.
// Errors: those of Invited, CodeInvalid for the name.
func (a *Accounts) invitee(ctx context.Context, token, name string) (*events.Account, error) {
	invitation, id, err := a.Invited(ctx, token)
	if err != nil {
		return nil, err
	}
	who, err := named(invitation.Private, name)
	if err != nil {
		return nil, err
	}
	account := events.NewAccount(id)
	account.Registered = &events.AccountRegistered{Private: who}
	return account, nil
}

func (s *Server) offerInviteePasskey(ctx context.Context, in *inviteeInput) (*ceremonyOutput, error) {
	account, err := s.doors.Accounts.invitee(ctx, in.Body.Token, in.Body.Name)
	if err != nil {
		return nil, err
	}
	out := &ceremonyOutput{}
	out.Body.Options, out.Body.Ceremony, err = s.passkeys.offer(ctx, account)
	return out, err
}

func (s *Server) leaveToAccept(ctx context.Context, in *inviteeInput) (*leaveOutput, error) {
	if _, err := s.doors.Accounts.invitee(ctx, in.Body.Token, in.Body.Name); err != nil {
		return nil, err
	}
	return s.leave(ctx, departure{Invitation: in.Body.Token, Name: in.Body.Name})
}

// firstCredential is what an invited has chosen to sign in with.
func (s *Server) firstCredential(ctx context.Context, in *acceptInput) (method string, first func(events.Person) (*events.AccountCredentialAdded, error)) {
	if in.Body.Ceremony == "" {
		return events.ByPassword, func(who events.Person) (*events.AccountCredentialAdded, error) {
			hash, err := s.doors.Accounts.passwords.Hash(ctx, in.Body.Password, who)
			return events.NewPassword(hash), err
		}
	}
	return events.ByPasskey, func(events.Person) (*events.AccountCredentialAdded, error) {
		account, err := s.doors.Accounts.invitee(ctx, in.Body.Token, in.Body.Name)
		if err != nil {
			return nil, err
		}
		made, err := s.passkeys.take(ctx, account, in.Body.Ceremony, in.Body.Credential)
		if err != nil {
			return nil, err
		}
		return s.doors.Accounts.newPasskey(passkeyName("", &in.Asking), made)
	}
}

// acceptByOpenID opens the account of an invitation for whom the provider named.
// Errors: those of Accept, CodeConflict when another account holds the identity.
func (s *Server) acceptByOpenID(ctx context.Context, left departure, who events.OpenID, from *Asking) (*signedInOutput, error) {
	accounts := s.doors.Accounts
	account, at, err := accounts.Accept(ctx, left.Invitation, left.Name, func(events.Person) (*events.AccountCredentialAdded, error) {
		id, _ := readLink(left.Invitation)
		return accounts.newOpenID(who), accounts.claimIdentity(ctx, id, who)
	})
	if err != nil {
		return nil, err
	}
	s.writes.note(account.ID, at)
	return s.welcome(ctx, account, from, events.ByOpenID)
}
