package http

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"parley/events"
)

// passkeyLasts is how long a person has to find her finger.
const passkeyLasts = 5 * time.Minute

// relyingParty is who we are to authenticators; nil when the page is at a bare
// address, which cannot have passkeys (WebAuthn level 3, section 5.1.3: an
// effective domain).
func relyingParty(public *url.URL) *webauthn.WebAuthn {
	host := public.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return nil
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Parley", RPOrigins: []string{public.Scheme + "://" + public.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil // a host that browsers do not take either
	}
	return party
}

// holder is an account as authenticators know it. Its handle is the account's id,
// which names nobody.
type holder struct{ *events.Account }

// WebAuthnID is the user handle.
func (h holder) WebAuthnID() []byte { return []byte(h.ID) }

// WebAuthnName is what the authenticator shows.
func (h holder) WebAuthnName() string { return h.Registered.Private.Email }

// WebAuthnDisplayName is what the authenticator shows too.
func (h holder) WebAuthnDisplayName() string { return h.Registered.Private.Name }

// WebAuthnCredentials are the account's passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, c := range h.Credentials {
		if c.Private.Passkey != nil {
			all = append(all, credentialOf(c.Private.Passkey))
		}
	}
	return all
}

func credentialOf(p *events.Passkey) webauthn.Credential {
	c := webauthn.Credential{
		ID: p.ID, PublicKey: p.PublicKey, Flags: webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(p.Flags)),
		Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.SignCount},
	}
	for _, t := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

func passkeyOf(c *webauthn.Credential) *events.Passkey {
	p := &events.Passkey{
		ID: c.ID, PublicKey: c.PublicKey, Flags: byte(c.Flags.ProtocolValue()),
		SignCount: c.Authenticator.SignCount, AAGUID: c.Authenticator.AAGUID,
	}
	for _, t := range c.Transport {
		p.Transports = append(p.Transports, string(t))
	}
	return p
}

// passkeys speaks the protocol for one page.
type passkeys struct {
	party      *webauthn.WebAuthn
	ceremonies *ceremonies
}

// Purposes of ceremonies.
const (
	addingPasskey = "add a passkey"
	usingPasskey  = "use a passkey"
)

// available refuses where the page has no domain. Errors: CodeConflict.
func (p *passkeys) available() error {
	if p.party == nil {
		return events.Errorf(events.CodeConflict, "passkeys need a name: open Parley at an address such as https://parley.example, not at a number")
	}
	return nil
}

// adding is what must be remembered until the authenticator answers.
type adding struct {
	Account events.AccountID     `json:"account"`
	Session webauthn.SessionData `json:"session"`
}

// offer begins adding a passkey to an account. Errors: CodeConflict, CodeUnavailable.
func (p *passkeys) offer(ctx context.Context, account *events.Account) (options any, sealed string, err error) {
	if err := p.available(); err != nil {
		return nil, "", err
	}
	who := holder{account}
	var known []protocol.CredentialDescriptor
	for _, c := range who.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	creation, session, err := p.party.BeginRegistration(who, webauthn.WithExclusions(known))
	if err != nil {
		return nil, "", events.Wrap(err, events.CodeInternal, "a passkey cannot be offered")
	}
	sealed, err = p.ceremonies.begin(ctx, addingPasskey, adding{account.ID, *session}, passkeyLasts)
	return creation.Response, sealed, err
}

// take checks what an authenticator made for the account.
// Errors: CodeForbidden for a ceremony that is over or another's, CodeInvalid for
// an answer that does not fit it.
func (p *passkeys) take(ctx context.Context, account *events.Account, sealed string, answer json.RawMessage) (*events.Passkey, error) {
	if err := p.available(); err != nil {
		return nil, err
	}
	var begun adding
	if err := p.ceremonies.finish(ctx, addingPasskey, sealed, &begun); err != nil {
		return nil, err
	}
	if begun.Account != account.ID {
		return nil, events.Errorf(events.CodeForbidden, "this passkey was made for another account; begin again")
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the authenticator's answer cannot be read")
	}
	made, err := p.party.CreateCredential(holder{account}, begun.Session, parsed)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the authenticator's answer does not fit")
	}
	return passkeyOf(made), nil
}

// ask begins a sign-in with whichever passkey the browser has for this page.
// Errors: CodeConflict, CodeUnavailable.
func (p *passkeys) ask(ctx context.Context) (options any, sealed string, err error) {
	if err := p.available(); err != nil {
		return nil, "", err
	}
	assertion, session, err := p.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", events.Wrap(err, events.CodeInternal, "a passkey cannot be asked for")
	}
	sealed, err = p.ceremonies.begin(ctx, usingPasskey, session, passkeyLasts)
	return assertion.Response, sealed, err
}

