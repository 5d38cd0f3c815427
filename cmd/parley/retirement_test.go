package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// The program warns when it starts, from some day on until the model is replaced.
func TestWarnOfRetirement(t *testing.T) {
	off := time.Date(2027, time.January, 20, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		dialect realtime.Dialect
		model   string
		now     time.Time
		warns   bool
	}{
		"a day too early":    {realtime.DialectOpenAI, "gpt-realtime-mini", off.AddDate(0, 0, -retirementNear-1), false},
		"from that day on":   {realtime.DialectOpenAI, "gpt-realtime-mini", off.AddDate(0, 0, -retirementNear), true},
		"when it is gone":    {realtime.DialectOpenAI, "gpt-realtime-mini", off.AddDate(0, 0, 1), true},
		"not of another":     {realtime.DialectOpenAI, "gpt-realtime-2.1-mini", off, false},
		"not of a partner's": {realtime.DialectPartner, "gpt-realtime-mini", off, false},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			client := realtime.New(realtime.Config{Dialect: c.dialect, Model: c.model, TranscriptionModel: "gpt-live-transcribe"})
			warnOfRetirement(client, c.now, slog.New(slog.NewTextHandler(&said, nil)))
			warned := strings.Contains(said.String(), "level=WARN") && strings.Contains(said.String(), "2027-01-20") && strings.Contains(said.String(), "source=")
			if warned != c.warns || !c.warns && said.Len() > 0 {
				t.Errorf("said %s", &said)
			}
		})
	}
}

// A command is often started without the environment of the program.
func TestModelsAreThoseOfTheInstance(t *testing.T) {
	p := start(t, t.TempDir(), "OPENAI_API_KEY=sk-none", "PARLEY_MODEL=gpt-realtime", "PARLEY_TRANSCRIPTION_MODEL=whisper-1")
	ada := p.setUp(t)
	s := tell[state](t, exitOK, "status", "--data", p.dir, "--json")
	if len(s.Retiring) != 2 || !strings.Contains(s.Retiring[0], "gpt-realtime ") || !strings.Contains(s.Retiring[1], "whisper-1 ") {
		t.Errorf("the command says %q", s.Retiring)
	}
	a := ada.must(http.StatusOK, "GET", "/api/ops/status", nil)
	if told := a.json["retiring"].([]any); len(told) != 2 || told[0] != s.Retiring[0] || told[1] != s.Retiring[1] {
		t.Errorf("the API says %v, the command %q", told, s.Retiring)
	}
	if said := retiring(nil, time.Now()); said != nil {
		t.Errorf("of an instance that does not say what it uses: %q", said)
	}
	p.stop()
}

func TestPricesAreThoseOfTheInstance(t *testing.T) {
	url := aPartner(t, partner.Config{Key: "sk-partner"})
	env := []string{"OPENAI_API_KEY=sk-partner", "PARLEY_REALTIME_URL=" + url, "PARLEY_REALTIME_DIALECT=partner", "PARLEY_SHOW_COST=1", "PARLEY_MODEL=gpt-realtime-mini"}
	p := start(t, t.TempDir(), append(env, "PARLEY_TRANSCRIPTION_MODEL=gpt-4o-mini-transcribe")...)
	ada := p.setUp(t)
	c := ada.startSession()
	c.token()
	c.must(http.StatusOK, "POST", c.path("/events"), map[string]any{"events": []map[string]any{
		{"n": 1, "call": 1, "at_ms": 100, "event": raw(`{"type":"parley.call_connected","since_click_ms":80}`)},
		{"n": 2, "call": 1, "at_ms": 200, "event": raw(`{"type":"response.done","response":{"id":"r1","status":"completed","usage":{"input_tokens":211,"output_tokens":97,"output_token_details":{"audio_tokens":97}}}}`)},
		{"n": 3, "call": 1, "at_ms": 300, "event": raw(`{"type":"conversation.item.input_audio_transcription.completed","item_id":"l1","content_index":0,"transcript":"Two","usage":{"type":"tokens","input_tokens":50,"input_token_details":{"audio_tokens":50},"output_tokens":7,"total_tokens":57}}`)},
	}})
	at := p.lastPosition(t)
	c.must(http.StatusOK, "GET", c.path("?min_position="+at.String()), nil)
	t.Setenv("PARLEY_TRANSCRIPTION_MODEL", "of-nobody")
	cost := func(t *testing.T) float64 {
		t.Helper()
		s := tell[listed](t, exitOK, "sessions", "--data", p.dir, "--json")
		if s.Usage == nil || s.Usage.Tokens["input"] != 261 || s.Usage.Cost == nil {
			t.Fatalf("%+v of %+v", s.Usage, s)
		}
		return s.Usage.Cost.Amount
	}
	then := cost(t)
	p.stop()
	p = start(t, p.dir, append(env, "PARLEY_TRANSCRIPTION_MODEL=gpt-4o-transcribe")...)
	ada.base, ada.cookie = p.base, rename(ada.cookie, p.base)
	t.Run("and of a session those of its start", func(t *testing.T) {
		told := c.must(http.StatusOK, "GET", c.path(""), nil).json["usage"].(map[string]any)["cost"].(map[string]any)["amount"]
		if now := cost(t); now != then || told != then {
			t.Errorf("it cost %v, and now the operator is told %v and the learner %v", then, now, told)
		}
	})
	p.stop()
}
