package http

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"parley/events"
)

// addPasskey adds an authenticator's passkey to the account of a visitor.
func (v *visitor) addPasskey(status int, with *authenticator, name string) answer {
	v.t.Helper()
	begun := v.want(http.StatusOK, http.MethodPost, "/api/me/passkeys/options", nil).body
	return v.want(status, http.MethodPost, "/api/me/passkeys", map[string]any{
		"ceremony": begun["ceremony"], "name": name, "credential": with.make(begun["options"].(map[string]any)),
	})
}

// usePasskey signs in with it.
func (v *visitor) usePasskey(status int, with *authenticator) answer {
	v.t.Helper()
	begun := v.want(http.StatusOK, http.MethodPost, "/api/sign-in/passkey/options", nil).body
	return v.want(status, http.MethodPost, "/api/sign-in/passkey", map[string]any{
		"ceremony": begun["ceremony"], "credential": with.sign(begun["options"].(map[string]any)),
	})
}

func (v *visitor) credentials() []any {
	v.t.Helper()
	return v.want(http.StatusOK, http.MethodGet, "/api/me/credentials", nil).body["credentials"].([]any)
}

func TestPasskeys(t *testing.T) {
	d := newDesk(t)
	id := d.registered("ana@example.org")
	desk := d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	finger := newAuthenticator(t)
	added := desk.addPasskey(http.StatusCreated, finger, "").body["id"].(string)
	phone := d.visitor("192.0.2.1")

	t.Run("the page learns that there are passkeys", func(t *testing.T) {
		if ways := phone.want(http.StatusOK, http.MethodGet, "/api/sign-in", nil).body; ways["passkeys"] != true {
			t.Errorf("%v", ways)
		}
	})
	t.Run("a passkey signs in where nothing was typed", func(t *testing.T) {
		me := phone.usePasskey(http.StatusOK, finger).body["account"].(map[string]any)
		if me["id"] != string(id) {
			t.Errorf("%v", me)
		}
		phone.isSignedIn(true)
	})
	t.Run("one that never counts signs in again and again", func(t *testing.T) {
		synced := newAuthenticator(t)
		synced.counts = false
		desk.addPasskey(http.StatusCreated, synced, "synced")
		for range 2 {
			phone.usePasskey(http.StatusOK, synced)
		}
	})
	t.Run("its public key and name are not in the log in the clear", func(t *testing.T) {
		for _, e := range d.Load(t, id.Aggregate()) {
			if b, is := e.Body.(*events.AccountCredentialAdded); is && b.Method == events.ByPasskey {
				clear, private, err := events.EncodeBody(b)
				if err != nil || bytes.Contains(clear, []byte("public_key")) || !bytes.Contains(private, []byte("public_key")) || e.Sealed == nil {
					t.Errorf("%s, %v", clear, err)
				}
			}
		}
	})
	t.Run("a copy that counts from before is refused", func(t *testing.T) {
		copied := *finger
		phone.usePasskey(http.StatusOK, finger)
		phone.usePasskey(http.StatusUnauthorized, &copied)
		phone.usePasskey(http.StatusOK, finger)
	})
	t.Run("the same passkey is held once", func(t *testing.T) {
		held := len(desk.credentials())
		desk.addPasskey(http.StatusCreated, finger, "again")
		if now := len(desk.credentials()); now != held {
			t.Errorf("%d credentials became %d", held, now)
		}
	})
	t.Run("it is called what its owner likes", func(t *testing.T) {
		desk.want(http.StatusNoContent, http.MethodPut, "/api/me/credentials/"+added, map[string]string{"name": "My finger"})
		desk.want(http.StatusUnprocessableEntity, http.MethodPut, "/api/me/credentials/"+added, map[string]string{"name": " "})
		if c := desk.credentials()[1].(map[string]any); c["name"] != "My finger" || c["method"] != "passkey" {
			t.Errorf("%v", c)
		}
	})
	t.Run("one that was removed signs in no more; the last way stays", func(t *testing.T) {
		for _, c := range desk.credentials() {
			if id := c.(map[string]any)["id"].(string); id != added {
				desk.want(http.StatusNoContent, http.MethodDelete, "/api/me/credentials/"+id, nil)
			}
		}
		phone.signIn(http.StatusUnauthorized, "ana@example.org", herPassword)
		phone.usePasskey(http.StatusOK, finger)
		desk.want(http.StatusConflict, http.MethodDelete, "/api/me/credentials/"+added, nil)
		desk.want(http.StatusNoContent, http.MethodPut, "/api/me/password", map[string]string{"new": herPassword}) // there is no old one
		desk.want(http.StatusNoContent, http.MethodDelete, "/api/me/credentials/"+added, nil)
		phone.usePasskey(http.StatusUnauthorized, finger)
	})
}

