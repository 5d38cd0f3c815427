package realtime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
)

// knock posts an offer to the door that stands before a server without tokens.
func knock(t *testing.T, client *realtime.Client, token, kind, offer string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/realtime/calls", strings.NewReader(offer))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	client.Calls().ServeHTTP(w, request)
	return w
}

func mint(t *testing.T, client *realtime.Client, request realtime.MintRequest) realtime.Token {
	t.Helper()
	token, err := client.Mint(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

const sdp = "application/sdp"

func TestBridge(t *testing.T) {
	t.Run("opens a call at LocalAI", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Dialect: realtime.DialectLocalAI, Model: "local"},
			answer{status: 201, body: `{"sdp":"v=0 answer","session_id":"sess_1"}`})
		w := knock(t, client, mint(t, client, realtime.MintRequest{}).Value.Reveal(), sdp, "v=0 offer")
		if w.Code != http.StatusCreated || w.Body.String() != "v=0 answer" || w.Header().Get("Location") != "/v1/realtime/calls/sess_1" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		request := (*seen)[0]
		if request.path != "/v1/realtime/calls" || request.body["sdp"] != "v=0 offer" || request.body["model"] != "local" ||
			request.header.Get("Authorization") != "Bearer sk-key" {
			t.Errorf("%+v", request)
		}
	})
	t.Run("opens a call at speaches", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Dialect: realtime.DialectSpeaches, Model: "a/b"}, answer{status: 200, body: "v=0 answer"})
		w := knock(t, client, mint(t, client, realtime.MintRequest{}).Value.Reveal(), sdp, "v=0 offer")
		if w.Code != http.StatusCreated || w.Body.String() != "v=0 answer" || w.Header().Get("Location") != "" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if request := (*seen)[0]; request.path != "/v1/realtime" || request.query != "model=a%2Fb" || request.raw != "v=0 offer" {
			t.Errorf("%+v", request)
		}
	})
	t.Run("hands the page the session that such a server has to be told", func(t *testing.T) {
		for dialect, path := range map[realtime.Dialect]string{
			realtime.DialectLocalAI: "audio.input.transcription.language", realtime.DialectSpeaches: "input_audio_transcription.language",
		} {
			token := mint(t, realtime.New(realtime.Config{Dialect: dialect}), realtime.MintRequest{Language: "es-MX"})
			var session map[string]any
			if err := json.Unmarshal(token.Session, &session); err != nil {
				t.Fatal(err)
			}
			if got := at(t, session, path); got != "es" {
				t.Errorf("%s: %v in %s", dialect, got, token.Session)
			}
		}
	})
	t.Run("with the patience that was chosen, as silence", func(t *testing.T) {
		client := realtime.New(realtime.Config{Dialect: realtime.DialectSpeaches})
		for eagerness, want := range map[string]string{"low": "1200", "high": "300", "auto": "<nil>", "": "<nil>"} {
			token := mint(t, client, realtime.MintRequest{Turns: realtime.TurnDetection{Eagerness: eagerness}})
			var session map[string]any
			if err := json.Unmarshal(token.Session, &session); err != nil {
				t.Fatal(err)
			}
			turns, _ := session["turn_detection"].(map[string]any)
			if got := fmt.Sprint(turns["silence_duration_ms"]); got != want || turns["type"] != "server_vad" {
				t.Errorf("%q: %s in %s", eagerness, got, token.Session)
			}
		}
	})
	t.Run("and where tokens carry the session, nothing", func(t *testing.T) {
		client, _ := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		if token := mint(t, client, realtime.MintRequest{}); token.Session != nil || client.Calls() != nil || !client.Follows() {
			t.Errorf("%s", token.Session)
		}
	})
}

func TestBridgeRefuses(t *testing.T) {
	open := answer{status: 200, body: "v=0 answer"}
	t.Run("a token used twice", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Dialect: realtime.DialectSpeaches}, open)
		token := mint(t, client, realtime.MintRequest{}).Value.Reveal()
		knock(t, client, token, sdp, "v=0")
		if w := knock(t, client, token, sdp, "v=0"); w.Code != http.StatusUnauthorized || len(*seen) != 1 {
			t.Errorf("%d after %d requests", w.Code, len(*seen))
		}
	})
	for age, want := range map[time.Duration]int{9 * time.Second: http.StatusCreated, 10 * time.Second: http.StatusUnauthorized} {
		t.Run("a token of ten seconds after "+age.String(), func(t *testing.T) {
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			client, _ := provider(t, realtime.Config{Dialect: realtime.DialectSpeaches, Now: func() time.Time { return now }}, open)
			token := mint(t, client, realtime.MintRequest{TTL: realtime.MinTTL}).Value.Reveal()
			now = now.Add(age)
			if w := knock(t, client, token, sdp, "v=0"); w.Code != want {
				t.Errorf("%d", w.Code)
			}
		})
	}
	for name, test := range map[string]struct {
		kind, offer string
		answer      answer
		want        int
	}{
		"what is no offer":            {"application/json", "{}", open, http.StatusUnsupportedMediaType},
		"an offer of 64 KiB and one":  {sdp, strings.Repeat("v", 64<<10+1), open, http.StatusBadRequest},
		"but not one of 64 KiB":       {sdp, strings.Repeat("v", 64<<10), open, http.StatusCreated},
		"with the provider's refusal": {sdp, "v=0", answer{status: 500, body: "model sk-key"}, http.StatusBadGateway},
		"when the provider is busy":   {sdp, "v=0", answer{status: 429}, http.StatusTooManyRequests},
		"an answer that is none":      {sdp, "v=0", answer{status: 200, body: "<html>"}, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			client, seen := provider(t, realtime.Config{Dialect: realtime.DialectSpeaches}, test.answer)
			w := knock(t, client, mint(t, client, realtime.MintRequest{}).Value.Reveal(), test.kind, test.offer)
			if w.Code != test.want || strings.Contains(w.Body.String(), "sk-key") || len(*seen) > 1 {
				t.Errorf("%d %s after %d requests", w.Code, w.Body, len(*seen))
			}
		})
	}
}
