package http

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// SignIns keeps who is signed in where, with the hash of each cookie's secret.
type SignIns interface {
	// Put keeps a sign-in until it ends, or is idle for so long.
	// Errors: CodeUnavailable.
	Put(ctx context.Context, secret [sha256.Size]byte, in events.SignIn, idle time.Duration) error
	// Use tells who is signed in, and notes it as used. Name stays empty.
	// Errors: CodeUnauthenticated when it is unknown, wrong, over or revoked;
	// CodeUnavailable.
	Use(ctx context.Context, account events.AccountID, browser events.BrowserID, secret [sha256.Size]byte) (events.SignIn, error)
	// Of lists an account's, with names. Errors: CodeUnavailable.
	Of(ctx context.Context, account events.AccountID) ([]events.SignIn, error)
	// Revoke ends one; ending it again is no error. Errors: CodeUnavailable.
	Revoke(ctx context.Context, account events.AccountID, browser events.BrowserID) error
	// RevokeOthers ends all of an account's but one; "" spares none.
	// Errors: CodeUnavailable; then it must be repeated.
	RevokeOthers(ctx context.Context, account events.AccountID, keep events.BrowserID) error
	// Watch closes ended when a sign-in is ended, by whatever instance; at once
	// when it is over. Errors: CodeUnavailable; then there is nothing to cancel.
	Watch(ctx context.Context, account events.AccountID, browser events.BrowserID) (ended <-chan struct{}, cancel func(), err error)
	// Has tells whether a sign-in is still there: it may also end by time.
	// Errors: CodeUnavailable.
	Has(ctx context.Context, account events.AccountID, browser events.BrowserID) (bool, error)
}

// How long a browser stays signed in: not longer than this after its last use,
// and not longer than that in all.
const (
	signInIdle  = 14 * 24 * time.Hour
	signInLasts = 30 * 24 * time.Hour
)

const tokenBytes = 32 // 256 random bits

func hashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// cookieName is a __Host- cookie wherever the page is served over TLS. Plain
// loopback cannot have one; there the port keeps two Parleys apart.
func cookieName(public *url.URL) string {
	if public.Scheme == "https" {
		return "__Host-parley"
	}
	return "parley_" + public.Port()
}

// keep makes a cookie that only we see.
func (s *Server) keep(name, value string, lasts time.Duration) *http.Cookie {
	maxAge := int(lasts.Seconds())
	if value == "" {
		maxAge = -1
	}
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.config.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
}

// Asking is the browser that sends a request.
type Asking struct {
	Cookies []*http.Cookie
	Agent   string
}

// Resolve reads it from a request: the names of cookies depend on the configuration.
func (a *Asking) Resolve(ctx huma.Context) []error {
	a.Cookies, a.Agent = huma.ReadCookies(ctx), ctx.Header("User-Agent")
	return nil
}

func askingOf(r *http.Request) Asking { return Asking{r.Cookies(), r.UserAgent()} }

func (a *Asking) cookie(name string) string {
	for _, c := range a.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// signedIn makes a sign-in in place of the browser's former one, and the cookies
// that carry it and say that this browser is known. Errors: those of stillProved.
func (s *Server) signedIn(ctx context.Context, who *events.Account, from *Asking) ([]http.Cookie, error) {
	if former, err := s.whose(ctx, from.cookie(s.cookieName)); err == nil {
		if err := s.doors.SignIns.Revoke(ctx, former.Account, former.Browser); err != nil {
			return nil, err
		}
	}
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	secret := base64.RawURLEncoding.EncodeToString(raw)
	now := s.doors.Now()
	in := events.SignIn{Account: who.ID, Browser: events.BrowserID(s.doors.NewID()), Name: browserName(from.Agent), BegunAt: now, EndsAt: now.Add(signInLasts)}
	if err := s.doors.SignIns.Put(ctx, hashToken(secret), in, signInIdle); err != nil {
		return nil, err
	}
	if err := s.doors.Accounts.stillProved(ctx, who); err != nil {
		return nil, errors.Join(err, s.doors.SignIns.Revoke(ctx, in.Account, in.Browser))
	}
	known, err := s.knownCookie(ctx, who.Registered.Private.Email)
	if err != nil {
		return nil, err
	}
	token := string(in.Account) + "." + string(in.Browser) + "." + secret
	return []http.Cookie{*s.keep(s.cookieName, token, signInLasts), *known}, nil
}

type callerKey struct{}

// caller is the account of a signed-in request; operations that are not open
// never run without one.
func caller(ctx context.Context) events.AccountID { return callerIn(ctx).Account }

// callerIn is the sign-in of a signed-in request.
func callerIn(ctx context.Context) events.SignIn {
	in, _ := ctx.Value(callerKey{}).(events.SignIn)
	return in
}

// whose finds the sign-in of a cookie: "<account>.<browser>.<secret>".
// Errors: CodeUnauthenticated, CodeUnavailable.
func (s *Server) whose(ctx context.Context, token string) (events.SignIn, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return events.SignIn{}, events.Errorf(events.CodeUnauthenticated, "sign in first")
	}
	return s.doors.SignIns.Use(ctx, events.AccountID(parts[0]), events.BrowserID(parts[1]), hashToken(parts[2]))
}

// setup guards the first account with a code printed at the first start.
type setup struct {
	mu   sync.Mutex
	code string // empty once it is used, or when there are accounts
}

// use runs register when the code is right, and closes the door behind it.
func (g *setup) use(code string, register func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.code == "" || subtle.ConstantTimeCompare([]byte(code), []byte(g.code)) != 1 {
		return events.Errorf(events.CodeForbidden, "the set-up code is wrong or used; it was printed when the program started")
	}
	if err := register(); err != nil {
		return err
	}
	g.code = ""
	return nil
}

func (g *setup) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.code != ""
}
