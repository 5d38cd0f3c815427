package http

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"testing"
)

func TestClientAddress(t *testing.T) {
	ours := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		name, header, from string
		said               []string
		want               string
	}{
		{"without proxies the header says nothing", "", "10.0.0.1:5", []string{"198.51.100.7"}, "10.0.0.1"},
		{"a stranger's header says nothing", "X-Forwarded-For", "198.51.100.9:5", []string{"198.51.100.7"}, "198.51.100.9"},
		{"a proxy tells whom it serves", "X-Forwarded-For", "10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		{"what the client wrote itself is not believed", "X-Forwarded-For", "10.0.0.1:5", []string{"127.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{"a header in several lines is one list", "X-Forwarded-For", "10.0.0.1:5", []string{"127.0.0.1", "198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
		{"a chain of ours is followed", "X-Forwarded-For", "[fd00::1]:5", []string{"198.51.100.7,10.0.0.2, fd00::2"}, "198.51.100.7"},
		{"a chain that is ours alone ends at its first", "X-Forwarded-For", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"garbage stops at who passed it on", "X-Forwarded-For", "10.0.0.1:5", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"no header is the proxy itself", "X-Forwarded-For", "10.0.0.1:5", nil, "10.0.0.1"},
		{"IPv4 within IPv6 is IPv4", "X-Forwarded-For", "[::ffff:10.0.0.1]:5", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"the standard header", "Forwarded", "10.0.0.1:5", []string{`for=127.0.0.1, proto=https;For="[2001:db8::7]:4711"`}, "2001:db8::7"},
		{"the standard header, hidden", "Forwarded", "10.0.0.1:5", []string{"for=_hidden"}, "10.0.0.1"},
		{"nginx's header", "X-Real-IP", "10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.from
			for _, name := range ProxyHeaders {
				r.Header[http.CanonicalHeaderKey(name)] = test.said
			}
			if got := (Proxies{ours, test.header}).Client(r); got.String() != test.want {
				t.Fatalf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestClientAddressBehindARealProxy(t *testing.T) {
	seen := make(chan string, 1)
	behind := func(trusted ...netip.Prefix) string {
		s := &Server{config: Config{Proxies: Proxies{trusted, "X-Forwarded-For"}}}
		inner := httptest.NewServer(s.addressed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen <- address(r.Context()).String()
		})))
		t.Cleanup(inner.Close)
		target, err := url.Parse(inner.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header["X-Forwarded-For"] = []string{"198.51.100.7"} // as if asked from there
		}})
		t.Cleanup(proxy.Close)
		return proxy.URL
	}
	for name, test := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"is the client's when the proxy is trusted": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "198.51.100.7"},
		"is the proxy's when it is not":             {nil, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := http.Get(behind(test.trusted...))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got := <-seen; got != test.want {
				t.Fatalf("got %s, want %s", got, test.want)
			}
		})
	}
}
