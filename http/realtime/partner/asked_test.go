package partner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asks wants a response of this kind.
func (a *table) asks(format string, args ...any) {
	a.sends(`{"type":"response.create","response":`+format+`}`, args...)
}

// shape is what a response says of itself, beside its id and its output.
func shape(event map[string]any) map[string]any {
	response := event["response"].(map[string]any)
	for _, changing := range []string{"id", "output", "usage"} {
		delete(response, changing)
	}
	return response
}

// says is what the tutor said last.
func (a *table) says() string {
	a.t.Helper()
	a.passes(12 * time.Second)
	return a.last("response.output_audio_transcript.done")["transcript"].(string)
}

var (
	// silentAnswer are the events of an answer that is text.
	silentAnswer = []string{"response.created", "response.output_item.added", added,
		"response.output_text.done", done, "response.output_item.done", "response.done"}
	// apartAnswer are those of one that stays apart.
	apartAnswer = []string{"response.created", "response.output_item.added", "output_audio_buffer.started",
		"response.output_audio.done", "response.output_audio_transcript.done", "response.output_item.done",
		"response.done", "output_audio_buffer.stopped"}
)

func TestResponseSaysWhatItIs(t *testing.T) {
	pcm := map[string]any{"type": "audio/pcm", "rate": 24000.0}
	for asked, want := range map[string]map[string]any{
		`null`: {
			"conversation_id": "conv_1", "output_modalities": []any{"audio"}, "max_output_tokens": "inf", "metadata": nil,
			"audio": map[string]any{"output": map[string]any{"format": pcm, "voice": "marin"}},
		},
		`{"conversation":"none","output_modalities":["text"],"max_output_tokens":4096,"metadata":{"a":"b"},"audio":{"output":{"voice":"cedar"}},
			"instructions":"Be short.","tools":[],"tool_choice":"none"}`: {
			"conversation_id": nil, "output_modalities": []any{"text"}, "max_output_tokens": 4096.0, "metadata": map[string]any{"a": "b"},
			"audio": map[string]any{"output": map[string]any{"format": pcm, "voice": "cedar"}},
		},
	} {
		t.Run("when asked for "+asked, func(t *testing.T) {
			a := sit(t, Faults{})
			a.asks("%s", asked)
			a.passes(10 * time.Second)
			want["object"], want["status"], want["status_details"] = "realtime.response", "in_progress", nil
			if diff := cmp.Diff(want, shape(a.last("response.created"))); diff != "" {
				t.Error(diff)
			}
			want["status"] = "completed"
			if diff := cmp.Diff(want, shape(a.last("response.done"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestResponseOfText(t *testing.T) {
	text := func(a *table) {
		a.t.Helper()
		a.passes(10 * time.Second)
		told, made := a.last("response.output_text.done"), a.last("response.done")["response"].(map[string]any)
		if told["text"] != a.talk.lesson.script.Exchanges[0].Tutor.Text {
			a.t.Errorf("got %v", told)
		}
		want := content(map[string]any{"type": "output_text", "text": told["text"]})
		if diff := cmp.Diff(want, made["output"].([]any)[0].(map[string]any)["content"]); diff != "" {
			a.t.Error(diff)
		}
		if diff := cmp.Diff(want, a.shown(told["item_id"].(string))["content"]); diff != "" {
			a.t.Error(diff)
		}
		if spent := made["usage"].(map[string]any)["output_token_details"].(map[string]any); spent["audio_tokens"] != 0.0 || spent["text_tokens"] == 0.0 {
			a.t.Errorf("got %v", spent)
		}
	}
	t.Run("makes no sound", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{"output_modalities":["text"]}`)
		text(a)
		a.expect(append(silentAnswer, "conversation.item.retrieved")...)
	})
	t.Run("in a session of text", func(t *testing.T) {
		a := sit(t, Faults{})
		a.sends(`{"type":"session.update","session":{"type":"realtime","output_modalities":["text"]}}`)
		a.asks(`{}`)
		text(a)
	})
	t.Run("by the names of the beta", func(t *testing.T) {
		a := sit(t, Faults{BetaNames: true})
		a.asks(`{"output_modalities":["text"]}`)
		a.passes(10 * time.Second)
		a.last("response.text.delta")
		a.last("response.text.done")
	})
}

func TestResponseApart(t *testing.T) {
	const none = `{"conversation":"none"}`
	t.Run("is heard and adds nothing to the conversation", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(none)
		said := a.says()
		for _, event := range a.events {
			if event["type"] == "parley.lines" {
				t.Error("the learner is offered lines")
			}
		}
		a.expect(apartAnswer...)
		if len(a.talk.items) > 0 || len(a.talk.apart) > 0 {
			t.Errorf("there are %d items and %d responses", len(a.talk.items), len(a.talk.apart))
		}
		a.asks(`{}`)
		if got := a.says(); got != said {
			t.Errorf("the conversation goes on with %q", got)
		}
	})
	t.Run("asks again as the conversation would, which still has to", func(t *testing.T) {
		a := sit(t, Faults{})
		a.talk.lesson.missed = true
		again := a.talk.lesson.script.Again.Text
		for _, asked := range []string{none, `{}`} {
			a.asks("%s", asked)
			if got := a.says(); got != again {
				t.Errorf("%s: %q", asked, got)
			}
		}
	})
	t.Run("is not the next that a cancelled one waits for", func(t *testing.T) {
		a := speaksIn(t, Faults{CancelLate: true})
		a.kinds()
		a.asks(`{"conversation":"none","output_modalities":["text"]}`)
		a.expect("response.created")
	})
	t.Run("waits for the line that is heard", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{}`)
		a.asks(none)
		a.passes(20 * time.Second)
		kinds := a.kinds()
		second := slices.Index(kinds, "output_audio_buffer.stopped")
		if slices.Contains(kinds, "error") || !slices.Contains(kinds[second:], "output_audio_buffer.started") {
			t.Errorf("got %v", kinds)
		}
	})
	t.Run("lets the conversation have its own beside it", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{"conversation":"none","output_modalities":["text"]}`)
		a.asks(`{}`)
		a.expect("response.created", "response.created")
	})
	t.Run("is one of so many", func(t *testing.T) {
		a := sit(t, Faults{})
		for range maxApart {
			a.asks(none)
		}
		a.expect(slices.Repeat([]string{"response.created"}, maxApart)...)
		a.asks(none)
		if code := a.errorCode(); code != "too_many_responses" {
			t.Errorf("got %s", code)
		}
		a.sends(`{"type":"response.cancel","response_id":%q}`, first(a.talk.apart))
		a.kinds()
		a.asks(none)
		a.expect("response.created")
	})
}

func first(responses map[string]*response) string {
	for id := range responses {
		return id
	}
	return ""
}

func TestResponseApartIsStopped(t *testing.T) {
	// begin has one that is heard and still generated, and gives its id.
	begin := func(t *testing.T) (*table, string) {
		a := sit(t, Faults{})
		a.asks(`{"conversation":"none"}`)
		a.passes(thinking + 600*time.Millisecond)
		id := a.last("response.created")["response"].(map[string]any)["id"].(string)
		a.kinds()
		return a, id
	}
	cancelled := []string{"response.output_audio.done", "response.output_audio_transcript.done", "response.output_item.done", "response.done"}
	t.Run("not by the learner, who speaks in", func(t *testing.T) {
		a, _ := begin(t)
		a.speaks(200 * time.Millisecond)
		a.expect(begun)
	})
	t.Run("by its id", func(t *testing.T) {
		a, id := begin(t)
		a.sends(`{"type":"response.cancel","response_id":%q}`, id)
		if status := a.last("response.done")["response"].(map[string]any)["status"]; status != "cancelled" {
			t.Errorf("it is %v", status)
		}
		a.passes(5 * time.Second)
		a.expect(append(cancelled, "output_audio_buffer.stopped")...)
	})
	t.Run("not without it, nor by another", func(t *testing.T) {
		a, _ := begin(t)
		a.sends(`{"type":"response.cancel"}`)
		a.sends(`{"type":"response.cancel","response_id":"resp_other"}`)
		if code := a.errorCode(); code != "response_cancel_not_active" {
			t.Errorf("got %s", code)
		}
		a.expect("error", "error")
	})
	t.Run("when what is heard is cleared", func(t *testing.T) {
		a, _ := begin(t)
		a.sends(`{"type":"output_audio_buffer.clear"}`)
		a.passes(5 * time.Second)
		a.expect(append([]string{"output_audio_buffer.cleared"}, cancelled...)...)
	})
	t.Run("when it is generated and what is heard is cleared", func(t *testing.T) {
		a, _ := begin(t)
		for !slices.ContainsFunc(a.events, func(e map[string]any) bool { return e["type"] == "response.done" }) {
			a.passes(frame)
		}
		a.kinds()
		a.sends(`{"type":"output_audio_buffer.clear"}`)
		a.expect("output_audio_buffer.cleared")
	})
	t.Run("the conversation's own is, by its id", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{}`)
		id := a.last("response.created")["response"].(map[string]any)["id"].(string)
		a.sends(`{"type":"response.cancel","response_id":%q}`, id)
		a.expect("response.created", "response.done")
	})
}

func TestResponseToAnInput(t *testing.T) {
	script := sit(t, Faults{}).talk.lesson.script
	opening, next := script.Exchanges[0], script.Exchanges[1]
	t.Run("goes on behind it and leaves the lesson where it is", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{"conversation":"none","input":[
			{"type":"message","role":"assistant","content":[{"type":"output_text","text":%q}]},
			{"type":"message","role":"user","content":[{"type":"input_text","text":%q}]}]}`, opening.Tutor.Text, opening.Learner[0].Text)
		if got := a.says(); got != next.Tutor.Text {
			t.Errorf("got %q", got)
		}
		a.asks(`{}`)
		if got := a.says(); got != opening.Tutor.Text {
			t.Errorf("then %q", got)
		}
	})
	t.Run("of items that are there", func(t *testing.T) {
		a := sit(t, Faults{})
		a.writes("a", "assistant", "output_text", opening.Tutor.Text)
		a.writes("b", "user", "input_text", opening.Learner[0].Text)
		a.asks(`{"conversation":"none","input":[{"type":"item_reference","id":"a"},{"type":"item_reference","id":"b"}]}`)
		if got := a.says(); got != next.Tutor.Text {
			t.Errorf("got %q", got)
		}
	})
	t.Run("of nothing begins anew", func(t *testing.T) {
		a := sit(t, Faults{})
		a.writes("b", "user", "input_text", opening.Learner[0].Text)
		a.asks(`{"conversation":"none","input":[]}`)
		if got := a.says(); got != opening.Tutor.Text {
			t.Errorf("got %q", got)
		}
	})
	t.Run("costs what it and the instructions are long", func(t *testing.T) {
		a := sit(t, Faults{})
		a.speaks(a.offered())
		a.passes(12 * time.Second)
		heard := float64(a.talk.spoken / (100 * time.Millisecond))
		for asked, want := range map[string][2]float64{
			`{"instructions":"one two three"}`:            {4, heard},
			`{"instructions":"one two three","input":[]}`: {4, 0},
			`{"instructions":"","conversation":"none","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"one two three four five six"}]}]}`: {8, 0},
		} {
			a.asks("%s", asked)
			a.passes(12 * time.Second)
			spent := a.last("response.done")["response"].(map[string]any)["usage"].(map[string]any)["input_token_details"].(map[string]any)
			if spent["text_tokens"] != want[0] || spent["audio_tokens"] != want[1] {
				t.Errorf("%s: %v", asked, spent)
			}
		}
	})
}

func TestResponseHasALimitOfTokens(t *testing.T) {
	for limit, want := range map[int]string{1: "incomplete", 40: "incomplete", mostTokens: "completed"} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			a := sit(t, Faults{})
			a.asks(`{"max_output_tokens":%d}`, limit)
			a.passes(12 * time.Second)
			a.last("output_audio_buffer.stopped")
			made := a.last("response.done")["response"].(map[string]any)
			spent := made["usage"].(map[string]any)["output_tokens"].(float64)
			if made["status"] != want || spent > float64(limit) {
				t.Errorf("%v with %v tokens", made["status"], spent)
			}
			if why, is := made["status_details"].(map[string]any); is && why["reason"] != "max_output_tokens" || is != (want == "incomplete") {
				t.Errorf("because of %v", why)
			}
		})
	}
}

