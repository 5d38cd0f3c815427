package http

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"parley/events"
)

// What providers say of turns beside the recordings: the segments are the same in
// whatever order it comes.
func TestTurnsFromWhatProvidersSay(t *testing.T) {
	const (
		hers     = `{"type":"conversation.item.added","previous_item_id":null,"item":{"id":"l1","type":"message","role":"user","content":[{"type":"input_audio","transcript":null}]}}`
		answer   = `{"type":"conversation.item.added","previous_item_id":"l1","item":{"id":"t1","type":"message","role":"assistant","content":[]}}`
		timeout  = `{"type":"input_audio_buffer.timeout_triggered","item_id":"idle","audio_start_ms":10,"audio_end_ms":5010}`
		reminder = `{"type":"conversation.item.added","previous_item_id":"t1","item":{"id":"sys","type":"message","role":"system","content":[{"type":"input_text","text":"Say something."}]}}`
		silence  = `{"type":"input_audio_buffer.committed","previous_item_id":"sys","item_id":"idle"}`
		again    = `{"type":"conversation.item.added","previous_item_id":"idle","item":{"id":"t2","type":"message","role":"assistant","content":[]}}`
	)
	heardIn := func(item, text string) string {
		return `{"type":"conversation.item.input_audio_transcription.completed","item_id":"` + item + `","content_index":0,"transcript":"` + text + `"}`
	}
	for _, test := range []struct {
		name string
		said []string
		want []string
	}{
		{"a tutor that only response.done names", []string{hers,
			`{"type":"response.done","response":{"id":"r1","status":"completed","output":[{"id":"t1","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"Hi."}]}]}}`,
			`{"type":"input_audio_buffer.committed","previous_item_id":"t1","item_id":"l2"}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Hi."`, `l2 learner missing ""`}},
		{"a tutor that only output_item.done names", []string{hers,
			`{"type":"response.output_item.done","response_id":"r1","item":{"id":"t1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]}}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Hi."`}},
		{"item.done alone, whose predecessor orders nothing", []string{hers, answer,
			`{"type":"conversation.item.done","previous_item_id":"l1","item":{"id":"t9","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"Bye."}]}}`,
			`{"type":"input_audio_buffer.committed","previous_item_id":"t1","item_id":"l2"}`,
		}, []string{`l1 learner missing ""`, `t1 tutor missing ""`, `l2 learner missing ""`, `t9 tutor final "Bye."`}},
		{"a tool call that only response.done names", []string{hers,
			`{"type":"response.done","response":{"id":"r1","status":"completed","output":[{"id":"f1","type":"function_call","role":"user","arguments":"{}"}]}}`,
		}, []string{`l1 learner missing ""`}},
		{"what was cut is the tutor's", []string{hers,
			`{"type":"conversation.item.truncated","item_id":"t1","content_index":0,"audio_end_ms":20}`,
		}, []string{`l1 learner missing ""`, `t1 tutor missing "" cut`}},
		{"a cancelled response", []string{hers, answer,
			`{"type":"response.done","response":{"id":"r1","status":"cancelled","status_details":{"reason":"turn_detected"},"output":[{"id":"t1","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"Well"}]}]}}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Well" cut`}},
		{"a response that ran into its limit was not spoken into", []string{hers, answer,
			`{"type":"response.done","response":{"id":"r1","status":"incomplete","status_details":{"reason":"max_output_tokens"},"output":[{"id":"t1","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"Well"}]}]}}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Well"`}},
		{"the silence of an idle timeout", []string{hers, answer, timeout, reminder, silence, heardIn("idle", ""), again},
			[]string{`l1 learner missing ""`, `t1 tutor missing ""`, `t2 tutor missing ""`}},
		{"words that were missed until the idle timeout", []string{hers, answer, timeout, reminder, silence, heardIn("idle", "Still here."), again},
			[]string{`l1 learner missing ""`, `t1 tutor missing ""`, `idle learner final "Still here."`, `t2 tutor missing ""`}},
		{"two parts of one utterance", []string{hers,
			`{"type":"conversation.item.input_audio_transcription.completed","item_id":"l1","content_index":1,"transcript":"again"}`, heardIn("l1", "Hello"),
		}, []string{`l1 learner final "Hello again"`}},
		{"two parts of one answer, cut before the whole came", []string{hers, answer,
			`{"type":"response.output_text.done","response_id":"r1","item_id":"t1","content_index":0,"text":"Look:"}`,
			`{"type":"response.output_audio_transcript.done","response_id":"r1","item_id":"t1","content_index":1,"transcript":"a tea."}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Look: a tea."`}},
		{"two parts of one answer, and the whole", []string{hers, answer,
			`{"type":"response.output_audio_transcript.done","response_id":"r1","item_id":"t1","content_index":1,"transcript":"a tea."}`,
			`{"type":"response.output_item.done","response_id":"r1","item":{"id":"t1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Look:"},{"type":"output_audio","transcript":"a tea.\n"}]}}`,
		}, []string{`l1 learner missing ""`, `t1 tutor final "Look: a tea."`}},
		{"spoken words that only their item has", []string{
			`{"type":"conversation.item.added","previous_item_id":null,"item":{"id":"l1","type":"message","role":"user","content":[{"type":"input_audio","transcript":"Hello."}]}}`,
		}, []string{`l1 learner final "Hello."`}},
		{"a transcription of its own replaces them", []string{
			`{"type":"conversation.item.added","previous_item_id":null,"item":{"id":"l1","type":"message","role":"user","content":[{"type":"input_audio","transcript":"Hell"}]}}`,
			heardIn("l1", "Hello."),
		}, []string{`l1 learner final "Hello."`}},
		{"words beside a field of the wrong type", []string{hers,
			`{"type":"conversation.item.input_audio_transcription.completed","item_id":"l1","content_index":0,"transcript":"Hello.","usage":"much"}`,
		}, []string{`l1 learner final "Hello."`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var said []json.RawMessage
			for _, raw := range test.said {
				said = append(said, json.RawMessage(raw))
			}
			s := relayed()
			hear(t, s, said, 0, len(said))
			wantLines(t, turnLines(s), test.want)
			for seed := range uint64(30) {
				s := relayed()
				shuffled(t, s, said, rand.New(rand.NewPCG(seed, 9)))
				wantLines(t, turnLines(s), test.want)
			}
		})
	}
}

// turnLines are the lines of a transcript, those marked at which a turn was cut.
func turnLines(s *events.Session) []string {
	lines := transcriptLines(s)
	for i, turn := range s.Turns.Segments(true) {
		if turn.Interrupted {
			lines[i] += " cut"
		}
	}
	return lines
}
