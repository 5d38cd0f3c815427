package partner_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

func TestCallHearsASpokenLineAndAnswersIt(t *testing.T) {
	p := setup(t, partner.Config{})
	b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel}))
	described, _ := until[realtime.SessionDescribed](b)
	if described.PrefixPaddingMS == nil || *described.PrefixPaddingMS != 300 || time.Until(described.ExpiresAt) < 59*time.Minute {
		t.Errorf("session: %+v", described)
	}
	b.microphone("testdata/learner/cafe-1-a.ogg")
	begun, _ := until[realtime.SpeechStarted](b)
	over, _ := until[realtime.SpeechStopped](b)
	if length := *over.AudioEndMS - *begun.AudioStartMS; length < 3000 || length > 4000 || over.ItemID != begun.ItemID {
		t.Errorf("she spoke for %d ms", length)
	}
	placed, _ := until[realtime.Committed](b)
	if placed.ItemID != begun.ItemID || placed.PreviousItemID != nil {
		t.Errorf("committed: %+v", placed)
	}
	until[realtime.ResponseCreated](b)
	text, before := until[realtime.TranscriptionCompleted](b)
	if !text.Prompted || text.Text != "Good morning. I would like a cup of tea, please." || text.ItemID != begun.ItemID {
		t.Errorf("text: %+v", text)
	}
	if joined := strings.Join(before, " "); !strings.Contains(joined, "output_audio_buffer.started") {
		t.Errorf("the text came before the answer: %s", joined)
	}
	tutor, _ := until[realtime.OutputTranscriptDone](b)
	if tutor.Text != "Of course. And would you like something to eat with that?" {
		t.Errorf("tutor: %q", tutor.Text)
	}
	finished, _ := until[realtime.ResponseDone](b)
	if finished.Status != "completed" || finished.Usage == nil || finished.Usage.OutputAudioTokens == 0 {
		t.Errorf("response: %+v", finished)
	}
	until[realtime.OutputAudioStopped](b)
	if len(b.heard) < 100 {
		t.Errorf("%d packets of the tutor were heard", len(b.heard))
	}
}

func TestCall(t *testing.T) {
	t.Run("lets the learner speak in", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: byLevel}))
		b.send(`{"type":"response.create"}`)
		until[realtime.OutputAudioStarted](b)
		b.microphone("testdata/learner/cafe-1-a.ogg")
		until[realtime.SpeechStarted](b)
		until[realtime.OutputAudioCleared](b)
		done, _ := until[realtime.ResponseDone](b)
		if done.Status != "cancelled" || done.Reason != "turn_detected" {
			t.Errorf("response: %+v", done)
		}
		if cut, _ := until[realtime.Truncated](b); cut.ItemID != done.Items[0].ID {
			t.Errorf("truncated: %+v", cut)
		}
	})
	t.Run("refuses to commit nothing and goes on", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{Turns: realtime.TurnDetection{Mode: realtime.TurnsByHand}}))
		b.send(`{"type":"input_audio_buffer.commit"}`)
		if refused, _ := until[realtime.ProviderError](b); refused.Code != "input_audio_buffer_commit_empty" {
			t.Errorf("refused: %+v", refused)
		}
		b.send(`{"type":"response.create"}`)
		until[realtime.ResponseDone](b)
	})
	t.Run("shows its items, and forgets what was not heard of them", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.send(`{"type":"response.create"}`)
		id := b.untilRaw("response.output_item.done")["item"].(map[string]any)["id"].(string)
		retrieve := `{"type":"conversation.item.retrieve","item_id":"` + id + `"}`
		transcript := func() any {
			b.send(retrieve)
			shown := b.untilRaw("conversation.item.retrieved")["item"].(map[string]any)
			return shown["content"].([]any)[0].(map[string]any)["transcript"]
		}
		if words := transcript(); words == "" || words == nil {
			t.Errorf("it says %v", words)
		}
		b.send(`{"type":"conversation.item.truncate","event_id":"mine","item_id":"` + id + `","content_index":0,"audio_end_ms":3600000}`)
		if refused := b.untilRaw("error")["error"].(map[string]any); refused["event_id"] != "mine" {
			t.Errorf("refused: %v", refused)
		}
		b.send(`{"type":"conversation.item.truncate","item_id":"` + id + `","content_index":0,"audio_end_ms":500}`)
		if cut, _ := until[realtime.Truncated](b); cut.ItemID != id || *cut.AudioEndMS != 500 {
			t.Errorf("truncated: %+v", cut)
		}
		if words := transcript(); words != nil {
			t.Errorf("it says %v", words)
		}
	})
	t.Run("answers beside the conversation, and is told apart by metadata", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.send(`{"type":"response.create","response":{"conversation":"none","output_modalities":["text"],"metadata":{"for":"notes"}}}`)
		b.send(`{"type":"response.create"}`)
		text, before := until[realtime.OutputTextDone](b)
		made := b.untilRaw("response.done")["response"].(map[string]any)
		if made["id"] != text.ResponseID || made["metadata"].(map[string]any)["for"] != "notes" || made["conversation_id"] != nil {
			t.Errorf("response: %v", made)
		}
		if slices.Contains(before, "error") {
			t.Errorf("refused: %v", before)
		}
		if done, _ := until[realtime.ResponseDone](b); done.ResponseID != text.ResponseID {
			t.Errorf("first was %+v", done)
		}
		if done, _ := until[realtime.ResponseDone](b); done.Status != "completed" {
			t.Errorf("then %+v", done)
		}
	})
	t.Run("sends what nobody knows, when told", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{UnknownEvents: true}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		b.send(`{"type":"response.create"}`)
		until[realtime.ResponseDone](b)
		until[realtime.Unknown](b)
	})
}

func TestCallEnds(t *testing.T) {
	t.Run("when it is hung up, and a second time it is long over", func(t *testing.T) {
		p := setup(t, partner.Config{})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
		b.await(b.closed)
		response, body := post(t, p.url+"/v1/realtime/calls/"+b.callID()+"/hangup", key, "application/json", "")
		if response.StatusCode != http.StatusNotFound || !strings.Contains(body, "call_id_not_found") {
			t.Errorf("%d: %s", response.StatusCode, body)
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
	})
	t.Run("at its limit", func(t *testing.T) {
		p := setup(t, partner.Config{Faults: partner.Faults{EndAfter: time.Second}})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		if told, _ := until[realtime.ProviderError](b); told.Code != "session_expired" {
			t.Errorf("told: %+v", told)
		}
		b.await(b.closed)
	})
	t.Run("and makes room for the next", func(t *testing.T) {
		p := setup(t, partner.Config{MaxCalls: 1})
		b := call(t, p.mint(t, realtime.MintRequest{}))
		full, _ := post(t, p.url+"/v1/realtime/calls", p.mint(t, realtime.MintRequest{}).Value.Reveal(), "application/sdp", newBrowser(t).offer())
		if full.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a call too many: %d", full.StatusCode)
		}
		if err := p.client.HangUp(t.Context(), b.callID()); err != nil {
			t.Error(err)
		}
		call(t, p.mint(t, realtime.MintRequest{}))
	})
}
