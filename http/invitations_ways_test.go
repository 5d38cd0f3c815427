package http

import (
	"net/http"
	"net/url"
	"testing"

	"parley/events"
)

// invitedBy makes an invitation and gives its link's token.
func (d *desk) invitedBy(by events.Actor, email string) (token string, id events.AccountID) {
	d.t.Helper()
	link, _, err := d.accounts.Invite(d.t.Context(), by, events.Person{Email: email, Name: "Ana"}, []events.Role{events.RoleLearner})
	if err != nil {
		d.t.Fatal(err)
	}
	return link.Token, link.Account
}

func TestInvitationByPasskey(t *testing.T) {
	d := newDesk(t)
	token, id := d.invitedBy("system:test", "ana@example.org")
	offered := func(v *visitor, token string) map[string]any {
		return v.want(http.StatusOK, http.MethodPost, "/api/invitation/passkey/options", map[string]string{"token": token}).body
	}
	accept := func(status int, v *visitor, token string, ceremony, credential any) {
		t.Helper()
		v.want(status, http.MethodPost, "/api/invitation/accept", map[string]any{"token": token, "name": "Ana N.", "ceremony": ceremony, "credential": credential})
	}

	t.Run("a link that opens nothing is offered no passkey", func(t *testing.T) {
		d.visitor("192.0.2.1").want(http.StatusForbidden, http.MethodPost, "/api/invitation/passkey/options", map[string]string{"token": token + "A"})
	})
	t.Run("a passkey made for another invitation opens nothing", func(t *testing.T) {
		other, _ := d.invitedBy("system:test", "ben@example.org")
		v := d.visitor("192.0.2.1")
		begun := offered(v, other)
		accept(http.StatusForbidden, v, token, begun["ceremony"], newAuthenticator(t).make(begun["options"].(map[string]any)))
		v.isSignedIn(false)
	})
	finger, v := newAuthenticator(t), d.visitor("192.0.2.1")
	begun := offered(v, token)
	made := finger.make(begun["options"].(map[string]any))
	t.Run("her passkey opens her account, and she is signed in", func(t *testing.T) {
		accept(http.StatusCreated, v, token, begun["ceremony"], made)
		me := v.want(http.StatusOK, http.MethodGet, "/api/me", nil).body["account"].(map[string]any)
		if held := v.credentials(); me["id"] != string(id) || me["name"] != "Ana N." || len(held) != 1 || held[0].(map[string]any)["method"] != "passkey" {
			t.Errorf("%v, %v", me, held)
		}
		d.visitor("192.0.2.1").usePasskey(http.StatusOK, finger)
	})
	t.Run("there is no password", func(t *testing.T) {
		d.visitor("192.0.2.1").signIn(http.StatusUnauthorized, "ana@example.org", herPassword)
	})
	t.Run("and the link is used up", func(t *testing.T) {
		accept(http.StatusForbidden, d.visitor("192.0.2.1"), token, begun["ceremony"], made)
	})
}

func TestInvitationByOpenID(t *testing.T) {
	issuer := newProvider(t)
	d := newDesk(t, func(c *Config) { c.OpenID = OpenID{issuer, "parley", "client secret"} })
	token, id := d.invitedBy("system:test", "ana@example.org")
	leave := func(v *visitor, token string) string {
		return v.want(http.StatusOK, http.MethodPost, "/api/invitation/openid", map[string]string{"token": token, "name": "Ana N."}).body["address"].(string)
	}

	t.Run("a link that opens nothing leads nowhere", func(t *testing.T) {
		d.visitor("192.0.2.1").want(http.StatusForbidden, http.MethodPost, "/api/invitation/openid", map[string]string{"token": "x"})
	})
	t.Run("the link's secret is not told to the provider", func(t *testing.T) {
		address, err := url.Parse(leave(d.visitor("192.0.2.1"), token))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range address.Query() {
			if values[0] == token {
				t.Errorf("%s is the token", name)
			}
		}
	})
	v := d.visitor("192.0.2.1")
	back := signInThere(t, leave(v, token), oneThere)
	t.Run("another browser than the one that left opens nothing", func(t *testing.T) {
		d.visitor("192.0.2.1").comeBack(back, "sign-in?problem=forbidden")
	})
	t.Run("who she is there opens her account, and she is signed in", func(t *testing.T) {
		v.comeBack(back, "")
		me := v.want(http.StatusOK, http.MethodGet, "/api/me", nil).body["account"].(map[string]any)
		if held := v.credentials(); me["id"] != string(id) || me["name"] != "Ana N." || len(held) != 1 || held[0].(map[string]any)["method"] != "openid" {
			t.Errorf("%v, %v", me, held)
		}
		again := d.visitor("192.0.2.1")
		again.comeBack(signInThere(t, again.leave("/api/sign-in/openid"), oneThere), "")
		again.isSignedIn(true)
	})
	t.Run("who is linked with an account opens no other", func(t *testing.T) {
		other, _ := d.invitedBy("system:test", "ben@example.org")
		v := d.visitor("192.0.2.1")
		v.comeBack(signInThere(t, leave(v, other), oneThere), "sign-in?problem=conflict")
		v.isSignedIn(false)
	})
}
