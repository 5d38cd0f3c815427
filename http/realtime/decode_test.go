package realtime_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/http/realtime"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestDecodeReadsWhatTheRecordNeeds(t *testing.T) {
	first, padding, started, nothing := "item_1", 300, 1234, 0
	for name, test := range map[string]struct {
		raw  string
		want realtime.Body
	}{
		"the call's end and padding": {
			`{"type":"session.created","session":{"id":"sess_1","model":"m","expires_at":1784688023,"audio":{"input":{"turn_detection":{"type":"server_vad","prefix_padding_ms":300}}}}}`,
			realtime.SessionDescribed{SessionID: "sess_1", Model: "m", ExpiresAt: time.Unix(1784688023, 0).UTC(), PrefixPaddingMS: &padding}},
		"the padding where beta has it": {
			`{"type":"session.updated","session":{"turn_detection":{"prefix_padding_ms":300}}}`,
			realtime.SessionDescribed{PrefixPaddingMS: &padding}},
		"push-to-talk as no padding": {
			`{"type":"session.updated","session":{"audio":{"input":{"turn_detection":null}}}}`,
			realtime.SessionDescribed{}},
		"an item's place, with its written text trimmed": {
			`{"type":"conversation.item.added","previous_item_id":"item_1","item":{"id":"item_2","type":"message","role":"user","status":"completed","content":[{"type":"input_text","text":" Say hello.\n"}]}}`,
			realtime.ItemAdded{PreviousItemID: &first, Item: realtime.Item{ID: "item_2", Type: "message", Role: "user", Status: "completed", Parts: []realtime.Part{{Text: "Say hello."}}}}},
		"the beta name of the same": {
			`{"type":"conversation.item.created","previous_item_id":null,"item":{"id":"item_2","type":"message","role":"user","content":[{"type":"input_audio","transcript":null}]}}`,
			realtime.ItemAdded{Item: realtime.Item{ID: "item_2", Type: "message", Role: "user", HasAudio: true}}},
		"a prompted line": {
			`{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_1","content_index":0,"transcript":"A tea, please.\n","prompted":true,"usage":{"type":"duration","seconds":3}}`,
			realtime.TranscriptionCompleted{ItemID: "item_1", Text: "A tea, please.", Prompted: true, Usage: &realtime.Usage{Seconds: 3}}},
		"a failed transcription by its code": {
			`{"type":"conversation.item.input_audio_transcription.failed","item_id":"item_1","error":{"type":"server_error","code":"DeploymentNotFound"}}`,
			realtime.TranscriptionFailed{ItemID: "item_1", Code: "DeploymentNotFound"}},
		"why a response was cancelled": {
			`{"type":"response.done","response":{"id":"resp_1","status":"cancelled","status_details":{"type":"cancelled","reason":"turn_detected"},"output":[]}}`,
			realtime.ResponseDone{ResponseID: "resp_1", Status: "cancelled", Reason: "turn_detected"}},
		"why a response failed": {
			`{"type":"response.done","response":{"id":"resp_1","status":"failed","status_details":{"error":{"type":"server_error"}}}}`,
			realtime.ResponseDone{ResponseID: "resp_1", Status: "failed", Reason: "server_error"}},
		"a cut of nothing heard": {
			`{"type":"conversation.item.truncated","item_id":"item_1","content_index":0,"audio_end_ms":0}`,
			realtime.Truncated{ItemID: "item_1", AudioEndMS: &nothing}},
		"each part of an item at its place": {
			`{"type":"conversation.item.done","item":{"id":"item_1","type":"message","role":"assistant","content":[{"type":"output_audio","transcript":"Hi."},{"type":"output_image"},{"type":"output_text","text":"Hello."}]}}`,
			realtime.ItemDone{Item: realtime.Item{ID: "item_1", Type: "message", Role: "assistant", HasAudio: true, Parts: []realtime.Part{{Index: 0, Text: "Hi."}, {Index: 2, Text: "Hello."}}}}},
		"the words of a later part": {
			`{"type":"response.output_audio_transcript.done","response_id":"r","item_id":"i","content_index":1,"transcript":"Hi."}`,
			realtime.OutputTranscriptDone{ResponseID: "r", ItemID: "i", ContentIndex: 1, Text: "Hi."}},
		"usage beside its response": {
			`{"type":"response.done","response":{"id":"resp_1","status":"completed","status_details":"unimplemented","usage":{}},"usage":{"input_tokens":92}}`,
			realtime.ResponseDone{ResponseID: "resp_1", Status: "completed", Reason: "unimplemented", Usage: &realtime.Usage{InputTokens: 92}}},
		"words beside fields of the wrong type": {
			`{"type":"conversation.item.input_audio_transcription.completed","event_id":7,"item_id":"item_1","content_index":"first","transcript":"A tea.","prompted":"no","usage":"much"}`,
			realtime.TranscriptionCompleted{ItemID: "item_1", Text: "A tea."}},
		"whole numbers that are written with a point": {
			`{"type":"input_audio_buffer.speech_started","item_id":"item_1","audio_start_ms":1234.0}`,
			realtime.SpeechStarted{ItemID: "item_1", AudioStartMS: &started}},
		"no time where there is none": {
			`{"type":"input_audio_buffer.speech_started","item_id":"item_1","audio_start_ms":"soon"}`,
			realtime.SpeechStarted{ItemID: "item_1"}},
		"no number that none could count to": {
			`{"type":"conversation.item.truncated","item_id":"item_1","content_index":-1,"audio_end_ms":1e300}`,
			realtime.Truncated{ItemID: "item_1"}},
		"content that is a bare text": {
			`{"type":"conversation.item.added","item":{"id":"item_2","type":"message","role":"user","content":"Say hello."}}`,
			realtime.ItemAdded{Item: realtime.Item{ID: "item_2", Type: "message", Role: "user", Parts: []realtime.Part{{Text: "Say hello."}}}}},
		"a response's output beside one without an id": {
			`{"type":"response.done","response":{"id":"resp_1","status":"completed","output":[{"type":"message"},4,{"id":"item_1","type":"message","content":[3,{"type":"output_text","text":"Hi."}]}],"usage":{"input_tokens":12.0,"output_tokens":"few"}}}`,
			realtime.ResponseDone{ResponseID: "resp_1", Status: "completed", Items: []realtime.Item{{ID: "item_1", Type: "message", Parts: []realtime.Part{{Index: 1, Text: "Hi."}}}}, Usage: &realtime.Usage{InputTokens: 12}}},
		"an error that is a bare text": {
			`{"type":"error","error":"sorry"}`,
			realtime.ProviderError{Message: "sorry"}},
		"an error without a code by its type": {
			`{"type":"error","error":{"type":"server_error","code":null,"message":"sorry"}}`,
			realtime.ProviderError{Code: "server_error", Message: "sorry"}},
		"a known event without weight": {
			`{"type":"rate_limits.updated","rate_limits":[]}`, realtime.Ignored{}},
		"a name from the future, whatever its fields": {
			`{"type":"response.sung","item_id":7}`, realtime.Unknown{}},
	} {
		t.Run(name, func(t *testing.T) {
			event, err := realtime.Decode([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, event.Body); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefusesWithAStableCode(t *testing.T) {
	id := strings.Repeat("i", 256)
	started := `{"type":"input_audio_buffer.speech_started","item_id":"%s","audio_start_ms":1}`
	for name, test := range map[string]struct {
		raw  string
		want realtime.DecodeCode
	}{
		"nothing":                    {``, realtime.DecodeNotJSON},
		"half an object":             {`{"type":"err`, realtime.DecodeNotJSON},
		"an array":                   {`[]`, realtime.DecodeNotJSON},
		"two objects":                {`{"type":"error"}{}`, realtime.DecodeNotJSON},
		"null":                       {`null`, realtime.DecodeNoType},
		"no type":                    {`{"item_id":"item_1"}`, realtime.DecodeNoType},
		"a type that is a number":    {`{"type":3}`, realtime.DecodeNoType},
		"a type with a line break":   {`{"type":"a\nb"}`, realtime.DecodeNoType},
		"words that are a number":    {`{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":5}`, realtime.DecodeBadField},
		"spoken words that are none": {`{"type":"response.output_audio_transcript.done","response_id":"r","item_id":"i","transcript":[]}`, realtime.DecodeBadField},
		"written words that are not": {`{"type":"response.output_text.done","response_id":"r","item_id":"i","text":{}}`, realtime.DecodeBadField},
		"an id that is a number":     {`{"type":"input_audio_buffer.committed","item_id":5}`, realtime.DecodeBadField},
		"an item that is a list":     {`{"type":"conversation.item.added","item":[]}`, realtime.DecodeBadField},
		"a missing id":               {`{"type":"conversation.item.added","item":{}}`, realtime.DecodeBadField},
		"an id with a control sign":  {fmt.Sprintf(started, `a\u0000b`), realtime.DecodeBadField},
		"an id of 257 bytes":         {fmt.Sprintf(started, id+"i"), realtime.DecodeBadField},
		"a predecessor that is long": {`{"type":"input_audio_buffer.committed","item_id":"a","previous_item_id":"` + id + `i"}`, realtime.DecodeBadField},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := realtime.Decode([]byte(test.raw))
			var failure *realtime.DecodeError
			if !errors.As(err, &failure) || failure.Code != test.want {
				t.Errorf("got %v, want code %s", err, test.want)
			}
		})
	}
	t.Run("but not an id of 256 bytes", func(t *testing.T) {
		if _, err := realtime.Decode([]byte(fmt.Sprintf(started, id))); err != nil {
			t.Error(err)
		}
	})
}

// TestDecodeReadsTheRecordings decodes every event that a provider sent in
// the recorded conversations and compares with what was read of them before.
func TestDecodeReadsTheRecordings(t *testing.T) {
	for _, path := range recordings(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".ndjson")
		t.Run(name, func(t *testing.T) {
			var read bytes.Buffer
			for _, raw := range serverEvents(t, path) {
				event, err := realtime.Decode(raw)
				if err != nil {
					t.Fatalf("%s: %v", raw, err)
				}
				if _, unknown := event.Body.(realtime.Unknown); unknown {
					t.Errorf("%s is unknown", event.Type)
				}
				if _, ignored := event.Body.(realtime.Ignored); ignored {
					continue
				}
				body, err := json.Marshal(event.Body)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&read, "%s %T %s\n", event.Type, event.Body, body)
			}
			golden(t, filepath.Join("testdata", "decoded", name+".txt"), read.Bytes())
		})
	}
}

