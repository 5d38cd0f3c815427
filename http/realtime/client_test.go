package realtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
)

const minted = `{"value":"ek_secret","expires_at":1784852564,"session":{"type":"realtime"}}`

// answer is what the provider's side of a test gives to one request.
type answer struct {
	status int
	body   string
	header map[string]string
}

// asked is a request as the provider saw it.
type asked struct {
	path   string
	query  string
	header http.Header
	raw    string
	body   map[string]any
}

// provider answers the given answers in turn, the last one for ever.
func provider(t *testing.T, config realtime.Config, answers ...answer) (*realtime.Client, *[]asked) {
	t.Helper()
	var seen []asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		request := asked{path: r.URL.Path, query: r.URL.RawQuery, header: r.Header}
		if request.raw = string(raw); r.Header.Get("Content-Type") == "application/json" {
			err = errors.Join(err, json.Unmarshal(raw, &request.body))
		}
		if err != nil {
			t.Errorf("request: %v", err)
		}
		given := answers[min(len(seen), len(answers)-1)]
		seen = append(seen, request)
		for name, value := range given.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(given.status)
		fmt.Fprint(w, given.body)
	}))
	t.Cleanup(server.Close)
	config.BaseURL, config.APIKey = server.URL+"/v1/", "sk-key"
	return realtime.New(config), &seen
}

func at(t *testing.T, body map[string]any, path string) any {
	t.Helper()
	var value any = body
	for _, name := range strings.Split(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("%s: %v is no object", path, value)
		}
		if value, ok = object[name]; !ok {
			return "absent"
		}
	}
	return value
}

func TestMint(t *testing.T) {
	t.Run("gives the token and where to use it", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		token, err := client.Mint(t.Context(), realtime.MintRequest{SafetyIdentifier: "hash"})
		if err != nil {
			t.Fatal(err)
		}
		if token.Value.Reveal() != "ek_secret" || token.Model != "gpt-realtime-mini" ||
			!token.ExpiresAt.Equal(time.Unix(1784852564, 0)) || !strings.HasSuffix(token.CallsURL, "/v1/realtime/calls") {
			t.Errorf("token: %+v", token)
		}
		request := (*seen)[0]
		if request.path != "/v1/realtime/client_secrets" || request.header.Get("Authorization") != "Bearer sk-key" ||
			request.header.Get("OpenAI-Safety-Identifier") != "hash" {
			t.Errorf("request: %+v", request)
		}
	})
	t.Run("asks for what the session needs", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		_, err := client.Mint(t.Context(), realtime.MintRequest{
			Instructions: "Be kind.", Language: "es-MX", Speed: 0.8, PromptID: "topic",
			Turns: realtime.TurnDetection{Eagerness: "low"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]any{
			"expires_after.seconds":                        600.0,
			"session.type":                                 "realtime",
			"session.instructions":                         "Be kind.",
			"session.prompt":                               "absent",
			"session.audio.input.transcription.model":      "gpt-4o-mini-transcribe",
			"session.audio.input.transcription.language":   "es",
			"session.audio.input.turn_detection.type":      "semantic_vad",
			"session.audio.input.turn_detection.eagerness": "low",
			"session.audio.output.voice":                   "marin",
			"session.audio.output.speed":                   0.8,
		} {
			if got := at(t, (*seen)[0].body, path); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
	})
	t.Run("says null for push-to-talk", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{Turns: realtime.TurnDetection{Mode: realtime.TurnsByHand}}); err != nil {
			t.Fatal(err)
		}
		if got := at(t, (*seen)[0].body, "session.audio.input.turn_detection"); got != nil {
			t.Errorf("turn_detection is %v", got)
		}
	})
	t.Run("names the prompt only where it is understood", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Dialect: realtime.DialectPartner}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{PromptID: "topic"}); err != nil {
			t.Fatal(err)
		}
		if got := at(t, (*seen)[0].body, "session.prompt.id"); got != "topic" {
			t.Errorf("prompt is %v", got)
		}
	})
	t.Run("merges the operator's own parameters, which win", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Session: json.RawMessage(`{
			"max_output_tokens": 500, "audio": {"input": {"noise_reduction": null}, "output": {"voice": "cedar"}}}`)},
			answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{Language: "es"}); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]any{
			"session.max_output_tokens":                  500.0,
			"session.audio.input.noise_reduction":        nil,
			"session.audio.input.transcription.language": "es",
			"session.audio.output.voice":                 "cedar",
		} {
			if got := at(t, (*seen)[0].body, path); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
	})
	t.Run("fails when these are no object", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Session: json.RawMessage(`[1]`)}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{}); err == nil || len(*seen) != 0 {
			t.Errorf("got %v after %d requests", err, len(*seen))
		}
	})
	t.Run("puts the mark where the call will echo it", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{Instructions: "Be kind.", Mark: "m4rk-_"}); err != nil {
			t.Fatal(err)
		}
		echo, err := json.Marshal(map[string]any{"type": "session.updated", "session": (*seen)[0].body["session"]})
		if err != nil {
			t.Fatal(err)
		}
		event, err := realtime.Decode(echo)
		if described, _ := event.Body.(realtime.SessionDescribed); err != nil || described.Mark != "m4rk-_" {
			t.Errorf("%+v, %v", described, err)
		}
	})
	t.Run("shows the key as Azure wants it", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{Auth: realtime.AuthAPIKey}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{}); err != nil {
			t.Fatal(err)
		}
		if header := (*seen)[0].header; header.Get("api-key") != "sk-key" || header.Get("Authorization") != "" {
			t.Errorf("header: %v", header)
		}
	})
	for ttl, want := range map[time.Duration]float64{
		9 * time.Second: 10, 10 * time.Second: 10, 11 * time.Second: 11,
		7199 * time.Second: 7199, 7200 * time.Second: 7200, 7201 * time.Second: 7200,
	} {
		t.Run(fmt.Sprintf("brings %v within the provider's limits", ttl), func(t *testing.T) {
			client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
			if _, err := client.Mint(t.Context(), realtime.MintRequest{TTL: ttl}); err != nil {
				t.Fatal(err)
			}
			if got := at(t, (*seen)[0].body, "expires_after.seconds"); got != want {
				t.Errorf("%v seconds, want %v", got, want)
			}
		})
	}
}

