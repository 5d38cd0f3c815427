package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	door "parley/http"
)

// entry is one line of a browser's outbox.
func entry(n, atMS int, event string) map[string]any {
	return map[string]any{"n": n, "call": 1, "at_ms": atMS, "rec_ms": nil, "event": raw(event)}
}

// padded is an event of exactly so many bytes that nobody knows.
func padded(size int) string {
	const empty = `{"type":"brand.new","text":""}`
	return `{"type":"brand.new","text":"` + strings.Repeat("x", size-len(empty)) + `"}`
}

func (c *conversation) hand(entries ...map[string]any) answer {
	c.t.Helper()
	return c.must(http.StatusOK, "POST", c.path("/events"), map[string]any{"events": entries})
}

// refuseStrangeReports hands in what no provider should say; afterwards the same
// session takes a good turn, and has it.
func refuseStrangeReports(t *testing.T, ada *browser) {
	c := ada.startSession()
	c.token()
	for _, when := range []struct {
		name string
		size int
		want string
	}{
		{"an event at its limit", door.MaxReport, "[]"},
		{"an event a byte over", door.MaxReport + 1, "[map[code:too_large n:2]]"},
	} {
		t.Run(when.name, func(t *testing.T) {
			n := 1
			if when.size > door.MaxReport {
				n = 2
			}
			if got := fmt.Sprint(c.hand(entry(n, 0, padded(when.size))).json["rejected"]); got != when.want {
				t.Errorf("%s", got)
			}
		})
	}
	t.Run("an event of two megabytes", func(t *testing.T) {
		c.refuse(http.StatusRequestEntityTooLarge, "too_large", "POST", c.path("/events"), map[string]any{"events": []any{entry(3, 0, padded(2<<20))}})
	})
	t.Run("ids with control characters", func(t *testing.T) {
		got := c.hand(entry(3, 0, `{"type":"input_audio_buffer.committed","item_id":"a\u0000b","previous_item_id":null}`),
			entry(4, 0, `{"type":"conversation.item.added","previous_item_id":"x\ny","item":{"id":"z","type":"message","role":"user","content":[]}}`))
		if fmt.Sprint(got.json["rejected"]) != "[map[code:invalid n:3] map[code:invalid n:4]]" {
			t.Errorf("%s", got)
		}
	})
	t.Run("turns that follow each other in a circle", func(t *testing.T) {
		c.hand(entry(5, 10, `{"type":"input_audio_buffer.committed","item_id":"hen","previous_item_id":"egg"}`),
			entry(6, 20, `{"type":"input_audio_buffer.committed","item_id":"egg","previous_item_id":"hen"}`))
	})
	t.Run("times that run backwards", func(t *testing.T) {
		c.hand(entry(7, 900, `{"type":"input_audio_buffer.speech_stopped","audio_end_ms":100,"item_id":"hen"}`),
			entry(8, 400, `{"type":"input_audio_buffer.speech_started","audio_start_ms":700,"item_id":"hen"}`))
	})
	t.Run("a good turn after all that", func(t *testing.T) {
		c.hand(entry(9, 1000, `{"type":"input_audio_buffer.committed","item_id":"good","previous_item_id":"egg"}`),
			entry(10, 1100, `{"type":"conversation.item.input_audio_transcription.completed","item_id":"good","content_index":0,"transcript":"Still here."}`))
		c.must(http.StatusOK, "POST", c.path("/end"), map[string]any{"reason": "learner", "recording_expected": false, "last_n": 10})
		c.saved()
		var turns []string
		for _, s := range c.must(http.StatusOK, "GET", c.path(""), nil).json["segments"].([]any) {
			turn := s.(map[string]any)
			turns = append(turns, fmt.Sprint(turn["item_id"], " ", turn["text"]))
			started, ended := turn["started_ms"], turn["ended_ms"]
			if started != nil && ended != nil && started.(float64) > ended.(float64) {
				t.Errorf("%v ends before it starts", turn)
			}
		}
		if len(turns) != 3 || turns[2] != "good Still here." {
			t.Errorf("%q", turns)
		}
	})
}

// TestReportsEndWithTheirSignIn hands in reports, whose admission stands for a while,
// and again when the sign-in has ended: elsewhere as soon as it is told, here at once.
func TestReportsEndWithTheirSignIn(t *testing.T) {
	here := start(t, t.TempDir())
	there := here.beside(t)
	ada := here.setUp(t)
	elsewhere := signIn(t, here.base, "ada@example.org")
	elsewhere.base, elsewhere.cookie = there.base, rename(elsewhere.cookie, there.base)
	c := ada.silentSession()
	far := &conversation{browser: elsewhere, id: c.id}
	far.report()
	told := elsewhere.listen(there)
	again := map[string]any{"events": reports()}

	ada.must(http.StatusNoContent, "DELETE", "/api/me/browsers", nil)
	told.ends("this browser was signed out")
	elsewhere.refuse(http.StatusUnauthorized, "unauthenticated", "POST", c.path("/events"), again)
	c.report()
	ada.must(http.StatusNoContent, "POST", "/api/sign-out", nil)
	ada.refuse(http.StatusUnauthorized, "unauthenticated", "POST", c.path("/events"), again)
}
