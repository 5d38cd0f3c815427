package partner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const truncated = "conversation.item.truncated"

// writes adds a turn of text.
func (a *table) writes(id, role, kind, text string) {
	a.t.Helper()
	a.sends(`{"type":"conversation.item.create","item":{"id":%q,"type":"message","role":%q,"content":[{"type":%q,"text":%q}]}}`, id, role, kind, text)
}

// shown is an item as it is retrieved.
func (a *table) shown(id string) map[string]any {
	a.t.Helper()
	a.sends(`{"type":"conversation.item.retrieve","item_id":%q}`, id)
	return a.last("conversation.item.retrieved")["item"].(map[string]any)
}

// answers has the tutor speak for so long and gives the item.
func (a *table) answers(length time.Duration) (id string) {
	a.t.Helper()
	a.sends(`{"type":"response.create"}`)
	a.passes(length)
	return a.last("response.output_item.added")["item"].(map[string]any)["id"].(string)
}

func (a *table) cuts(id string, ms int64) {
	a.sends(`{"type":"conversation.item.truncate","item_id":%q,"content_index":0,"audio_end_ms":%d}`, id, ms)
}

func content(part map[string]any) []any { return []any{part} }

func TestItemsAreRetrieved(t *testing.T) {
	t.Run("what the learner said, with its words once they are known", func(t *testing.T) {
		a := sit(t, Faults{})
		a.speaks(a.offered())
		a.passes(transcribing)
		id := a.last(committed)["item_id"].(string)
		want := map[string]any{"id": id, "type": "message", "role": "user", "status": "completed",
			"content": content(map[string]any{"type": "input_audio", "transcript": nil})}
		if diff := cmp.Diff(want, a.shown(id)); diff != "" {
			t.Error(diff)
		}
		a.passes(time.Second)
		want["content"] = content(map[string]any{"type": "input_audio", "transcript": a.last(completed)["transcript"], "prompted": true})
		if diff := cmp.Diff(want, a.shown(id)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what was written", func(t *testing.T) {
		a := sit(t, Faults{})
		a.writes("mine", "user", "input_text", "Hi")
		want := map[string]any{"id": "mine", "type": "message", "role": "user", "status": "completed",
			"content": content(map[string]any{"type": "input_text", "text": "Hi"})}
		if diff := cmp.Diff(want, a.shown("mine")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what the tutor says, with the words so far", func(t *testing.T) {
		a := sit(t, Faults{})
		id := a.answers(thinking + 600*time.Millisecond)
		var words strings.Builder
		for _, event := range a.events {
			if event["type"] == "response.output_audio_transcript.delta" {
				words.WriteString(event["delta"].(string))
			}
		}
		want := map[string]any{"id": id, "type": "message", "role": "assistant", "status": "in_progress",
			"content": content(map[string]any{"type": "output_audio", "transcript": words.String()})}
		if diff := cmp.Diff(want, a.shown(id)); diff != "" || words.Len() == 0 {
			t.Error(diff)
		}
		a.passes(10 * time.Second)
		want["status"] = "completed"
		want["content"] = content(map[string]any{"type": "output_audio", "transcript": a.last("response.output_audio_transcript.done")["transcript"]})
		if diff := cmp.Diff(want, a.shown(id)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestItemsThatAreNotThere(t *testing.T) {
	for _, kind := range []string{"retrieve", "truncate", "delete"} {
		t.Run("cannot be reached by "+kind, func(t *testing.T) {
			a := sit(t, Faults{})
			a.writes("gone", "user", "input_text", "Hi")
			a.sends(`{"type":"conversation.item.delete","item_id":"gone"}`)
			a.sends(`{"type":"conversation.item.%s","event_id":"mine","item_id":"gone","content_index":0,"audio_end_ms":0}`, kind)
			refused := a.last("error")["error"].(map[string]any)
			if refused["code"] != "item_"+kind+"_invalid_item_id" || refused["event_id"] != "mine" {
				t.Errorf("got %v", refused)
			}
		})
	}
}

func TestItemsAreTruncated(t *testing.T) {
	length := sit(t, Faults{}).talk.voices["cafe-1-tutor"].length().Milliseconds()
	for ms, refused := range map[int64]bool{-1: true, 0: false, length: false, length + 1: true} {
		t.Run(fmt.Sprintf("to %d ms of %d is refused: %v", ms, length, refused), func(t *testing.T) {
			a := sit(t, Faults{})
			id := a.answers(10 * time.Second)
			a.kinds()
			a.cuts(id, ms)
			if refused {
				if code := a.errorCode(); code != "invalid_value" {
					t.Errorf("got %s", code)
				}
				return
			}
			if told := a.last(truncated); told["item_id"] != id || told["content_index"] != 0.0 || told["audio_end_ms"] != float64(ms) {
				t.Errorf("got %v", told)
			}
			a.expect(truncated)
		})
	}
	t.Run("and their words are known no more", func(t *testing.T) {
		a := sit(t, Faults{})
		id := a.answers(10 * time.Second)
		a.cuts(id, 500)
		if diff := cmp.Diff(content(map[string]any{"type": "output_audio", "transcript": nil}), a.shown(id)["content"]); diff != "" {
			t.Error(diff)
		}
		a.cuts(id, 501) // there is no more of it
		if code := a.errorCode(); code != "invalid_value" {
			t.Errorf("got %s", code)
		}
	})
	t.Run("while they are spoken, up to what is generated, and are heard on", func(t *testing.T) {
		a := sit(t, Faults{})
		id := a.answers(thinking + 600*time.Millisecond)
		a.cuts(id, length)
		if code := a.errorCode(); code != "invalid_value" {
			t.Errorf("got %s", code)
		}
		a.kinds()
		a.cuts(id, 300)
		a.passes(10 * time.Second)
		a.expect(slices.Concat([]string{truncated}, spoken, []string{"output_audio_buffer.stopped"})...)
		if diff := cmp.Diff(content(map[string]any{"type": "output_audio", "transcript": nil}), a.shown(id)["content"]); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("when the learner speaks in, too", func(t *testing.T) {
		a := sit(t, Faults{})
		id := a.answers(thinking + 3*time.Second)
		a.speaks(200 * time.Millisecond)
		heard := a.last(truncated)["audio_end_ms"].(float64)
		if diff := cmp.Diff(content(map[string]any{"type": "output_audio", "transcript": nil}), a.shown(id)["content"]); diff != "" {
			t.Error(diff)
		}
		a.cuts(id, int64(heard)+1)
		if code := a.errorCode(); code != "invalid_value" {
			t.Errorf("got %s", code)
		}
	})
}

func TestTruncatingIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ event, code string }{
		"of what the learner said": {`"item_id":"hers","content_index":0,"audio_end_ms":0`, "invalid_value"},
		"of what was written":      {`"item_id":"written","content_index":0,"audio_end_ms":0`, "invalid_value"},
		"of a second part":         {`"item_id":"tutor","content_index":1,"audio_end_ms":0`, "invalid_value"},
		"without a part":           {`"item_id":"tutor","audio_end_ms":0`, "missing_required_parameter"},
		"without a length":         {`"item_id":"tutor","content_index":0`, "missing_required_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			a := sit(t, Faults{})
			a.talk.items = []*item{
				{id: "hers", role: "user", spoken: &spokenPart{Type: "input_audio"}, length: time.Second},
				{id: "written", role: "assistant", written: []clientPart{{Type: "output_text"}}},
				{id: "tutor", role: "assistant", spoken: &spokenPart{Type: "output_audio"}, length: time.Second},
			}
			a.sends(`{"type":"conversation.item.truncate",%s}`, test.event)
			if code := a.errorCode(); code != test.code {
				t.Errorf("got %s", code)
			}
		})
	}
}

func TestConversationHasRoom(t *testing.T) {
	t.Run("for so many items", func(t *testing.T) {
		a := sit(t, Faults{})
		for i := range maxItems {
			a.writes(fmt.Sprint("i", i), "user", "input_text", "")
		}
		a.last(added)
		if kinds := a.kinds(); len(kinds) != 2*maxItems {
			t.Errorf("%d events", len(kinds))
		}
		a.writes("more", "user", "input_text", "")
		if code := a.errorCode(); code != "conversation_full" {
			t.Errorf("got %s", code)
		}
	})
	t.Run("for so much text, and again for what was deleted", func(t *testing.T) {
		a := sit(t, Faults{})
		half := strings.Repeat("a", maxWritten/2-partCost)
		a.writes("first", "user", "input_text", half)
		a.writes("over", "user", "input_text", half+"a")
		if code := a.errorCode(); code != "conversation_full" {
			t.Errorf("got %s", code)
		}
		a.kinds()
		a.writes("second", "user", "input_text", half)
		a.expect(added, done)
		a.writes("third", "user", "input_text", "")
		a.expect("error")
		a.sends(`{"type":"conversation.item.delete","item_id":"first"}`)
		a.writes("third", "user", "input_text", half)
		a.expect("conversation.item.deleted", added, done)
	})
}