func TestMintFailsWithItsClass(t *testing.T) {
	for name, test := range map[string]struct {
		answer    answer
		want      realtime.Class
		retryable bool
		requests  int
	}{
		"quota":             {answer{status: 429, body: `{"error":{"code":"insufficient_quota"}}`}, realtime.ClassQuota, false, 1},
		"rate":              {answer{status: 429, body: `{"error":{"type":"rate_limit_exceeded"}}`}, realtime.ClassRate, true, 1},
		"key":               {answer{status: 401, body: `{"error":{"message":"Incorrect API key provided: sk-key","code":"invalid_api_key"}}`}, realtime.ClassKey, false, 1},
		"model gone":        {answer{status: 404, body: `{"error":{"code":"model_not_found"}}`}, realtime.ClassModelGone, false, 1},
		"deployment gone":   {answer{status: 404, body: `{"error":{"code":"DeploymentNotFound"}}`}, realtime.ClassModelGone, false, 1},
		"trouble, twice":    {answer{status: 503, body: `<html>`}, realtime.ClassUnknown, true, 2},
		"billing":           {answer{status: 400, body: `{"error":{"code":"billing_hard_limit_reached"}}`}, realtime.ClassQuota, false, 1},
		"gone":              {answer{status: 410, body: ``}, realtime.ClassModelGone, false, 1},
		"no rights":         {answer{status: 403, body: ``}, realtime.ClassKey, false, 1},
		"a redirect":        {answer{status: 302, body: ``}, realtime.ClassUnknown, false, 1},
		"no secret":         {answer{status: 200, body: `{"expires_at":1784852564}`}, realtime.ClassUnknown, false, 1},
		"no expiry":         {answer{status: 200, body: `{"value":"ek_secret"}`}, realtime.ClassUnknown, false, 1},
		"no JSON":           {answer{status: 200, body: `ek_secret`}, realtime.ClassUnknown, false, 1},
		"a code with prose": {answer{status: 400, body: `{"error":{"code":"your key sk-key is bad"}}`}, realtime.ClassUnknown, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			client, seen := provider(t, realtime.Config{}, test.answer)
			_, err := client.Mint(t.Context(), realtime.MintRequest{})
			var failure *realtime.Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v", err)
			}
			if failure.Class != test.want || failure.Retryable != test.retryable || failure.Status != test.answer.status {
				t.Errorf("got %+v", failure)
			}
			if len(*seen) != test.requests {
				t.Errorf("%d requests, want %d", len(*seen), test.requests)
			}
			if strings.Contains(err.Error(), "sk-key") || strings.Contains(err.Error(), "ek_secret") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
	t.Run("and tells the operator all but the secrets", func(t *testing.T) {
		client, _ := provider(t, realtime.Config{}, answer{
			status: 429, header: map[string]string{"X-Request-Id": "req_1", "Retry-After": "7"},
			body: `{"error":{"code":"rate_limit_exceeded","message":"Too many\nfor sk-key and sk-proj-****abcd, org abcdefghijklmnopqrstuvwx"}}`,
		})
		_, err := client.Mint(t.Context(), realtime.MintRequest{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.RetryAfter != 7*time.Second {
			t.Errorf("got %+v", failure)
		}
		want := "realtime: mint: rate (status 429 rate_limit_exceeded): Too many for [redacted] and [redacted], org [redacted] [request req_1]"
		if err.Error() != want {
			t.Errorf("got %q", err)
		}
	})
	t.Run("network", func(t *testing.T) {
		client := realtime.New(realtime.Config{BaseURL: "http://127.0.0.1:1/v1", APIKey: "sk-key"})
		_, err := client.Mint(t.Context(), realtime.MintRequest{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassNetwork || !failure.Retryable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("not when the second try succeeds", func(t *testing.T) {
		client, _ := provider(t, realtime.Config{}, answer{status: 500, body: ``}, answer{status: 200, body: minted})
		if _, err := client.Mint(t.Context(), realtime.MintRequest{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("at once when the caller has left", func(t *testing.T) {
		client, seen := provider(t, realtime.Config{}, answer{status: 200, body: minted})
		ctx, leave := context.WithCancel(t.Context())
		leave()
		if _, err := client.Mint(ctx, realtime.MintRequest{}); !errors.Is(err, context.Canceled) || len(*seen) != 0 {
			t.Errorf("got %v after %d requests", err, len(*seen))
		}
	})
}

func TestHangUp(t *testing.T) {
	for name, test := range map[string]struct {
		answer answer
		want   realtime.Class
	}{
		"ends the call":                    {answer{status: 200, body: ``}, ""},
		"is content with a call long over": {answer{status: 404, body: `{"error":{"code":"call_id_not_found"}}`}, ""},
		"fails on any other 404":           {answer{status: 404, body: `not here`}, realtime.ClassUnknown},
		"fails on a bad key":               {answer{status: 401, body: ``}, realtime.ClassKey},
	} {
		t.Run(name, func(t *testing.T) {
			client, seen := provider(t, realtime.Config{}, test.answer)
			err := client.HangUp(t.Context(), "rtc_1")
			var failure *realtime.Error
			if errors.As(err, &failure); (err == nil) != (test.want == "") || (err != nil && failure.Class != test.want) {
				t.Errorf("got %v", err)
			}
			if path := (*seen)[0].path; path != "/v1/realtime/calls/rtc_1/hangup" {
				t.Errorf("path %s", path)
			}
		})
	}
}

func TestSecretIsNotSeen(t *testing.T) {
	token := realtime.Token{Value: realtime.NewSecret("ek_secret")}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, token, token.Value)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("minted", "token", token, "value", token.Value)
	slog.New(slog.NewTextHandler(&out, nil)).Info("minted", "token", token, "value", token.Value)
	if err := json.NewEncoder(&out).Encode(token); err != nil {
		t.Fatal(err)
	}
	if hex := fmt.Sprintf("%x", "ek_secret"); strings.Contains(out.String(), "secret") || strings.Contains(out.String(), hex) {
		t.Error(out.String())
	}
}