// check tells whose passkey answered, and what its authenticator counts.
// Errors: CodeForbidden for a ceremony that is over, CodeUnauthenticated for an
// answer that is nobody's, those of find.
func (p *passkeys) check(ctx context.Context, sealed string, answer json.RawMessage, find func(events.AccountID) (*events.Account, error)) (*events.Account, *events.Passkey, error) {
	if err := p.available(); err != nil {
		return nil, nil, err
	}
	var session webauthn.SessionData
	if err := p.ceremonies.finish(ctx, usingPasskey, sealed, &session); err != nil {
		return nil, nil, err
	}
	nobodys := func(err error) error {
		return events.Wrap(err, events.CodeUnauthenticated, "this passkey is not known here; sign in another way")
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, nil, nobodys(err)
	}
	var account *events.Account
	var lost error // the log could not be asked
	_, used, err := p.party.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		id, err := events.ParseID[events.AccountID](string(handle))
		if err != nil {
			return nil, err
		}
		if account, err = find(id); err != nil && events.CodeOf(err) != events.CodeNotFound {
			lost = err
		}
		return holder{account}, err
	}, session, parsed)
	switch {
	case lost != nil:
		return nil, nil, lost
	case err != nil:
		return nil, nil, nobodys(err)
	}
	answered := passkeyOf(used)
	answered.Flags = byte(parsed.Response.AuthenticatorData.Flags)
	answered.SignCount = parsed.Response.AuthenticatorData.Counter
	return account, answered, nil
}

// AddPasskey gives the account a passkey under a name. Errors: those of
// [events.Account.AddCredential], CodeInvalid for the name.
func (a *Accounts) AddPasskey(ctx context.Context, id events.AccountID, name string, made *events.Passkey) (events.CredentialID, events.Position, error) {
	added, err := a.newPasskey(name, made)
	if err != nil {
		return "", 0, err
	}
	account, at, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) { return acc.AddCredential(added) })
	if err != nil {
		return "", 0, err
	}
	held, _ := account.WithPasskey(made.ID)
	return held.ID, at, nil
}

// newPasskey is a passkey as a credential. Errors: CodeInvalid for the name.
func (a *Accounts) newPasskey(name string, made *events.Passkey) (*events.AccountCredentialAdded, error) {
	name, err := events.CheckCredentialName(name)
	if err != nil {
		return nil, err
	}
	return &events.AccountCredentialAdded{
		Method: events.ByPasskey, Credential: events.CredentialID(a.newID()),
		Private: events.Credential{Name: name, Passkey: made},
	}, nil
}

// UsePasskey takes in what a passkey counted when it signed in.
// Errors: CodeUnauthenticated when it may be a copy.
func (a *Accounts) UsePasskey(ctx context.Context, id events.AccountID, used *events.Passkey) (*events.Account, error) {
	account, _, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) {
		held, _ := acc.WithPasskey(used.ID)
		return acc.UsePasskey(held.ID, used.SignCount, used.Flags)
	})
	return account, err
}

// RenameCredential calls a credential something else. Errors: CodeNotFound, CodeInvalid.
func (a *Accounts) RenameCredential(ctx context.Context, id events.AccountID, credential events.CredentialID, name string) (events.Position, error) {
	_, at, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) {
		return acc.RenameCredential(credential, name)
	})
	return at, err
}

// RemoveCredential takes a way to sign in away. A provider's subject is free then;
// should that fail, who holds it not as a credential may lose it to another.
// Errors: CodeNotFound, CodeConflict for the last one.
func (a *Accounts) RemoveCredential(ctx context.Context, id events.AccountID, credential events.CredentialID) (events.Position, error) {
	var removed events.HeldCredential
	_, at, err := a.decide(ctx, events.Actor(id), id, func(acc *events.Account) ([]events.Event, error) {
		removed, _ = acc.Credential(credential)
		return acc.RemoveCredential(credential)
	})
	if err != nil || removed.Private.OpenID == nil {
		return at, err
	}
	return at, a.releaseIdentity(ctx, id, *removed.Private.OpenID)
}

// passkeyName is what a passkey is called when its owner does not say.
func passkeyName(given string, from *Asking) string {
	if strings.TrimSpace(given) != "" {
		return given
	}
	if name := browserName(from.Agent); name != "" {
		return name
	}
	return "Passkey"
}
