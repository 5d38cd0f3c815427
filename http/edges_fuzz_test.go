package http

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"parley/events"
)

// nobodysSignIns knows no browser: whoever gets in has got in without one.
type nobodysSignIns struct{ SignIns }

func (nobodysSignIns) Use(context.Context, events.AccountID, events.BrowserID, [sha256.Size]byte) (events.SignIn, error) {
	return events.SignIn{}, events.Errorf(events.CodeUnauthenticated, "please sign in")
}

// No cookie is a way in by its form.
func FuzzCookie(f *testing.F) {
	const id = "01KKNTQ1T8T86QE1DZ548F6KRQ"
	for _, seed := range []string{"", "parley_8787=" + id + "." + id + ".secret", "parley_8787=..", `parley_8787="a.b.c"; parley_8787=d.e.f`, "parley_8787", "\x00=;;", "__Host-parley=a.b.c"} {
		f.Add(seed)
	}
	public := &url.URL{Scheme: "http", Host: "127.0.0.1:8787"}
	s := &Server{config: Config{PublicURL: public}, doors: Doors{SignIns: nobodysSignIns{}}, logger: slog.New(slog.DiscardHandler), cookieName: cookieName(public)}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/api/me", nil)
		r.Header["Cookie"] = []string{header}
		w := httptest.NewRecorder()
		s.rawHandler(toSignedIn, "me", func(http.ResponseWriter, *http.Request) error {
			t.Fatal("somebody is in")
			return nil
		})(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

// What a stranger writes into a proxy's header never counts, and what a proxy
// passes on is an address.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"198.51.100.7", `for="[2001:db8::7]:4711";proto=https, for=_x`, "::ffff:10.0.0.1", "fe80::1%eth0", ",,", `for="`} {
		f.Add(seed, seed)
	}
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, header := range ProxyHeaders {
			r := &http.Request{RemoteAddr: "198.51.100.9:1", Header: http.Header{http.CanonicalHeaderKey(header): {one, two}}}
			if got := (Proxies{ours, header}).Client(r).String(); got != "198.51.100.9" {
				t.Fatalf("%s made a stranger %s", header, got)
			}
			r.RemoteAddr = "10.0.0.1:1"
			if got := (Proxies{ours, header}).Client(r); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
				t.Fatalf("%s made %v", header, got)
			}
		}
	})
}

// Whatever a browser reports is kept, named or skipped, within the limits.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"n":1,"call":1,"at_ms":0,"rec_ms":null,"event":{"type":"input_audio_buffer.committed","item_id":"a","previous_item_id":null}}`,
		`{"n":2,"call":1,"at_ms":5,"rec_ms":4,"event":{"type":"response.done","response":{"id":"r","status":"cancelled","output":[{"id":"i","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"x"}]}]}}}`,
		`{"n":3,"call":0,"at_ms":5,"rec_ms":4,"event":{"type":"parley.muted","on":true}}`,
		`{"n":549755813889}`, `{"n":1,"event":null}`, `[]`, `"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		report, ok := decodeReport(raw, func(s string) string { return s })
		if !ok {
			return
		}
		if report.N < 1 || report.N > maxOutbox || len(report.Bodies) > events.MaxAppend {
			t.Fatalf("%+v", report)
		}
		if report.Rejected != "" && len(report.Bodies) > 0 {
			t.Fatalf("kept and rejected: %+v", report)
		}
	})
}

// What is logged of a violation never has a query or a fragment.
func FuzzViolation(f *testing.F) {
	f.Add("https://evil.example/x?secret#secret")
	f.Add("data:text/html,<b>?")
	f.Add("//%zz")
	f.Fuzz(func(t *testing.T, blocked string) {
		got := violationOf("img-src", blocked, blocked)
		u, err := url.Parse(got.blocked)
		if len(got.blocked) > 200 {
			t.Fatalf("%d bytes", len(got.blocked))
		}
		if err == nil && (u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
			t.Fatalf("%q", got.blocked)
		}
	})
}
