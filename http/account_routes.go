package http

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// Me is the signed-in account and what the page must know to serve it.
type Me struct {
	Account struct {
		ID    events.AccountID `json:"id"`
		Name  string           `json:"name"`
		Email string           `json:"email"`
		Roles []events.Role    `json:"roles" nullable:"false"`
	} `json:"account"`
	Partner  bool     `json:"partner" doc:"The built-in practice partner speaks, not a provider"`
	Provider Provided `json:"provider"`
	Limits   Limits   `json:"limits"`
}

// Provided says who the learner will talk with.
type Provided struct {
	Name  string `json:"name"`
	Model string `json:"model"`
}

// Limits are told before a session starts.
type Limits struct {
	UploadMaxBytes int64    `json:"upload_max_bytes"`
	UploadTypes    []string `json:"upload_types" nullable:"false" doc:"What a recording may be"`
	UploadLeft     *int64   `json:"upload_left_bytes,omitempty" doc:"How much may be uploaded now; it grows with time. Absent where there is no limit"`
	SessionMaxMS   int64    `json:"session_max_ms"`
}

type meOutput struct{ Body Me }

type signedInOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      Me
}

type credentials struct {
	Asking
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1000"`
	}
}

type firstAccount struct {
	Asking
	Body struct {
		Code     string `json:"code" maxLength:"100"`
		Name     string `json:"name,omitempty" maxLength:"400"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1000"`
	}
}

type setupOutput struct {
	Body struct {
		Needed bool `json:"needed" doc:"No account exists yet"`
	}
}

type passwordInput struct {
	Body struct {
		Old string `json:"old,omitempty" maxLength:"1000" doc:"Empty when there is none yet"`
		New string `json:"new" maxLength:"1000"`
	}
}

type signedOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) accountRoutes() {
	open(s, huma.Operation{OperationID: "setup-needed", Method: http.MethodGet, Path: "/api/setup", Summary: "Is the first account still to be made?"},
		s.setupNeeded)
	open(s, huma.Operation{OperationID: "set-up", Method: http.MethodPost, Path: "/api/setup", DefaultStatus: http.StatusCreated, Summary: "Make the first account, with the one-time code"}, s.setUp)
	open(s, huma.Operation{OperationID: "sign-in", Method: http.MethodPost, Path: "/api/sign-in", Summary: "Sign in with e-mail address and password"}, s.signIn)
	private(s, huma.Operation{OperationID: "sign-out", Method: http.MethodPost, Path: "/api/sign-out", DefaultStatus: http.StatusNoContent, Summary: "End this browser's sign-in"}, s.signOut)
	private(s, huma.Operation{OperationID: "me", Method: http.MethodGet, Path: "/api/me", Summary: "Who is signed in"}, s.me)
	private(s, huma.Operation{OperationID: "change-password", Method: http.MethodPut, Path: "/api/me/password", DefaultStatus: http.StatusNoContent, Summary: "Set another password; all other browsers are signed out"}, s.changePassword)
}

func (s *Server) setupNeeded(ctx context.Context, _ *struct{}) (*setupOutput, error) {
	out := &setupOutput{}
	if !s.setup.open() {
		return out, nil
	}
	registered, err := Registered(ctx, s.doors.Browser)
	out.Body.Needed = !registered
	return out, err
}

func (s *Server) setUp(ctx context.Context, in *firstAccount) (*signedInOutput, error) {
	var id events.AccountID
	err := s.setup.use(in.Body.Code, func() error {
		if registered, err := Registered(ctx, s.doors.Browser); err != nil || registered {
			return errors.Join(err, events.Errorf(events.CodeForbidden, "there is an account already; sign in"))
		}
		roles := []events.Role{events.RoleLearner, events.RoleAnalyst, events.RoleOperator}
		who := events.Person{Name: in.Body.Name, Email: in.Body.Email}
		made, at, err := s.doors.Accounts.Add(ctx, events.System("setup"), who, in.Body.Password, roles)
		id = made
		s.writes.note(made, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	who, err := s.doors.Accounts.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.welcome(ctx, who, &in.Asking, events.ByPassword)
}

func (s *Server) signIn(ctx context.Context, in *credentials) (*signedInOutput, error) {
	trying, err := s.trySignIn(ctx, &in.Asking, in.Body.Email)
	if err != nil {
		return nil, err
	}
	who, err := s.doors.Accounts.SignIn(ctx, in.Body.Email, in.Body.Password)
	if events.CodeOf(err) == events.CodeUnauthenticated {
		s.noteFailure(ctx, who.ID, events.ByPassword)
		return nil, err
	}
	trying.forgive()
	if err != nil {
		return nil, err
	}
	return s.welcome(ctx, who, &in.Asking, events.ByPassword)
}

// welcome signs a browser in for somebody who proved who she is. Errors: those of
// stillProved.
func (s *Server) welcome(ctx context.Context, who *events.Account, from *Asking, method string) (*signedInOutput, error) {
	cookies, err := s.signedIn(ctx, who, from)
	if events.CodeOf(err) == events.CodeUnauthenticated {
		s.noteFailure(ctx, who.ID, method)
	}
	if err != nil {
		return nil, err
	}
	s.noteSignIn(ctx, who.ID, method)
	return &signedInOutput{SetCookie: cookies, Body: s.meOf(who)}, nil
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*signedOutOutput, error) {
	in := callerIn(ctx)
	err := s.doors.SignIns.Revoke(ctx, in.Account, in.Browser)
	if err == nil {
		s.stopTalks(ctx, func(of events.BrowserID) bool { return of == in.Browser })
	}
	return &signedOutOutput{SetCookie: *s.keep(s.cookieName, "", 0)}, err
}

// changePassword ends the sign-ins of all other browsers: one of them may be why
// it is changed. Guessing the old one is slowed down like a sign-in.
func (s *Server) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	trying, err := s.pace.begin(place{account: string(caller(ctx)), browser: string(callerIn(ctx).Browser)})
	if err != nil {
		return nil, err
	}
	proved := func() error { return s.provedAgain(ctx, "") }
	at, err := s.doors.Accounts.ChangePassword(ctx, caller(ctx), in.Body.Old, in.Body.New, proved)
	if events.CodeOf(err) != events.CodeForbidden {
		trying.forgive()
	}
	if err != nil {
		return nil, err
	}
	s.writes.note(caller(ctx), at)
	return s.endOtherBrowsers(ctx, nil)
}

func (s *Server) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	who, err := s.doors.Accounts.Find(ctx, caller(ctx))
	if events.CodeOf(err) == events.CodeNotFound {
		return nil, events.Errorf(events.CodeUnauthenticated, "this account is gone")
	}
	if err != nil {
		return nil, err
	}
	return &meOutput{s.meOf(who)}, nil
}

func (s *Server) meOf(who *events.Account) Me {
	var me Me
	me.Account.ID, me.Account.Name, me.Account.Email = who.ID, who.Registered.Private.Name, who.Registered.Private.Email
	me.Account.Roles = rolesOf(who)
	me.Partner = s.config.Partner
	me.Provider = Provided{s.config.Provider, s.config.Model}
	me.Limits = Limits{
		UploadMaxBytes: s.config.UploadMax, UploadTypes: s.config.UploadTypes, UploadLeft: s.limits.uploadBytes.Left(who.ID),
		SessionMaxMS: s.config.SessionMax.Milliseconds(),
	}
	return me
}
