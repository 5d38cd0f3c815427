package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/events"
)

// TestRefusals asks one program for what it must not do; each refusal has its
// documented code, and costs nothing that was good.
func TestRefusals(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	addAccount(t, p.dir, "berk@example.org", "learner")
	addAccount(t, p.dir, "olga@example.org", "operator")
	berk := signIn(t, p.base, "berk@example.org")
	c := ada.startSession()
	c.token()

	t.Run("account", func(t *testing.T) { refuseAccounts(t, p) })
	t.Run("body", func(t *testing.T) { refuseBodies(t, c) })
	t.Run("reports", func(t *testing.T) { refuseReports(t, c) })
	t.Run("strange reports", func(t *testing.T) { refuseStrangeReports(t, ada) })
	t.Run("another's session is not there", func(t *testing.T) { refuseForeign(t, c, berk) })
	t.Run("an operator does not practise", func(t *testing.T) {
		olga := signIn(t, p.base, "olga@example.org")
		topic := olga.must(http.StatusOK, "GET", "/api/topics", nil).json["topics"].([]any)[0].(map[string]any)["id"]
		olga.refuse(http.StatusForbidden, "forbidden", "POST", "/api/sessions", map[string]any{"topic_id": topic})
	})
	t.Run("edges", func(t *testing.T) { refuseAtTheEdge(t, p, ada) })
	t.Run("upload", func(t *testing.T) { refuseUploads(t, ada) })
	t.Run("ended", func(t *testing.T) {
		c.end()
		c.refuse(http.StatusConflict, "ended", "POST", c.path("/token"), nil)
	})
}

func (b *browser) refuse(status int, code, method, path string, body any, headers ...string) {
	b.t.Helper()
	if a := b.do(method, path, body, headers...); a.status != status || a.code() != code {
		b.t.Errorf("%s %s: got %s, want %d %s", method, path, a, status, code)
	}
}

