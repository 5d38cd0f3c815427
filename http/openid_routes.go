package http

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"parley/events"
)

type leaveOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Address string `json:"address" doc:"Where to send the browser"`
	}
}

func (s *Server) openIDRoutes(r chi.Router) {
	byStrangers(s, huma.Operation{OperationID: "sign-in-openid", Method: http.MethodPost, Path: "/api/sign-in/openid", Summary: "Begin to sign in at the provider"}, s.leaveToSignIn)
	private(s, huma.Operation{OperationID: "link-openid", Method: http.MethodPost, Path: "/api/me/openid", Summary: "Begin to link my account with the provider"}, s.leaveToLink)
	s.raw(r, toAnyone, http.MethodGet, OpenIDCallback, "openid-callback", "Where the provider sends the browser back to; leads on to the page", s.comeBack)
}

// openIDName is the cookie that binds the way there and back to one browser.
func (s *Server) openIDName() string { return s.cookieName + "_openid" }

func (s *Server) leaveToSignIn(ctx context.Context, _ *struct{}) (*leaveOutput, error) {
	return s.leave(ctx, departure{})
}

// leaveToLink asks for proof; who comes back carries what was sealed for her here.
func (s *Server) leaveToLink(ctx context.Context, in *proofInput) (*leaveOutput, error) {
	if err := s.provedAgain(ctx, in.password()); err != nil {
		return nil, err
	}
	return s.leave(ctx, departure{Account: caller(ctx)})
}

func (s *Server) leave(ctx context.Context, left departure) (*leaveOutput, error) {
	address, sealed, err := s.openID.leave(ctx, left)
	if err != nil {
		return nil, err
	}
	out := &leaveOutput{SetCookie: *s.keep(s.openIDName(), sealed, openIDLasts)}
	out.Body.Address = address
	return out, nil
}

// comeBack is a GET that signs in or links, as the protocol wants it. Nothing but
// the browser that left by a POST can make it do so: it holds the cookie, once.
// What goes wrong is told by the page, which is named a code and no more.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) error {
	from := askingOf(r)
	http.SetCookie(w, s.keep(s.openIDName(), "", 0))
	view, err := s.cameBack(w, r, &from)
	if err != nil {
		view = "sign-in?problem=" + s.refuse(r.Context(), "openid-callback", err).Code
	}
	http.Redirect(w, r, "/#/"+view, http.StatusSeeOther)
	return nil
}

func (s *Server) cameBack(w http.ResponseWriter, r *http.Request, from *Asking) (view string, err error) {
	who, left, err := s.openID.comeBack(r.Context(), from.cookie(s.openIDName()), r.URL.Query())
	if err != nil {
		return "", err
	}
	if left.Account != "" {
		return "account", s.linkOpenID(r.Context(), left.Account, who, from)
	}
	var in *signedInOutput
	if left.Invitation != "" {
		in, err = s.acceptByOpenID(r.Context(), left, who, from)
	} else {
		in, err = s.enterByOpenID(r.Context(), who, from)
	}
	if err != nil {
		return "", err
	}
	for _, cookie := range in.SetCookie {
		http.SetCookie(w, &cookie)
	}
	return "", nil
}

func (s *Server) enterByOpenID(ctx context.Context, who events.OpenID, from *Asking) (*signedInOutput, error) {
	account, err := s.doors.Accounts.ByOpenID(ctx, who)
	if err != nil {
		s.noteFailure(ctx, "", events.ByOpenID)
		return nil, err
	}
	return s.welcome(ctx, account, from, events.ByOpenID)
}

// linkOpenID links only while she who left is still signed in.
func (s *Server) linkOpenID(ctx context.Context, account events.AccountID, who events.OpenID, from *Asking) error {
	in, err := s.whose(ctx, from.cookie(s.cookieName))
	if err != nil {
		return err
	}
	if in.Account != account {
		return events.Errorf(events.CodeForbidden, "somebody else is signed in here by now; begin again")
	}
	at, err := s.doors.Accounts.LinkOpenID(ctx, account, who)
	if err == nil {
		s.writes.note(account, at)
	}
	return err
}