func TestPasskeysThatDoNotFit(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	d.registered("ben@example.org")
	desk, ben := d.visitor("198.51.100.7"), d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	ben.signIn(http.StatusOK, "ben@example.org", herPassword)
	finger := newAuthenticator(t)
	desk.addPasskey(http.StatusCreated, finger, "")

	for name, spoil := range map[string]func(*authenticator){
		"made on another page":           func(a *authenticator) { a.origin = "https://example.com.evil.example" },
		"of another domain":              func(a *authenticator) { a.rpID = "evil.example" },
		"nobody showed who she is":       func(a *authenticator) { a.verified = false },
		"another key":                    func(a *authenticator) { a.key = newAuthenticator(t).key },
		"another passkey's id":           func(a *authenticator) { a.id = []byte("another") },
		"somebody else's account":        func(a *authenticator) { a.handle = []byte(d.IDs.ULID()) },
		"an account that is none at all": func(a *authenticator) { a.handle = []byte("x") },
	} {
		t.Run(name, func(t *testing.T) {
			spoilt := *finger
			spoil(&spoilt)
			d.visitor("192.0.2.1").usePasskey(http.StatusUnauthorized, &spoilt)
		})
	}
	t.Run("one that did not ask who she is is not added", func(t *testing.T) {
		careless := newAuthenticator(t)
		careless.verified = false
		desk.addPasskey(http.StatusUnprocessableEntity, careless, "")
	})
	t.Run("a ceremony is used once, in time, by whom it was for, for what it was for", func(t *testing.T) {
		begin := func(v *visitor, path string) (ceremony any, options map[string]any) {
			begun := v.want(http.StatusOK, http.MethodPost, path, nil).body
			return begun["ceremony"], begun["options"].(map[string]any)
		}
		ceremony, options := begin(desk, "/api/sign-in/passkey/options")
		use := map[string]any{"ceremony": ceremony, "credential": finger.sign(options)}
		desk.want(http.StatusOK, http.MethodPost, "/api/sign-in/passkey", use)
		desk.want(http.StatusForbidden, http.MethodPost, "/api/sign-in/passkey", use)

		ceremony, options = begin(desk, "/api/sign-in/passkey/options")
		d.Clock.Advance(passkeyLasts)
		desk.want(http.StatusForbidden, http.MethodPost, "/api/sign-in/passkey", map[string]any{"ceremony": ceremony, "credential": finger.sign(options)})

		desk.signIn(http.StatusOK, "ana@example.org", herPassword) // a moment ago, as adding a way in needs
		ceremony, options = begin(desk, "/api/me/passkeys/options")
		stolen := newAuthenticator(t)
		ben.want(http.StatusForbidden, http.MethodPost, "/api/me/passkeys", map[string]any{"ceremony": ceremony, "credential": stolen.make(options)})
		desk.want(http.StatusForbidden, http.MethodPost, "/api/sign-in/passkey", map[string]any{"ceremony": ceremony, "credential": finger.sign(options)})
		desk.want(http.StatusForbidden, http.MethodPost, "/api/sign-in/passkey", map[string]any{"ceremony": "made up", "credential": finger.sign(options)})
	})
}

func TestPasskeysNeedAName(t *testing.T) {
	for host, can := range map[string]bool{"127.0.0.1:8787": false, "[::1]:8787": false, "localhost:8787": true, "parley.example": true} {
		if party := relyingParty(&url.URL{Scheme: "http", Host: host}); (party != nil) != can {
			t.Errorf("%s: %v", host, party)
		}
	}
}

func TestCeremoniesAreBounded(t *testing.T) {
	d := newDesk(t)
	c := newCeremonies(d.Vault, time.Now)
	for i := range 5 * rememberedCeremonies {
		c.takeUp(time.Duration(i).String())
	}
	if n := len(c.young) + len(c.old); n > 2*rememberedCeremonies {
		t.Fatalf("%d are remembered", n)
	}
}
