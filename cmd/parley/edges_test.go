package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// issued is a certificate for the loopback in two files, and trust in it.
type issued struct {
	cert, key string
	pool      *x509.CertPool
}

// issue writes a new certificate over what is in the folder.
func issue(t *testing.T, dir string, serial int64) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "parley"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	i := issued{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	for path, block := range map[string]*pem.Block{i.cert: {Type: "CERTIFICATE", Bytes: raw}, i.key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	i.pool.AddCert(parsed)
	return i
}

// trusting is a browser's transport that knows the certificate.
func (i issued) trusting(t *testing.T) *http.Transport {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// serial asks a server for its certificate, on a new connection.
func serial(t *testing.T, base string) int64 {
	t.Helper()
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", at.Host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestOverTLSBehindAProxy(t *testing.T) {
	files := t.TempDir()
	shown := issue(t, files, 1)
	p := start(t, t.TempDir(), "PARLEY_TLS_CERT="+shown.cert, "PARLEY_TLS_KEY="+shown.key,
		"PARLEY_TRUSTED_PROXIES=127.0.0.0/8", "PARLEY_PROXY_HEADER=X-Forwarded-For")
	defer p.stop()
	b := newBrowser(t, p.base)
	b.client.Transport = shown.trusting(t)

	a := b.must(http.StatusCreated, "POST", "/api/setup", map[string]string{"code": p.code, "name": "Ada", "email": "ada@example.org", "password": password})
	b.keep(a)
	t.Run("the cookie is for this host alone", func(t *testing.T) {
		cookie := a.header.Get("Set-Cookie")
		for _, want := range []string{"__Host-parley=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("%q is not in the cookie", want)
			}
		}
	})
	t.Run("browsers are told to stay with TLS", func(t *testing.T) {
		if got := a.header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Fatal(got)
		}
	})
	t.Run("the partner mints a token", func(t *testing.T) {
		topic := b.must(http.StatusOK, "GET", "/api/topics", nil).json["topics"].([]any)[0].(map[string]any)["id"]
		id := b.must(http.StatusCreated, "POST", "/api/sessions", map[string]any{"topic_id": topic}).text("id")
		b.must(http.StatusOK, "POST", "/api/sessions/"+id+"/token", nil)
	})
	t.Run("another site changes nothing", func(t *testing.T) {
		if a := b.do("POST", "/api/sign-out", nil, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.code() != "cross_origin" {
			t.Fatal(a)
		}
	})
	t.Run("no operation reads a byte more than it says", func(t *testing.T) { b.walkBodies(t) })
	t.Run("limits go by the client that a trusted proxy names", func(t *testing.T) { b.throughProxy(t, shown) })
	t.Run("a renewed certificate is shown without a restart", func(t *testing.T) {
		if got := serial(t, p.base); got != 1 {
			t.Fatalf("serial %d", got)
		}
		issue(t, files, 2)
		if got := serial(t, p.base); got != 2 {
			t.Fatalf("serial %d", got)
		}
		if err := os.WriteFile(shown.key, []byte("half written"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := serial(t, p.base); got != 2 {
			t.Fatalf("with a broken key: serial %d", got)
		}
	})
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// walkBodies sends each operation of the contract as much as it says that it
// reads, and one byte more. Blanks are no JSON, so that nothing happens.
func (b *browser) walkBodies(t *testing.T) {
	contract := b.must(http.StatusOK, "GET", "/openapi.json", nil).json
	walked := 0
	for path, methods := range contract["paths"].(map[string]any) {
		for method, described := range methods.(map[string]any) {
			op := described.(map[string]any)
			if op["requestBody"] == nil {
				continue
			}
			most, said := op["x-max-body-bytes"].(float64)
			if !said {
				t.Errorf("%s %s does not say how much it reads", method, path)
				continue
			}
			walked++
			at := parameter.ReplaceAllString(path, "01KKNQ5E48000000000SESS1AA")
			if a := b.do(strings.ToUpper(method), at, []byte(strings.Repeat(" ", int(most)))); a.status == http.StatusRequestEntityTooLarge || a.status >= 500 {
				t.Errorf("%s %s with all %.0f bytes: %s", method, path, most, a)
			}
			if a := b.do(strings.ToUpper(method), at, []byte(strings.Repeat(" ", int(most)+1))); a.code() != "too_large" {
				t.Errorf("%s %s with one byte more: %s", method, path, a)
			}
		}
	}
	if walked < 8 {
		t.Fatalf("only %d operations read a body", walked)
	}
}

// throughProxy uses up what one address may tell, and wants another to be free.
func (b *browser) throughProxy(t *testing.T, shown issued) {
	target, err := url.Parse(b.base)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Transport: shown.trusting(t),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("X-Forwarded-For", <-asked)
		},
	})
	defer proxy.Close()
	tell := func(from string) answer {
		asked <- from
		return newBrowser(t, proxy.URL).do("POST", "/violations", `{"csp-report":{}}`, "Content-Type", "application/csp-report")
	}
	const allowed = 30 // at once; one more comes back every two seconds, for a machine that is slow
	for n := 1; ; n++ {
		a := tell(fmt.Sprintf("203.0.113.%d, 198.51.100.7", n))
		if limited := a.code() == "rate_limited" && a.header.Get("Retry-After") != ""; limited && n > allowed {
			break
		}
		if a.status != http.StatusNoContent || n == 3*allowed {
			t.Fatalf("number %d: %s", n, a)
		}
	}
	if a := tell("198.51.100.8"); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
}

func TestServeRefusesACertificateThatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	one, other := issue(t, t.TempDir(), 1), issue(t, t.TempDir(), 2)
	t.Setenv("PARLEY_TLS_CERT", one.cert)
	t.Setenv("PARLEY_TLS_KEY", other.key)
	_, errs, code := invoke(t, "", "serve", "--data", dir, "--addr", "127.0.0.1:0")
	if code == exitOK || !strings.Contains(errs, "PARLEY_TLS_CERT and PARLEY_TLS_KEY") {
		t.Fatalf("%d %s", code, errs)
	}
}
