package http

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"parley/events"
)

// OpenID is a provider with which one can sign in. The zero value is none.
type OpenID struct {
	Issuer       string // its address, as its documents say
	ClientID     string
	ClientSecret string // empty for a public client; PKCE is used either way
}

// OpenIDCallback is where the provider sends browsers back to.
const OpenIDCallback = "/api/sign-in/openid/callback"

// Bounds of one sign-in at a provider: how long a person has, and how long we
// wait for the provider.
const (
	openIDLasts = 10 * time.Minute
	openIDWait  = 10 * time.Second
)

// openID speaks the protocol with one provider (OpenID Connect Core 1.0, the
// authorization code flow with PKCE). The provider is asked for its documents
// at the first use, so that one that is away keeps nobody from starting.
type openID struct {
	config     OpenID
	web        *http.Client
	callback   string
	ceremonies *ceremonies
	now        func() time.Time

	provider atomic.Pointer[oidc.Provider] // nil until it was found; several may look for it at once
}

func newOpenID(config OpenID, public *url.URL, c *ceremonies, now func() time.Time) *openID {
	return &openID{config: config, web: &http.Client{Timeout: openIDWait}, callback: public.Scheme + "://" + public.Host + OpenIDCallback, ceremonies: c, now: now}
}

// within bounds what is asked of the provider.
func (o *openID) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(oidc.ClientContext(ctx, o.web), openIDWait)
}

func (o *openID) configured() bool { return o.config.Issuer != "" }

// errOpenID is said for whatever went wrong over there; the cause is logged.
func errOpenID(err error) error {
	return events.Wrap(err, events.CodeUnavailable, "the sign-in provider cannot be reached; try again, or sign in another way")
}

// client finds the provider. Errors: CodeNotFound when there is none to sign in
// with, CodeUnavailable.
func (o *openID) client(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	if !o.configured() {
		return nil, nil, events.Errorf(events.CodeNotFound, "there is no provider to sign in with")
	}
	provider := o.provider.Load()
	if provider == nil {
		found, err := oidc.NewProvider(ctx, o.config.Issuer)
		if err != nil {
			return nil, nil, errOpenID(err)
		}
		provider = found
		o.provider.Store(found)
	}
	return provider, &oauth2.Config{
		ClientID: o.config.ClientID, ClientSecret: o.config.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: o.callback, Scopes: []string{oidc.ScopeOpenID},
	}, nil
}

// departure is what must be remembered while somebody is at the provider. Account
// is set when she links the provider to it, Invitation (a link's token) and perhaps
// Name when she accepts one; else she signs in.
type departure struct {
	State      string           `json:"state"`
	Nonce      string           `json:"nonce"`
	Verifier   string           `json:"verifier"`
	Account    events.AccountID `json:"account,omitempty"`
	Invitation string           `json:"invitation,omitempty"`
	Name       string           `json:"name,omitempty"`
}

// atProvider is the purpose of its ceremonies.
const atProvider = "at the provider"

// leave gives the address to go to, and what the browser carries meanwhile.
func (o *openID) leave(ctx context.Context, left departure) (address, sealed string, err error) {
	ctx, cancel := o.within(ctx)
	defer cancel()
	_, client, err := o.client(ctx)
	if err != nil {
		return "", "", err
	}
	left.State, left.Nonce, left.Verifier = oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	if sealed, err = o.ceremonies.begin(ctx, atProvider, left, openIDLasts); err != nil {
		return "", "", err
	}
	return client.AuthCodeURL(left.State, oidc.Nonce(left.Nonce), oauth2.S256ChallengeOption(left.Verifier)), sealed, nil
}