func refuseAccounts(t *testing.T, p *program) {
	nobody := newBrowser(t, p.base)
	first := map[string]string{"code": p.code, "email": "eve@example.org", "password": password}
	nobody.refuse(http.StatusForbidden, "forbidden", "POST", "/api/setup", first)
	nobody.refuse(http.StatusUnauthorized, "unauthenticated", "GET", "/api/me", nil)
	nobody.refuse(http.StatusUnauthorized, "unauthenticated", "GET", "/api/topics", nil, "Cookie", "parley_1=x")
	wrong := map[string]string{"email": "ada@example.org", "password": "not the password"}
	unknown := map[string]string{"email": "nobody@example.org", "password": password}
	for _, who := range []map[string]string{wrong, unknown} {
		nobody.refuse(http.StatusUnauthorized, "unauthenticated", "POST", "/api/sign-in", who)
	}
	for _, args := range [][]string{
		{"--email", "ada@example.org", "--role", "learner", "--password-stdin"}, // taken
		{"--email", "no address", "--role", "learner", "--password-stdin"},
		{"--email", "x@example.org", "--role", "queen", "--password-stdin"},
		{"--email", "x@example.org", "--role", "learner"},
	} {
		_, errs, code := invoke(t, password, append([]string{"account", "add", "--data", p.dir}, args...)...)
		if code == exitOK || strings.Count(errs, "\n") == 0 {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	for _, bad := range []string{"a1b2c3d4e", strings.Repeat("a1b2", 50) + "x"} {
		if _, _, code := invoke(t, bad, "account", "add", "--data", p.dir, "--email", "x@example.org", "--role", "learner", "--password-stdin"); code == exitOK {
			t.Errorf("a password of %d characters is taken", len(bad))
		}
	}
	for i, allowed := range []string{"a1b2c3d4e5", strings.Repeat("a1b2", 50)} {
		if _, errs, code := invoke(t, allowed, "account", "add", "--data", p.dir, "--email", fmt.Sprintf("x%d@example.org", i), "--role", "learner", "--password-stdin"); code != exitOK {
			t.Errorf("a password of %d characters: %s", len(allowed), errs)
		}
	}
}

func refuseBodies(t *testing.T, c *conversation) {
	c.refuse(http.StatusBadRequest, "invalid", "POST", "/api/sessions", "not json")
	c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", "/api/sessions", map[string]any{"topic_id": 7})
	c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", "/api/sessions", map[string]any{"topic_id": "x"})
	c.refuse(http.StatusNotFound, "not_found", "POST", "/api/sessions", map[string]any{"topic_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"})
	c.refuse(http.StatusUnsupportedMediaType, "unsupported_type", "POST", "/api/sessions", "<x/>", "Content-Type", "text/xml")
	c.refuse(http.StatusRequestEntityTooLarge, "too_large", "POST", "/api/topics", `{"title":"`+strings.Repeat("x", 2<<20)+`"}`)
	c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", c.path("/end"), map[string]any{"reason": "bored", "recording_expected": true, "last_n": 1})
	c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", c.path("/end"), map[string]any{"reason": "learner", "recording_expected": true, "last_n": -1})
	c.refuse(http.StatusNotFound, "not_found", "GET", "/api/nothing", nil)
	c.refuse(http.StatusNotFound, "not_found", "GET", "/api/sessions/not-a-ulid", nil)
	c.refuse(http.StatusUnprocessableEntity, "invalid", "GET", c.path("?min_position=7"), nil)
	c.refuse(http.StatusUnprocessableEntity, "invalid", "GET", "/api/sessions?cursor=7", nil)
}

func refuseReports(t *testing.T, c *conversation) {
	mixed := `{"events":["garbage",{"n":1,"call":1,"at_ms":0,"rec_ms":null,"event":"no object"},
		{"n":2,"call":7,"at_ms":0,"rec_ms":null,"event":{"type":"response.created","response":{"id":"r"}}},
		{"n":3,"call":1,"at_ms":0,"rec_ms":null,"event":{"type":"parley.recording_started"}}]}`
	a := c.must(http.StatusOK, "POST", c.path("/events"), mixed)
	if a.json["accepted"] != 1.0 || a.json["received_through"] != 3.0 {
		t.Errorf("the good one is not kept: %s", a)
	}
	if got := fmt.Sprint(a.json["rejected"]); got != "[map[code:invalid n:0] map[code:invalid n:1] map[code:unknown_call n:2]]" {
		t.Errorf("the bad ones are not named: %s", got)
	}
	again := c.must(http.StatusOK, "POST", c.path("/events"), mixed)
	if again.json["duplicates"] != 3.0 || again.json["accepted"] != 0.0 {
		t.Errorf("repeated: %s", again)
	}
	many := func(n int) string {
		entry := `{"n":4,"call":1,"at_ms":0,"rec_ms":null,"event":{"type":"rate_limits.updated"}}`
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(entry+",", n), ",") + `]}`
	}
	c.must(http.StatusOK, "POST", c.path("/events"), many(500))
	c.refuse(http.StatusRequestEntityTooLarge, "too_large", "POST", c.path("/events"), many(501))
	c.refuse(http.StatusRequestEntityTooLarge, "too_large", "POST", c.path("/events"), many(20_000))
	c.refuse(http.StatusUnprocessableEntity, "invalid", "POST", c.path("/events"), `{"events":[`)
	c.refuse(http.StatusNotFound, "not_found", "POST", "/api/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV/events", many(1))
}

func refuseForeign(t *testing.T, c *conversation, other *browser) {
	for _, route := range [][2]string{
		{"GET", ""}, {"DELETE", ""}, {"POST", "/token"}, {"GET", "/audio"},
		{"GET", "/transcript.json"}, {"GET", "/transcript.vtt"}, {"GET", "/transcript.txt"},
		{"POST", "/upload/01ARZ3NDEKTSV4RRFFQ69G5FAV/complete"}, {"PUT", "/upload/01ARZ3NDEKTSV4RRFFQ69G5FAV/1"},
	} {
		other.refuse(http.StatusNotFound, "not_found", route[0], c.path(route[1]), nil)
	}
	other.refuse(http.StatusNotFound, "not_found", "POST", c.path("/events"), map[string]any{"events": reports()})
	other.refuse(http.StatusNotFound, "not_found", "POST", c.path("/end"), map[string]any{"reason": "learner", "recording_expected": false, "last_n": 0})
	other.refuse(http.StatusNotFound, "not_found", "POST", c.path("/upload"), announced(100, "audio/webm"))
	topic := c.must(http.StatusOK, "GET", c.path(""), nil).text("topic", "id")
	other.refuse(http.StatusConflict, "conflict", "POST", "/api/sessions", map[string]any{"topic_id": topic, "id": c.id})
	if again := c.must(http.StatusCreated, "POST", "/api/sessions", map[string]any{"topic_id": topic, "id": c.id}); again.text("id") != c.id {
		t.Errorf("her own id again: %s", again)
	}
}

func refuseAtTheEdge(t *testing.T, p *program, ada *browser) {
	ada.refuse(http.StatusForbidden, "cross_origin", "POST", "/api/sign-out", nil, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
	page := ada.must(http.StatusOK, "GET", "/", nil)
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy: %s", policy)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Permissions-Policy": "microphone=(self), camera=(), display-capture=(), geolocation=(), payment=(), usb=()"} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := stay.Get(strings.Replace(p.base, "127.0.0.1", "localhost", 1) + "/topics?x=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Location"); got != p.base+"/topics?x=1" {
		t.Errorf("localhost is sent to %q", got)
	}
}

func announced(size int64, contentType string) map[string]any {
	return map[string]any{"size": size, "sha256": strings.Repeat("ab", 32), "content_type": contentType, "duration_ms": 1000}
}

func refuseUploads(t *testing.T, ada *browser) {
	c := ada.startSession()
	const most = 256 << 20
	for _, bad := range []struct {
		status int
		code   string
		body   map[string]any
	}{
		{http.StatusRequestEntityTooLarge, "too_large", announced(most+1, "audio/webm")},
		{http.StatusUnprocessableEntity, "too_small", announced(31, "audio/webm")},
		{http.StatusUnsupportedMediaType, "unsupported_type", announced(100, "video/mp4")},
		{http.StatusUnprocessableEntity, "invalid", map[string]any{"size": 100, "sha256": "xyz", "content_type": "audio/webm", "duration_ms": 1}},
	} {
		c.refuse(bad.status, bad.code, "POST", c.path("/upload"), bad.body)
	}
	for _, good := range []map[string]any{announced(most, "audio/webm"), announced(32, "audio/mp4")} {
		c.must(http.StatusOK, "POST", c.path("/upload"), good)
	}
	recording := sample(t)
	c.announce(recording)
	c.refuse(http.StatusConflict, "conflict", "POST", c.path("/upload/"+c.upload+"/complete"), nil)
	t.Run("the store refuses what was not signed", func(t *testing.T) {
		for name, wrong := range map[string][]byte{
			"longer": append(bytes.Clone(recording), 0), "shorter": recording[1:], "other": bytes.Repeat([]byte{7}, len(recording)),
		} {
			if a := c.put(wrong); a.status < 400 {
				t.Errorf("%s: %s", name, a)
			}
		}
	})
	t.Run("the backend makes the same checks", func(t *testing.T) { refuseBackendUploads(t, c, recording) })
	t.Run("repeated is looked at, and complete", func(t *testing.T) {
		if a := c.put(recording); a.status != http.StatusPreconditionFailed {
			t.Errorf("second use: %s", a)
		}
		for range 2 {
			c.must(http.StatusOK, "POST", c.path("/upload/"+c.upload+"/complete"), nil)
		}
	})
	t.Run("a file that is no recording is rejected with a reason", func(t *testing.T) { rejectGarbage(t, ada) })
}

func refuseBackendUploads(t *testing.T, c *conversation, recording []byte) {
	part := c.path("/upload/" + c.upload + "/1")
	webm := []string{"Content-Type", "audio/webm;codecs=opus"}
	c.refuse(http.StatusUnsupportedMediaType, "unsupported_type", "PUT", part, recording)
	c.refuse(http.StatusRequestEntityTooLarge, "too_large", "PUT", part, append(bytes.Clone(recording), 0), webm...)
	c.refuse(http.StatusUnprocessableEntity, "too_small", "PUT", part, recording[1:], webm...)
	c.refuse(http.StatusUnprocessableEntity, "checksum_mismatch", "PUT", part, bytes.Repeat([]byte{7}, len(recording)), webm...)
	c.refuse(http.StatusNotFound, "not_found", "PUT", c.path("/upload/"+c.upload+"/2"), recording, webm...)
	c.must(http.StatusNoContent, "PUT", part, recording, webm...)
	c.refuse(http.StatusPreconditionFailed, "already_stored", "PUT", part, recording, webm...)
}

func rejectGarbage(t *testing.T, ada *browser) { ada.refused(t) }

// refused is a session whose recording is none.
func (b *browser) refused(t *testing.T) *conversation {
	t.Helper()
	c := b.startSession()
	garbage := bytes.Repeat([]byte("no sound "), 100)
	sum := sha256.Sum256(garbage)
	a := c.must(http.StatusOK, "POST", c.path("/upload"), map[string]any{"size": len(garbage), "sha256": hex.EncodeToString(sum[:]), "content_type": "audio/webm", "duration_ms": 900})
	c.upload, c.parts = a.text("upload_id"), a.json["parts"].([]any)
	if a := c.put(garbage); a.status != http.StatusOK {
		t.Fatalf("put: %s", a)
	}
	c.must(http.StatusOK, "POST", c.path("/end"), map[string]any{"reason": "learner", "recording_expected": true, "last_n": 0})
	changed := c.watch()
	c.must(http.StatusOK, "POST", c.path("/upload/"+c.upload+"/complete"), nil)
	c.until("needs_attention", changed, func() bool {
		s := c.must(http.StatusOK, "GET", c.path(""), nil)
		return s.text("status") == "needs_attention" && s.text("reason") == "wrong_format"
	})
	return c
}

func TestServeRefuses(t *testing.T) {
	p := start(t, t.TempDir())
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"a second instance", []string{"--data", p.dir, "--addr", "127.0.0.1:0"}, []string{p.dir}},
		{"a port that is taken", []string{"--data", t.TempDir(), "--addr", busy.Addr().String()}, []string{busy.Addr().String(), "--addr"}},
		{"a data folder that is a file", []string{"--data", file, "--addr", "127.0.0.1:0"}, []string{file}},
		{"a role that there is not", []string{"--data", t.TempDir(), "--roles", "web,cook"}, []string{"cook"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, errs, code := invoke(t, "", append([]string{"serve"}, test.args...)...)
			if code == exitOK || out != "" || len(strings.Split(strings.TrimSpace(errs), "\n")) != 1 {
				t.Fatalf("exit %d, %q, %q", code, out, errs)
			}
			for _, want := range test.want {
				if !strings.Contains(errs, want) {
					t.Errorf("%q does not name %q", errs, want)
				}
			}
		})
	}
	t.Run("every wrong variable at once", func(t *testing.T) {
		t.Setenv("PARLEY_UPLOAD_MAX", "many")
		t.Setenv("PARLEY_MODLE", "x")
		_, errs, code := invoke(t, "", "serve", "--data", t.TempDir())
		if code == exitOK || !strings.Contains(errs, "PARLEY_UPLOAD_MAX") || !strings.Contains(errs, "PARLEY_MODLE") {
			t.Fatalf("exit %d, %q", code, errs)
		}
	})
}

