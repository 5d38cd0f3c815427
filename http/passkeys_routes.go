package http

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// Credential is one way in which the caller can sign in.
type Credential struct {
	ID      events.CredentialID `json:"id"`
	Method  string              `json:"method" enum:"password,passkey,openid"`
	Name    string              `json:"name" doc:"What the caller calls a passkey; the issuer of an OpenID sign-in"`
	AddedAt time.Time           `json:"added_at"`
}

type credentialsOutput struct {
	Body struct {
		Credentials []Credential `json:"credentials" nullable:"false"`
	}
}

type waysOutput struct {
	Body struct {
		Passkeys bool `json:"passkeys" doc:"This address can have passkeys: it is a name, no number"`
		OpenID   bool `json:"openid" doc:"There is a provider to sign in with"`
	}
}

type ceremonyOutput struct {
	Body struct {
		Ceremony string `json:"ceremony" doc:"To be given back with the authenticator's answer, within five minutes"`
		Options  any    `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON or PublicKeyCredentialRequestOptionsJSON (WebAuthn level 3)"`
	}
}

type newPasskeyInput struct {
	Asking
	Body struct {
		Ceremony   string          `json:"ceremony" maxLength:"4000"`
		Name       string          `json:"name,omitempty" maxLength:"240" doc:"Empty: the browser's family and system"`
		Credential json.RawMessage `json:"credential" doc:"RegistrationResponseJSON"`
	}
}

type usePasskeyInput struct {
	Asking
	Body struct {
		Ceremony   string          `json:"ceremony" maxLength:"4000"`
		Credential json.RawMessage `json:"credential" doc:"AuthenticationResponseJSON"`
	}
}

type credentialInput struct {
	Credential string `path:"credential" maxLength:"26"`
}

type renameInput struct {
	Credential string `path:"credential" maxLength:"26"`
	Body       struct {
		Name string `json:"name" maxLength:"240"`
	}
}

type credentialAdded struct {
	Body struct {
		ID events.CredentialID `json:"id"`
	}
}

func (s *Server) credentialRoutes() {
	open(s, huma.Operation{OperationID: "ways", Method: http.MethodGet, Path: "/api/sign-in", Summary: "How one can sign in here, besides a password"}, s.ways)
	open(s, huma.Operation{OperationID: "ask-passkey", Method: http.MethodPost, Path: "/api/sign-in/passkey/options", Summary: "Begin to sign in with a passkey"}, s.askPasskey)
	open(s, huma.Operation{OperationID: "sign-in-passkey", Method: http.MethodPost, Path: "/api/sign-in/passkey", Summary: "Sign in with a passkey"}, s.signInPasskey)
	private(s, huma.Operation{OperationID: "my-credentials", Method: http.MethodGet, Path: "/api/me/credentials", Summary: "How I can sign in"}, s.myCredentials)
	private(s, huma.Operation{OperationID: "offer-passkey", Method: http.MethodPost, Path: "/api/me/passkeys/options", Summary: "Begin to add a passkey"}, s.offerPasskey)
	private(s, huma.Operation{OperationID: "add-passkey", Method: http.MethodPost, Path: "/api/me/passkeys", DefaultStatus: http.StatusCreated, Summary: "Add a passkey"}, s.addPasskey)
	private(s, huma.Operation{OperationID: "rename-credential", Method: http.MethodPut, Path: "/api/me/credentials/{credential}", DefaultStatus: http.StatusNoContent, Summary: "Call a passkey something else"}, s.renameCredential)
	private(s, huma.Operation{OperationID: "remove-credential", Method: http.MethodDelete, Path: "/api/me/credentials/{credential}", DefaultStatus: http.StatusNoContent, Summary: "Take a way to sign in away; never the last one"}, s.removeCredential)
}

func (s *Server) ways(context.Context, *struct{}) (*waysOutput, error) {
	out := &waysOutput{}
	out.Body.Passkeys, out.Body.OpenID = s.passkeys.available() == nil, s.openID.configured()
	return out, nil
}

func (s *Server) myCredentials(ctx context.Context, _ *struct{}) (*credentialsOutput, error) {
	account, err := s.doors.Accounts.Find(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &credentialsOutput{}
	out.Body.Credentials = []Credential{}
	for _, c := range account.Credentials {
		shown := Credential{c.ID, c.Method, c.Private.Name, c.AddedAt.UTC()}
		if c.Private.OpenID != nil {
			shown.Name = c.Private.OpenID.Issuer
		}
		out.Body.Credentials = append(out.Body.Credentials, shown)
	}
	return out, nil
}

// offerPasskey asks for proof; what it seals is the only way to addPasskey.
func (s *Server) offerPasskey(ctx context.Context, in *proofInput) (*ceremonyOutput, error) {
	if err := s.provedAgain(ctx, in.password()); err != nil {
		return nil, err
	}
	account, err := s.doors.Accounts.Find(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &ceremonyOutput{}
	out.Body.Options, out.Body.Ceremony, err = s.passkeys.offer(ctx, account)
	return out, err
}

func (s *Server) addPasskey(ctx context.Context, in *newPasskeyInput) (*credentialAdded, error) {
	account, err := s.doors.Accounts.Find(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	made, err := s.passkeys.take(ctx, account, in.Body.Ceremony, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	id, at, err := s.doors.Accounts.AddPasskey(ctx, account.ID, passkeyName(in.Body.Name, &in.Asking), made)
	if err != nil {
		return nil, err
	}
	s.writes.note(account.ID, at)
	out := &credentialAdded{}
	out.Body.ID = id
	return out, nil
}

func (s *Server) askPasskey(ctx context.Context, _ *struct{}) (*ceremonyOutput, error) {
	out := &ceremonyOutput{}
	var err error
	out.Body.Options, out.Body.Ceremony, err = s.passkeys.ask(ctx)
	return out, err
}

// signInPasskey slows nobody down: an answer cannot be guessed.
func (s *Server) signInPasskey(ctx context.Context, in *usePasskeyInput) (*signedInOutput, error) {
	account, used, err := s.passkeys.check(ctx, in.Body.Ceremony, in.Body.Credential, func(id events.AccountID) (*events.Account, error) {
		return s.doors.Accounts.Find(ctx, id)
	})
	if events.CodeOf(err) == events.CodeUnauthenticated {
		s.noteFailure(ctx, "", events.ByPasskey)
	}
	if err != nil {
		return nil, err
	}
	who, err := s.doors.Accounts.UsePasskey(ctx, account.ID, used)
	if events.CodeOf(err) == events.CodeUnauthenticated {
		s.noteFailure(ctx, account.ID, events.ByPasskey)
	}
	if err != nil {
		return nil, err
	}
	return s.welcome(ctx, who, &in.Asking, events.ByPasskey)
}

func (s *Server) renameCredential(ctx context.Context, in *renameInput) (*struct{}, error) {
	at, err := s.doors.Accounts.RenameCredential(ctx, caller(ctx), events.CredentialID(in.Credential), in.Body.Name)
	s.writes.note(caller(ctx), at)
	return nil, err
}

// removeCredential leaves the browsers that signed in with it: they may be ended
// one by one.
func (s *Server) removeCredential(ctx context.Context, in *credentialInput) (*struct{}, error) {
	at, err := s.doors.Accounts.RemoveCredential(ctx, caller(ctx), events.CredentialID(in.Credential))
	s.writes.note(caller(ctx), at)
	return nil, err
}