// TestDecodeKnowsWhatIsPublished holds the decoder against the types that
// openai-go publishes: every event is known, and no field is missed.
func TestDecodeKnowsWhatIsPublished(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "published", "openai-go-v3.96.0.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var read bytes.Buffer
	for line := range bytes.Lines(raw) {
		event, err := realtime.Decode(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if _, unknown := event.Body.(realtime.Unknown); unknown {
			t.Errorf("%s is unknown", event.Type)
		}
		body, err := json.Marshal(event.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&read, "%s %T %s\n", event.Type, event.Body, body)
	}
	golden(t, filepath.Join("testdata", "decoded", "openai-go-v3.96.0.txt"), read.Bytes())
}

func TestTallyCountsWhatIsUnknown(t *testing.T) {
	t.Run("by type", func(t *testing.T) {
		var tally realtime.Tally
		for _, raw := range []string{`{"type":"new"}`, `{"type":"new"}`, `{"type":"error"}`} {
			event, err := realtime.Decode([]byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			tally.Add(event)
		}
		if diff := cmp.Diff(map[string]int{"new": 2}, tally.Counts()); diff != "" {
			t.Error(diff)
		}
	})
	for types, others := range map[int]int{100: 0, 101: 1, 300: 200} {
		t.Run(fmt.Sprintf("bounded, with %d of them", types), func(t *testing.T) {
			var tally realtime.Tally
			for i := range types {
				tally.Add(realtime.Event{Type: fmt.Sprint(i), Body: realtime.Unknown{}})
			}
			if got := tally.Counts()[realtime.Others]; got != others || len(tally.Counts()) > 101 {
				t.Errorf("%d others, %d names", got, len(tally.Counts()))
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"session.created","session":{"expires_at":1}}`,
		`{"type":"conversation.item.added","previous_item_id":null,"item":{"id":"i","content":[{"type":"input_text","text":"x"}]}}`,
		`{"type":"response.done","response":{"id":"r","output":[{"id":"i"}],"usage":{"input_token_details":{"text_tokens":1}}}}`,
		`{"type":"error","error":null}`, `{"type":"x"}`, `{"type":`, `[]`, `0`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		event, err := realtime.Decode(raw)
		var failure *realtime.DecodeError
		if err != nil && !errors.As(err, &failure) {
			t.Fatalf("%T is no DecodeError", err)
		}
		if err == nil && (event.Type == "" || event.Body == nil) {
			t.Fatalf("an event without a type or a body: %+v", event)
		}
	})
}

func recordings(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "captures", "*.ndjson"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	return paths
}

func serverEvents(t *testing.T, path string) []json.RawMessage {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var events []json.RawMessage
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Dir   string
			Event json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Dir == "server" {
			events = append(events, line.Event)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}
