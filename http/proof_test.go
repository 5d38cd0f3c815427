package http

import (
	"net/http"
	"testing"

	"parley/events"
)

// Who finds a browser open makes no way into its owner's account that outlives her
// next password.
func TestWaysInNeedFreshProof(t *testing.T) {
	issuer := newProvider(t)
	add := func(path string) func(v *visitor, password string) answer {
		return func(v *visitor, password string) answer {
			if password == "" {
				return v.do(http.MethodPost, path, nil)
			}
			return v.do(http.MethodPost, path, map[string]string{"password": password})
		}
	}
	for name, way := range map[string]func(v *visitor, password string) answer{
		"a passkey": add("/api/me/passkeys/options"), "a provider": add("/api/me/openid"),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, func(c *Config) { c.OpenID = OpenID{issuer, "parley", "client secret"} })
			d.registered("ana@example.org")
			v := d.visitor("192.0.2.1")
			v.signIn(http.StatusOK, "ana@example.org", herPassword)
			for _, step := range []struct {
				when, password string
				status         int
			}{
				{"just signed in", "", http.StatusOK},
				{"later", "", http.StatusForbidden},
				{"with a wrong password", "not " + herPassword, http.StatusForbidden},
				{"with her password", herPassword, http.StatusOK},
			} {
				if step.when == "later" {
					d.Clock.Advance(freshSignIn)
				}
				if a := way(v, step.password); a.status != step.status {
					t.Errorf("%s: %d %v, want %d", step.when, a.status, a.body, step.status)
				}
			}
		})
	}
	t.Run("guessing the password there is slowed down", func(t *testing.T) {
		d := newDesk(t)
		d.registered("ana@example.org")
		v := d.visitor("192.0.2.1")
		v.signIn(http.StatusOK, "ana@example.org", herPassword)
		d.Clock.Advance(freshSignIn)
		guess := add("/api/me/passkeys/options")
		for range freeFailures {
			guess(v, "a guess of mine")
		}
		if a := guess(v, herPassword); a.status != http.StatusTooManyRequests || a.body["code"] != string(events.CodeLimited) {
			t.Errorf("%d %v", a.status, a.body)
		}
	})
	t.Run("a first password", func(t *testing.T) {
		d := newDesk(t)
		id := d.registered("ana@example.org")
		v := d.visitor("192.0.2.1")
		v.signIn(http.StatusOK, "ana@example.org", herPassword)
		d.withoutPassword(id)
		first := map[string]string{"new": "eight quiet rivers"}
		d.Clock.Advance(freshSignIn)
		v.want(http.StatusForbidden, http.MethodPut, "/api/me/password", first)
		again := d.visitor("192.0.2.1")
		again.signIn(http.StatusUnauthorized, "ana@example.org", first["new"])
		// A browser that signed in by her passkey, a moment ago.
		cookies, err := d.door.signedIn(t.Context(), d.account(id), &Asking{})
		if err != nil {
			t.Fatal(err)
		}
		again.client.Jar.SetCookies(d.public, []*http.Cookie{&cookies[0]})
		again.want(http.StatusNoContent, http.MethodPut, "/api/me/password", first)
		d.visitor("192.0.2.1").signIn(http.StatusOK, "ana@example.org", first["new"])
	})
}

func (d *desk) account(id events.AccountID) *events.Account {
	d.t.Helper()
	account, err := d.accounts.Find(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return account
}