func TestResponsesAreRefused(t *testing.T) {
	metadata := func(pairs, key, value int) string {
		var all []string
		for i := range pairs {
			all = append(all, fmt.Sprintf(`"%0*d":"%s"`, key, i, strings.Repeat("ä", value)))
		}
		return `{"metadata":{` + strings.Join(all, ",") + `}}`
	}
	for asked, refused := range map[string]bool{
		metadata(16, 64, 512): false, metadata(17, 2, 1): true, metadata(1, 65, 1): true, metadata(1, 64, 513): true,
		`{"metadata":{"a":1}}`: true, `{"metadata":null}`: false,
		`{"max_output_tokens":0}`: true, `{"max_output_tokens":1}`: false, `{"max_output_tokens":4096}`: false,
		`{"max_output_tokens":4097}`: true, `{"max_output_tokens":"inf"}`: false, `{"max_output_tokens":"all"}`: true,
		`{"max_output_tokens":null}`:      false,
		`{"output_modalities":["audio"]}`: false, `{"output_modalities":["text"]}`: false, `{"output_modalities":[]}`: true,
		`{"output_modalities":["audio","text"]}`: true, `{"output_modalities":["smell"]}`: true, `{"output_modalities":null}`: false,
		`{"conversation":"auto"}`: false, `{"conversation":"none"}`: false, `{"conversation":"other"}`: true,
		`{"input":null}`: false, `{"input":[{"type":"function_call"}]}`: true,
		`{"input":[{"type":"message","role":"user","content":[{"type":"input_audio"}]}]}`: true, `7`: true,
	} {
		t.Run(fmt.Sprintf("%.60s: %v", asked, refused), func(t *testing.T) {
			a := sit(t, Faults{})
			a.sends(`{"type":"response.create","event_id":"mine","response":%s}`, asked)
			if !refused {
				a.expect("response.created")
				return
			}
			told := a.last("error")["error"].(map[string]any)
			if told["code"] != "invalid_value" || told["event_id"] != "mine" {
				t.Errorf("got %v", told)
			}
			a.expect("error")
		})
	}
	t.Run("to an item that is not there", func(t *testing.T) {
		a := sit(t, Faults{})
		a.asks(`{"input":[{"type":"item_reference","id":"none"}]}`)
		if code := a.errorCode(); code != "item_not_found" {
			t.Errorf("got %s", code)
		}
	})
}