func TestCommands(t *testing.T) {
	p := start(t, t.TempDir())
	ada := p.setUp(t)
	c := ada.startSession()
	c.token()
	c.report()
	c.must(http.StatusOK, "POST", c.path("/events"), map[string]any{"events": []map[string]any{{"n": len(reports()) + 1, "call": 1, "at_ms": 2000, "event": raw(
		`{"type":"response.done","response":{"id":"r1","status":"completed","usage":{"input_tokens":211,"output_tokens":97,"output_token_details":{"audio_tokens":97}}}}`)}}})
	t.Run("sessions", func(t *testing.T) {
		out, errs, code := invoke(t, "", "sessions", "--data", p.dir)
		if code != exitOK || !strings.Contains(out, c.id) || !strings.Contains(out, "active") || !strings.Contains(out, "211/97") {
			t.Fatalf("%s%s", out, errs)
		}
	})
	t.Run("sessions tell what was used, as JSON", func(t *testing.T) {
		if s := tell[listed](t, exitOK, "sessions", "--data", p.dir, "--json"); s.ID != events.SessionID(c.id) || s.Usage == nil || s.Usage.Tokens["output_audio"] != 97 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("status tells nothing of models that only this shell names", func(t *testing.T) {
		t.Setenv("OPENAI_API_KEY", "sk-none")
		if s := tell[state](t, exitOK, "status", "--data", p.dir, "--json"); len(s.Retiring) != 0 {
			t.Errorf("%q", s.Retiring)
		}
	})
	t.Run("replay shows what happened and not a word of it", func(t *testing.T) {
		for _, args := range [][]string{{}, {"--json"}} {
			out, errs, code := invoke(t, "", append(append([]string{"replay", "--data", p.dir}, args...), c.id)...)
			if code != exitOK || !strings.Contains(out, "segment_transcribed") {
				t.Fatalf("%s%s", out, errs)
			}
			if strings.Contains(out, "marzipan") {
				t.Fatal("the replay quotes the learner")
			}
		}
	})
	t.Run("replay shows the session as it was, and what changed since", func(t *testing.T) {
		out, errs, code := invoke(t, "", "replay", c.id, "--data", p.dir, "--json", "--until", time.Now().UTC().Format(time.RFC3339Nano))
		var now past
		if err := json.Unmarshal([]byte(out), &now); err != nil || code != exitOK || now.Status != "active" || len(now.Segments) != 2 {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		out, errs, code = invoke(t, "", "replay", c.id, "--data", p.dir, "--diff", "p1", now.Position.String())
		if code != exitOK || !strings.Contains(out, "segments.1/l1.status") || strings.Contains(out, "marzipan") {
			t.Fatalf("%s%s", out, errs)
		}
	})
	t.Run("status", func(t *testing.T) {
		out, errs, code := invoke(t, "", "status", "--data", p.dir, "--json")
		if code != exitOK || !strings.Contains(out, `"lag":0`) || !strings.Contains(out, `"active":1`) {
			t.Fatalf("%s%s", out, errs)
		}
	})
	t.Run("what is wrong is said, with an exit code", func(t *testing.T) {
		for want, args := range map[int][]string{
			exitUsage:  {"replai"},
			exitFailed: {"replay", "--data", p.dir, "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
		} {
			if _, errs, code := invoke(t, "", args...); code != want || errs == "" {
				t.Errorf("%v: exit %d, %q", args, code, errs)
			}
		}
		if _, errs, code := invoke(t, "", "status", "--data", t.TempDir()); code != exitUnreachable || !strings.Contains(errs, "no Parley is running") {
			t.Errorf("exit %d, %q", code, errs)
		}
	})
}