// comeBack tells who the provider says she is, and what she left for.
// Errors: CodeForbidden when it is not this browser that left, took too long, was
// used, or she was refused there; CodeUnauthenticated for an identity that does
// not hold; CodeUnavailable.
func (o *openID) comeBack(ctx context.Context, sealed string, query url.Values) (events.OpenID, departure, error) {
	ctx, cancel := o.within(ctx)
	defer cancel()
	var left departure
	provider, client, err := o.client(ctx)
	if err == nil {
		err = o.ceremonies.finish(ctx, atProvider, sealed, &left)
	}
	switch {
	case err != nil:
		return events.OpenID{}, left, err
	case query.Get("state") != left.State:
		return events.OpenID{}, left, events.Errorf(events.CodeForbidden, "this sign-in was begun in another browser; begin again")
	case query.Get("code") == "":
		return events.OpenID{}, left, events.Errorf(events.CodeForbidden, "the sign-in provider did not let you in")
	}
	token, err := client.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(left.Verifier))
	if err != nil {
		return events.OpenID{}, left, errOpenID(err)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := provider.Verifier(&oidc.Config{ClientID: o.config.ClientID, Now: o.now})
	id, err := verifier.Verify(ctx, raw)
	if err != nil || id.Nonce != left.Nonce || id.Subject == "" {
		return events.OpenID{}, left, events.Wrap(err, events.CodeUnauthenticated, "what the sign-in provider says of you does not hold")
	}
	return events.OpenID{Issuer: id.Issuer, Subject: id.Subject}, left, nil
}

// identity is the aggregate of a provider's subject: its hash under a key of its own.
func (a *Accounts) identity(ctx context.Context, who events.OpenID) (events.Aggregate, error) {
	key, err := a.keys.Keyed(ctx, "identity")
	if err != nil {
		return events.Aggregate{}, err
	}
	return events.IdentityAggregate(keyedHash(key, who.Issuer+"\n"+who.Subject)), nil
}

// LinkOpenID lets a provider's subject sign in to the account. The claim comes
// first, as with an address.
// Errors: CodeConflict when another account holds it, those of AddCredential.
func (a *Accounts) LinkOpenID(ctx context.Context, id events.AccountID, who events.OpenID) (events.Position, error) {
	if err := a.claimIdentity(ctx, id, who); err != nil {
		return 0, err
	}
	_, at, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) { return acc.AddCredential(a.newOpenID(who)) })
	return at, err
}

// newOpenID is a provider's subject as a credential.
func (a *Accounts) newOpenID(who events.OpenID) *events.AccountCredentialAdded {
	return &events.AccountCredentialAdded{
		Method: events.ByOpenID, Credential: events.CredentialID(a.newID()), Private: events.Credential{OpenID: &who},
	}
}

// claimIdentity takes a provider's subject for an account; one that its holder does
// not hold as a credential is taken over.
func (a *Accounts) claimIdentity(ctx context.Context, id events.AccountID, who events.OpenID) error {
	claim, err := a.identity(ctx, who)
	if err != nil {
		return err
	}
	_, err = events.Execute(ctx, a.log, claim, &events.IdentityClaim{}, a.stamp(events.Actor(id)), func(c *events.IdentityClaim) ([]events.Event, error) {
		return c.Claim(id, func(holder events.AccountID) (bool, error) {
			account, err := a.load(ctx, holder)
			if err != nil {
				return false, err
			}
			_, held := account.WithOpenID(who)
			return !held, nil
		})
	})
	return err
}

// ByOpenID loads the account that a provider's subject signs in to: the one that
// claimed it and holds it. Errors: CodeUnauthenticated when there is none.
func (a *Accounts) ByOpenID(ctx context.Context, who events.OpenID) (*events.Account, error) {
	claim, err := a.identity(ctx, who)
	if err != nil {
		return nil, err
	}
	evs, err := a.log.Load(ctx, claim, 0)
	if err != nil {
		return nil, err
	}
	held := &events.IdentityClaim{}
	for _, e := range evs {
		held.Evolve(e)
	}
	nobodys := events.Errorf(events.CodeUnauthenticated, "no account here is linked with this sign-in; sign in another way and link it")
	if held.Holder == "" {
		return nil, nobodys
	}
	account, err := a.load(ctx, held.Holder)
	if err != nil {
		return nil, err
	}
	if _, linked := account.WithOpenID(who); !linked || !account.Live() {
		return nil, nobodys
	}
	return account, nil
}

// releaseIdentity frees a provider's subject for another account.
func (a *Accounts) releaseIdentity(ctx context.Context, id events.AccountID, who events.OpenID) error {
	claim, err := a.identity(ctx, who)
	if err != nil {
		return err
	}
	_, err = events.Execute(ctx, a.log, claim, &events.IdentityClaim{}, a.stamp(events.Actor(id)), func(c *events.IdentityClaim) ([]events.Event, error) {
		return c.Release(id)
	})
	return err
}
