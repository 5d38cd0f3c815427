package http

import (
	"context"
	"errors"
	"net/http"
	"slices"

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
	UploadMaxBytes int64 `json:"upload_max_bytes"`
	SessionMaxMS   int64 `json:"session_max_ms"`
}

type meOutput struct{ Body Me }

type signedInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

type credentials struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"1000"`
	}
}

type firstAccount struct {
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
}

func (s *Server) setupNeeded(ctx context.Context, _ *struct{}) (*setupOutput, error) {
	out := &setupOutput{}
	if !s.setup.open() {
		return out, nil
	}
	accounts, err := s.doors.Views.CountAccounts(ctx)
	out.Body.Needed = accounts == 0
	return out, err
}

func (s *Server) setUp(ctx context.Context, in *firstAccount) (*signedInOutput, error) {
	var id events.AccountID
	err := s.setup.use(in.Body.Code, func() error {
		if accounts, err := s.doors.Views.CountAccounts(ctx); err != nil || accounts > 0 {
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
	return s.welcome(ctx, who)
}

func (s *Server) signIn(ctx context.Context, in *credentials) (*signedInOutput, error) {
	who, err := s.doors.Accounts.SignIn(ctx, in.Body.Email, in.Body.Password)
	if events.CodeOf(err) == events.CodeUnauthenticated {
		s.noteFailure(ctx, who.ID, events.ByPassword)
	}
	if err != nil {
		return nil, err
	}
	s.noteSignIn(ctx, who.ID, events.ByPassword)
	return s.welcome(ctx, who)
}

func (s *Server) welcome(ctx context.Context, who *Identity) (*signedInOutput, error) {
	cookie, err := s.signedIn(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	return &signedInOutput{SetCookie: *cookie, Body: s.meOf(who)}, nil
}

type signOutInput struct {
	Cookies []*http.Cookie
}

// Resolve keeps the request's cookies: their names depend on the configuration.
func (in *signOutInput) Resolve(ctx huma.Context) []error {
	in.Cookies = huma.ReadCookies(ctx)
	return nil
}

func (s *Server) signOut(ctx context.Context, in *signOutInput) (*signedOutOutput, error) {
	for _, c := range in.Cookies {
		if c.Name != s.cookieName {
			continue
		}
		if err := s.doors.SignIns.Revoke(ctx, hashToken(c.Value)); err != nil {
			return nil, err
		}
	}
	return &signedOutOutput{SetCookie: *s.cookie("", -1)}, nil
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

func (s *Server) meOf(who *Identity) Me {
	var me Me
	me.Account.ID, me.Account.Name, me.Account.Email = who.ID, who.Person.Name, who.Person.Email
	me.Account.Roles = []events.Role{}
	for role := range who.Roles {
		me.Account.Roles = append(me.Account.Roles, role)
	}
	slices.Sort(me.Account.Roles)
	me.Partner = s.config.Partner
	me.Provider = Provided{s.config.Provider, s.config.Model}
	me.Limits = Limits{s.config.UploadMax, s.config.SessionMax.Milliseconds()}
	return me
}
