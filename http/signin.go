package http

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	"parley/events"
)

// SignIns keeps browser sessions: the hash of a cookie's token and whose it is.
type SignIns interface {
	// Put keeps a sign-in for its lifetime.
	Put(ctx context.Context, token [sha256.Size]byte, account events.AccountID, lifetime time.Duration) error
	// Get tells whose it is. Errors: CodeUnauthenticated when it is unknown,
	// over or revoked.
	Get(ctx context.Context, token [sha256.Size]byte) (events.AccountID, error)
	// Revoke ends it; ending it again is no error.
	Revoke(ctx context.Context, token [sha256.Size]byte) error
}

// signInLifetime ends a browser session for good.
const signInLifetime = 30 * 24 * time.Hour

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

func (s *Server) cookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.config.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
}

// signedIn makes a sign-in and the cookie that carries it.
func (s *Server) signedIn(ctx context.Context, account events.AccountID) (*http.Cookie, error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	if err := s.doors.SignIns.Put(ctx, hashToken(token), account, signInLifetime); err != nil {
		return nil, err
	}
	return s.cookie(token, int(signInLifetime.Seconds())), nil
}

type callerKey struct{}

// caller is the account of a signed-in request; operations that are not open
// never run without one.
func caller(ctx context.Context) events.AccountID {
	id, _ := ctx.Value(callerKey{}).(events.AccountID)
	return id
}

func (s *Server) whose(ctx context.Context, token string) (events.AccountID, error) {
	if token == "" {
		return "", events.Errorf(events.CodeUnauthenticated, "sign in first")
	}
	return s.doors.SignIns.Get(ctx, hashToken(token))
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
