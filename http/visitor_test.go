package http

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"parley/events"
	"parley/events/eventstest"
)

// desk is a server with a real log behind it, for all that needs no read models.
type desk struct {
	*eventstest.Bundle
	t        *testing.T
	door     *Server
	accounts *Accounts
	served   *httptest.Server
	public   *url.URL
}

func newDesk(t *testing.T, change ...func(*Config)) *desk {
	t.Helper()
	b := eventstest.NewBundle(t)
	accounts := NewAccounts(b.Log, b.Vault, NewPasswords(2), b.Clock.Now, b.IDs.ULID)
	logger := slog.New(slog.DiscardHandler)
	d := &desk{Bundle: b, t: t, accounts: accounts}
	d.served = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.door.ServeHTTP(w, r) }))
	d.served.StartTLS()
	t.Cleanup(d.served.Close)
	d.public = &url.URL{Scheme: "https", Host: "example.com"} // what httptest's certificate names
	config := Config{PublicURL: d.public, Proxies: Proxies{[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "X-Forwarded-For"}}
	for _, c := range change {
		c(&config)
	}
	d.door = New(config, Doors{
		Log: b.Log, Browser: b.Log, Accounts: accounts, Keys: b.Vault, SignIns: b.Log.SignIns(), Now: b.Clock.Now, NewID: b.IDs.ULID,
		Views: noTalks{}, Audit: NewAuditor(b.Log, 0, b.Clock.Now, b.IDs.ULID, logger),
	}, logger, "")
	return d
}

const herPassword = "seven quiet rivers"

// registered is an account with herPassword.
func (d *desk) registered(email string, roles ...events.Role) events.AccountID {
	d.t.Helper()
	id, _, err := d.accounts.Add(d.t.Context(), "system:test", events.Person{Email: email}, herPassword, roles)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

// visitor is a browser with cookies of its own, at an address.
type visitor struct {
	t      *testing.T
	client *http.Client
	at     string
	base   string
}

func (d *desk) visitor(at string) *visitor {
	d.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	transport := d.served.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", d.served.Listener.Addr().String())
	}
	d.t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &visitor{d.t, client, at, d.public.String()}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (v *visitor) do(method, path string, body any) answer {
	v.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			v.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, sent)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", v.at)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if len(text) > 0 && text[0] == '{' {
		if err := json.Unmarshal(text, &a.body); err != nil {
			v.t.Fatal(err)
		}
	}
	return a
}

// want asks and holds the answer to its status.
func (v *visitor) want(status int, method, path string, body any) answer {
	v.t.Helper()
	a := v.do(method, path, body)
	if a.status != status {
		v.t.Fatalf("%s %s: %d %v, want %d", method, path, a.status, a.body, status)
	}
	return a
}

func (v *visitor) signIn(status int, email, password string) answer {
	v.t.Helper()
	return v.want(status, http.MethodPost, "/api/sign-in", map[string]string{"email": email, "password": password})
}

func (v *visitor) isSignedIn(yes bool) {
	v.t.Helper()
	status := http.StatusUnauthorized
	if yes {
		status = http.StatusOK
	}
	v.want(status, http.MethodGet, "/api/me", nil)
}
