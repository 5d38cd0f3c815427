package partner_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

const (
	key    = "partner-key"
	origin = "http://127.0.0.1:8080"
	// patience is how long a test waits for what must come.
	patience = 30 * time.Second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a partner that can be reached, and a client of ours for it.
type place struct {
	url     string
	client  *realtime.Client
	partner *partner.Partner
}

func setup(t *testing.T, config partner.Config) place {
	t.Helper()
	config.Key, config.AllowedOrigin, config.Random = key, origin, rand.Reader
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if config.Now == nil {
		config.Now = time.Now
	}
	p := partner.New(config)
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
	})
	return place{server.URL, realtime.New(realtime.Config{
		BaseURL: server.URL + "/v1", APIKey: key, Dialect: realtime.DialectPartner, Transport: transport,
		Backoff: time.Millisecond,
	}), p}
}

func (p place) mint(t *testing.T, request realtime.MintRequest) realtime.Token {
	t.Helper()
	if request.PromptID == "" {
		request.PromptID = "cafe"
	}
	request.Language = "en-US"
	token, err := p.client.Mint(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// byLevel is the turn detection of these tests.
var byLevel = realtime.TurnDetection{Mode: realtime.TurnsByLevel}

func post(t *testing.T, url, bearer, kind, body string) (*http.Response, string) {
	t.Helper()
	return ask(t, http.MethodPost, url, bearer, kind, body)
}

func put(t *testing.T, url, bearer, body string) int {
	t.Helper()
	response, _ := ask(t, http.MethodPut, url, bearer, "application/json", body)
	return response.StatusCode
}

func ask(t *testing.T, method, url, bearer, kind, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Origin", origin)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func TestToken(t *testing.T) {
	refused := func(t *testing.T, p place, token string) bool {
		t.Helper()
		response, _ := post(t, p.url+"/v1/realtime/calls", token, "application/sdp", newBrowser(t).offer())
		return response.StatusCode == http.StatusUnauthorized
	}
	t.Run("opens one call and no second", func(t *testing.T) {
		p := setup(t, partner.Config{})
		token := p.mint(t, realtime.MintRequest{})
		call(t, token)
		if !refused(t, p, token.Value.Reveal()) {
			t.Error("it opened a second")
		}
	})
	t.Run("must be one of ours", func(t *testing.T) {
		p := setup(t, partner.Config{})
		if !refused(t, p, "ek_other") || !refused(t, p, key) || !refused(t, p, "") {
			t.Error("a stranger got in")
		}
	})
	for age, expired := range map[time.Duration]bool{59 * time.Second: false, 60 * time.Second: true} {
		t.Run("of 60 s, after "+age.String(), func(t *testing.T) {
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			p := setup(t, partner.Config{Now: func() time.Time { return now }})
			token := p.mint(t, realtime.MintRequest{TTL: time.Minute})
			now = now.Add(age)
			if got := refused(t, p, token.Value.Reveal()); got != expired {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func TestMint(t *testing.T) {
	t.Run("asks for the key", func(t *testing.T) {
		p := setup(t, partner.Config{})
		response, _ := post(t, p.url+"/v1/realtime/client_secrets", "other", "application/json", `{}`)
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d", response.StatusCode)
		}
	})
	for body, want := range map[string]int{
		`{}`: 200, ``: 400, `[]`: 400, `{"session":{"type":"transcription"}}`: 400,
		`{"expires_after":{"seconds":9}}`: 400, `{"expires_after":{"seconds":10}}`: 200,
		`{"expires_after":{"seconds":7200}}`: 200, `{"expires_after":{"seconds":7201}}`: 400,
	} {
		t.Run("of "+body, func(t *testing.T) {
			p := setup(t, partner.Config{})
			response, answer := post(t, p.url+"/v1/realtime/client_secrets", key, "application/json", body)
			if response.StatusCode != want || !json.Valid([]byte(answer)) {
				t.Errorf("%d: %s", response.StatusCode, answer)
			}
		})
	}
	t.Run("fails when told", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{Mint: partner.MintKey}})
		_, err := p.client.Mint(t.Context(), realtime.MintRequest{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassKey {
			t.Errorf("got %v", err)
		}
	})
	t.Run("is slow when told, and lets go of who left", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{MintDelay: time.Hour}})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.client.Mint(ctx, realtime.MintRequest{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCallsRoute(t *testing.T) {
	p := setup(t, partner.Config{})
	calls := p.url + "/v1/realtime/calls"
	t.Run("shows the page where its call is", func(t *testing.T) {
		response, answer := post(t, calls, p.mint(t, realtime.MintRequest{}).Value.Reveal(), "application/sdp", newBrowser(t).offer())
		header := response.Header
		if header.Get("Access-Control-Allow-Origin") != origin || header.Get("Access-Control-Expose-Headers") != "Location" ||
			!strings.HasPrefix(header.Get("Location"), "/v1/realtime/calls/rtc_") || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") ||
			!strings.Contains(answer, "a=candidate:") {
			t.Errorf("%v\n%s", header, answer)
		}
	})
	t.Run("refuses what is no offer", func(t *testing.T) {
		for kind, want := range map[string]int{"application/sdp": 400, "application/json": 415} {
			response, _ := post(t, calls, p.mint(t, realtime.MintRequest{}).Value.Reveal(), kind, "v=0")
			if response.StatusCode != want {
				t.Errorf("%s: %d", kind, response.StatusCode)
			}
		}
	})
	for from, allowed := range map[string]bool{origin: true, "http://evil.example": false} {
		t.Run("preflight from "+from, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, calls, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Origin", from)
			request.Close = true
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Headers") != ""; got != allowed || response.StatusCode != http.StatusNoContent {
				t.Errorf("allowed: %v, %d", got, response.StatusCode)
			}
		})
	}
}

func TestOpenFailsWhenTheAddressIsTaken(t *testing.T) {
	var listen net.ListenConfig
	taken, err := listen.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	p := partner.New(partner.Config{UDPAddr: taken.LocalAddr().String(), Now: time.Now, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler)})
	if err := p.Open(t.Context()); err == nil {
		t.Error("it opened")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
