package http

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"parley/events"
)

// newProvider starts a real OpenID provider (zitadel's) that knows Parley at
// example.com, and two people.
func newProvider(t *testing.T) (issuer string) {
	t.Helper()
	var provider http.Handler
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { provider.ServeHTTP(w, r) }))
	t.Cleanup(served.Close)
	clients := map[string]*storage.Client{"parley": storage.WebClient("parley", "client secret", "https://example.com"+OpenIDCallback)}
	provider = exampleop.SetupServer(served.URL, storage.NewStorageWithClients(storage.NewUserStore(served.URL), clients), nil, false)
	return served.URL
}

// signInThere goes the provider's own way, as a browser would, and gives the
// address that it sends the browser back to.
func signInThere(t *testing.T, address, user string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var back string
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "example.com" {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	form, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer form.Body.Close()
	page, err := io.ReadAll(form.Body)
	if err != nil || form.StatusCode != http.StatusOK {
		t.Fatalf("%d %s, %v", form.StatusCode, page, err)
	}
	query := form.Request.URL.Query()
	sent, err := browser.PostForm(form.Request.URL.String(), url.Values{"username": {user}, "password": {"verysecure"}, "id": {query.Get("authRequestID")}})
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Body.Close()
	if back == "" {
		text, _ := io.ReadAll(sent.Body)
		t.Fatalf("the provider did not send the browser back: %d %s", sent.StatusCode, text)
	}
	return back
}

// leave begins at Parley and gives the provider's address.
func (v *visitor) leave(path string) string {
	v.t.Helper()
	return v.want(http.StatusOK, http.MethodPost, path, nil).body["address"].(string)
}

// comeBack follows the provider's address and wants to be led to a view.
func (v *visitor) comeBack(path, view string) {
	v.t.Helper()
	if to := v.want(http.StatusSeeOther, http.MethodGet, path, nil).header.Get("Location"); to != "/#/"+view {
		v.t.Fatalf("led to %q, want %q", to, view)
	}
}

const oneThere, anotherThere = "test-user@127.0.0.1", "test-user2"

func TestOpenID(t *testing.T) {
	issuer := newProvider(t)
	d := newDesk(t, func(c *Config) { c.OpenID = OpenID{issuer, "parley", "client secret"} })
	id := d.registered("ana@example.org")
	d.registered("test-user@zitadel.ch") // the address that the provider tells of somebody
	desk, ben := d.visitor("198.51.100.7"), d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	ben.signIn(http.StatusOK, "test-user@zitadel.ch", herPassword)
	const signingIn, linking = "/api/sign-in/openid", "/api/me/openid"

	t.Run("who is linked with nobody does not come in, whatever her address there", func(t *testing.T) {
		v := d.visitor("192.0.2.1")
		v.comeBack(signInThere(t, v.leave(signingIn), oneThere), "sign-in?problem=unauthenticated")
		v.isSignedIn(false)
	})
	t.Run("who linked herself signs in", func(t *testing.T) {
		desk.comeBack(signInThere(t, desk.leave(linking), oneThere), "account")
		v := d.visitor("192.0.2.1")
		v.comeBack(signInThere(t, v.leave(signingIn), oneThere), "")
		me := v.want(http.StatusOK, http.MethodGet, "/api/me", nil).body["account"].(map[string]any)
		if me["id"] != string(id) {
			t.Errorf("%v", me)
		}
		d.visitor("192.0.2.1").isSignedIn(false)
	})
	t.Run("somebody else there is nobody here", func(t *testing.T) {
		v := d.visitor("192.0.2.1")
		v.comeBack(signInThere(t, v.leave(signingIn), anotherThere), "sign-in?problem=unauthenticated")
	})
	t.Run("linking again changes nothing", func(t *testing.T) {
		desk.comeBack(signInThere(t, desk.leave(linking), oneThere), "account")
		if held := desk.credentials(); len(held) != 2 || held[1].(map[string]any)["name"] != issuer {
			t.Errorf("%v", held)
		}
	})
	t.Run("one there is one here", func(t *testing.T) {
		ben.comeBack(signInThere(t, ben.leave(linking), oneThere), "sign-in?problem=conflict")
	})
	t.Run("the way back is for the browser that left, once", func(t *testing.T) {
		v, thief := d.visitor("192.0.2.1"), d.visitor("192.0.2.2")
		back := signInThere(t, v.leave(signingIn), oneThere)
		thief.comeBack(back, "sign-in?problem=forbidden") // it never left
		thief.leave(signingIn)
		thief.comeBack(back, "sign-in?problem=forbidden") // it left for another sign-in
		kept := v.client.Jar.Cookies(&url.URL{Scheme: "https", Host: "example.com"})
		v.comeBack(back, "")
		v.client.Jar.SetCookies(d.public, kept)
		v.comeBack(back, "sign-in?problem=forbidden")
	})
	t.Run("a way back that was changed leads nowhere", func(t *testing.T) {
		v := d.visitor("192.0.2.1")
		back := signInThere(t, v.leave(signingIn), oneThere)
		v.comeBack(strings.Replace(back, "code=", "code=x", 1), "sign-in?problem=unavailable")
		v.leave(signingIn)
		v.comeBack(OpenIDCallback+"?error=access_denied", "sign-in?problem=forbidden")
		v.isSignedIn(false)
	})
	t.Run("nobody is linked who signed out meanwhile", func(t *testing.T) {
		v := d.visitor("198.51.100.7")
		v.signIn(http.StatusOK, "ana@example.org", herPassword)
		back := signInThere(t, v.leave(linking), anotherThere)
		v.want(http.StatusNoContent, http.MethodPost, "/api/sign-out", nil)
		v.comeBack(back, "sign-in?problem=unauthenticated")
	})
	t.Run("who left is not linked to who is signed in by now", func(t *testing.T) {
		v := d.visitor("198.51.100.7")
		v.signIn(http.StatusOK, "ana@example.org", herPassword)
		back := signInThere(t, v.leave(linking), anotherThere)
		v.signIn(http.StatusOK, "test-user@zitadel.ch", herPassword)
		v.comeBack(back, "sign-in?problem=forbidden")
	})
	t.Run("who takes the link away comes in no more, and another may link", func(t *testing.T) {
		link := desk.credentials()[1].(map[string]any)["id"].(string)
		desk.want(http.StatusNoContent, http.MethodDelete, "/api/me/credentials/"+link, nil)
		v := d.visitor("192.0.2.1")
		v.comeBack(signInThere(t, v.leave(signingIn), oneThere), "sign-in?problem=unauthenticated")
		ben.comeBack(signInThere(t, ben.leave(linking), oneThere), "account")
	})
	t.Run("issuer and subject are sealed", func(t *testing.T) {
		for _, e := range d.Load(t, id.Aggregate()) {
			if clear, _, err := events.EncodeBody(e.Body); err != nil || strings.Contains(string(clear), "127.0.0.1") {
				t.Errorf("%s, %v", clear, err)
			}
		}
	})
}

func TestOpenIDProviderIsAway(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	d := newDesk(t, func(c *Config) { c.OpenID = OpenID{Issuer: gone.URL, ClientID: "parley"} })
	v := d.visitor("192.0.2.1")
	if ways := v.want(http.StatusOK, http.MethodGet, "/api/sign-in", nil).body; ways["openid"] != true {
		t.Errorf("%v", ways)
	}
	v.want(http.StatusServiceUnavailable, http.MethodPost, "/api/sign-in/openid", nil)
	newDesk(t).visitor("192.0.2.1").want(http.StatusNotFound, http.MethodPost, "/api/sign-in/openid", nil)
}
