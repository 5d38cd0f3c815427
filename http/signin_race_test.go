package http

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"parley/events"
)

// held keeps the next derivation of a password back: started tells that it was
// begun, let lets it go on. Later ones pass.
func (d *desk) held() (started <-chan struct{}, let func()) {
	begun, go_ := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	derive := d.accounts.passwords.argon
	d.accounts.passwords.argon = func(password, salt []byte) []byte {
		if first.CompareAndSwap(false, true) {
			close(begun)
			<-go_
		}
		return derive(password, salt)
	}
	return begun, func() { close(go_) }
}

// meanwhile asks, and does something while Argon2 runs for that.
func (d *desk) meanwhile(ask func() answer, do func()) answer {
	d.t.Helper()
	started, let := d.held()
	answered := make(chan answer)
	go func() { answered <- ask() }()
	<-started
	do()
	let()
	return <-answered
}

// A password that was changed or reset while Argon2 compared the old one opens
// nothing any more, and is not put back.
func TestPasswordChangedMeanwhile(t *testing.T) {
	const next, other = "eight quiet rivers", "nine quiet rivers"
	reset := func(t *testing.T, d *desk) {
		t.Helper()
		link, _, err := d.accounts.AllowReset(t.Context(), "system:test", "ana@example.org")
		if err != nil {
			t.Fatal(err)
		}
		d.visitor("192.0.2.1").want(http.StatusOK, http.MethodPost, "/api/reset", map[string]string{"token": link.Token, "password": next})
	}
	open := func(t *testing.T) (*desk, events.AccountID, *visitor) {
		t.Helper()
		d := newDesk(t)
		return d, d.registered("ana@example.org"), d.visitor("198.51.100.7")
	}
	signIn := func(v *visitor) answer {
		return v.do(http.MethodPost, "/api/sign-in", map[string]string{"email": "ana@example.org", "password": herPassword})
	}

	t.Run("a sign-in that was under way at a reset is refused", func(t *testing.T) {
		d, id, guest := open(t)
		if a := d.meanwhile(func() answer { return signIn(guest) }, func() { reset(t, d) }); a.status != http.StatusUnauthorized || len(a.header["Set-Cookie"]) > 0 {
			t.Errorf("%d %v", a.status, a.body)
		}
		if left, err := d.Log.SignIns().Of(t.Context(), id); err != nil || len(left) != 1 { // of who reset it
			t.Errorf("%+v, %v", left, err)
		}
	})
	t.Run("so is one whose account was closed", func(t *testing.T) {
		d, id, guest := open(t)
		closed := func() {
			if _, _, err := d.accounts.decide(t.Context(), "system:test", id, func(a *events.Account) ([]events.Event, error) { return a.RequestDelete("") }); err != nil {
				t.Fatal(err)
			}
		}
		if a := d.meanwhile(func() answer { return signIn(guest) }, closed); a.status != http.StatusUnauthorized {
			t.Errorf("%d %v", a.status, a.body)
		}
	})
	t.Run("a passkey that came meanwhile is no reason to refuse", func(t *testing.T) {
		d, id, guest := open(t)
		added := func() {
			if _, _, err := d.accounts.AddPasskey(t.Context(), id, "desk", &events.Passkey{ID: []byte("k")}); err != nil {
				t.Fatal(err)
			}
		}
		if a := d.meanwhile(func() answer { return signIn(guest) }, added); a.status != http.StatusOK {
			t.Errorf("%d %v", a.status, a.body)
		}
	})
	t.Run("a change that was under way at a reset is refused", func(t *testing.T) {
		d, _, owner := open(t)
		owner.signIn(http.StatusOK, "ana@example.org", herPassword)
		change := func() answer {
			return owner.do(http.MethodPut, "/api/me/password", map[string]string{"old": herPassword, "new": other})
		}
		if a := d.meanwhile(change, func() { reset(t, d) }); a.status != http.StatusForbidden {
			t.Errorf("%d %v", a.status, a.body)
		}
		d.visitor("192.0.2.1").signIn(http.StatusUnauthorized, "ana@example.org", other)
		d.visitor("192.0.2.1").signIn(http.StatusOK, "ana@example.org", next)
	})
}

// An address that nobody has costs as much as one that somebody has: whoever
// measures the answer learns nothing.
func TestSignInWorksAsMuchForEverybody(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	var derived atomic.Int64
	argon := d.accounts.passwords.argon
	d.accounts.passwords.argon = func(password, salt []byte) []byte {
		derived.Add(1)
		return argon(password, salt)
	}
	without := d.registered("ben@example.org")
	d.withoutPassword(without)
	closed := d.registered("cem@example.org")
	if _, _, err := d.accounts.decide(t.Context(), "system:test", closed, func(a *events.Account) ([]events.Event, error) { return a.RequestDelete("") }); err != nil {
		t.Fatal(err)
	}
	for who, email := range map[string]string{
		"a wrong password": "ana@example.org", "nobody": "nobody@example.org", "no address": "nobody",
		"no password": "ben@example.org", "an account that is closed": "cem@example.org",
	} {
		for _, password := range []string{"a guess of mine", "", strings.Repeat("x", 1000)} {
			derived.Store(0)
			d.visitor("198.51.100.7").signIn(http.StatusUnauthorized, email, password)
			if n := derived.Load(); n != 1 {
				t.Errorf("%s, %.10q: Argon2 ran %d times, want 1", who, password, n)
			}
		}
	}
}

// withoutPassword leaves an account a passkey alone.
func (d *desk) withoutPassword(id events.AccountID) {
	d.t.Helper()
	add := func(ctx context.Context) error {
		_, _, err := d.accounts.AddPasskey(ctx, id, "desk", &events.Passkey{ID: []byte(id)})
		if err == nil {
			_, err = d.accounts.RemoveCredential(ctx, id, events.PasswordID)
		}
		return err
	}
	if err := add(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}
