package http

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/events"
)

const captures = "realtime/testdata/captures"

// capture is a recorded conversation and the segments that it must give.
type capture struct {
	name string
	said []json.RawMessage
	want []string
}

func loadCaptures(t *testing.T) []capture {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(captures, "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	var all []capture
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		all = append(all, capture{name, serverEvents(t, file), expected(t, name)})
	}
	return all
}

func serverEvents(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var said []json.RawMessage
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line struct {
			Dir   string
			Event json.RawMessage
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Dir == "server" {
			said = append(said, line.Event)
		}
	}
	return said
}

func expected(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "expected", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		ItemID  string `json:"item_id"`
		Speaker string
		Status  string
		Text    *string
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, w := range want {
		text := ""
		if w.Text != nil {
			text = *w.Text
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %q", w.ItemID, w.Speaker, w.Status, text))
	}
	return lines
}

// relayed is a session that has one call.
func relayed() *events.Session {
	s := events.NewSession("01JSESS0000000000000000000")
	s.Evolve(events.Event{Body: &events.SessionStarted{Learner: "l"}})
	s.Evolve(events.Event{Body: &events.TokenIssued{Call: 1}})
	return s
}

// hear hands a batch to the session, as the server would.
func hear(t *testing.T, s *events.Session, said []json.RawMessage, from, to int) {
	t.Helper()
	var batch []int
	for n := from; n < to; n++ {
		batch = append(batch, n)
	}
	hearThese(t, s, said, batch)
}

func hearThese(t *testing.T, s *events.Session, said []json.RawMessage, batch []int) {
	t.Helper()
	var reports []events.Report
	for _, n := range batch {
		entry := fmt.Sprintf(`{"n":%d,"call":1,"at_ms":%d,"rec_ms":null,"event":%s}`, n+1, 10*n, said[n])
		report, ok := decodeReport([]byte(entry), func(s string) string { return s })
		if !ok || report.Rejected != "" {
			t.Fatalf("event %d: rejected %s: %.200s", n, report.Rejected, said[n])
		}
		reports = append(reports, report)
	}
	drafts, _ := s.Receive(reports)
	for _, d := range drafts {
		s.Evolve(d)
	}
}

func transcriptLines(s *events.Session) []string {
	var lines []string
	for _, g := range s.Turns.Segments(true) {
		lines = append(lines, fmt.Sprintf("%s %s %s %q", g.Item, g.Speaker, g.Status, g.Facts.Said()))
	}
	return lines
}

func TestCapturesReadInOrder(t *testing.T) {
	for _, c := range loadCaptures(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Run("at once", func(t *testing.T) {
				s := relayed()
				hear(t, s, c.said, 0, len(c.said))
				wantLines(t, transcriptLines(s), c.want)
			})
			t.Run("in odd batches with repetitions", func(t *testing.T) {
				s := relayed()
				for i, size := 0, 1; i < len(c.said); i, size = i+size, size%7+1 {
					from := max(0, i-size%3)
					hear(t, s, c.said, from, min(i+size, len(c.said)))
				}
				wantLines(t, transcriptLines(s), c.want)
				if s.Received.Through() != int64(len(c.said)) {
					t.Fatalf("received through %d of %d", s.Received.Through(), len(c.said))
				}
			})
			t.Run("counts what was paid for", func(t *testing.T) {
				s := relayed()
				hear(t, s, c.said, 0, len(c.said))
				if got := s.Turns.Used().Transcriptions["audio_ms"]; got != heardMS[c.name] {
					t.Errorf("%d ms of audio were transcribed, want %d", got, heardMS[c.name])
				}
			})
			t.Run("backwards", func(t *testing.T) {
				s := relayed()
				for i := len(c.said) - 1; i >= 0; i-- {
					hear(t, s, c.said, i, i+1)
				}
				wantLines(t, transcriptLines(s), c.want)
			})
			t.Run("cut anywhere, in any order, batches and repetition", func(t *testing.T) {
				for cut := range len(c.said) + 1 {
					want := judged(t, c.said[:cut])
					for seed := range uint64(4) {
						s := relayed()
						shuffled(t, s, c.said[:cut], rand.New(rand.NewPCG(seed, uint64(cut))))
						wantLines(t, transcriptLines(s), want)
					}
				}
			})
			t.Run("as somebody else reads it", func(t *testing.T) {
				wantLines(t, judged(t, c.said), c.want)
			})
		})
	}
}

// shuffled hands events in as a bad network would.
func shuffled(t *testing.T, s *events.Session, said []json.RawMessage, random *rand.Rand) {
	t.Helper()
	for order := random.Perm(len(said)); len(order) > 0; {
		batch := order[:min(len(order), 1+random.IntN(9))]
		order = order[len(batch):]
		hearThese(t, s, said, batch)
		if random.IntN(3) == 0 {
			hearThese(t, s, said, batch) // its answer was lost
		}
	}
}

// heardMS is how much audio the provider says that it transcribed in a capture.
var heardMS = map[string]int64{"ga-ws-openai-one-vad-turn": 3000, "ga-ws-openai-three-vad-turns": 9000}

func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestDecodeReport(t *testing.T) {
	big := strings.Repeat("x", MaxReport)
	for _, test := range []struct {
		name  string
		entry string
		ok    bool
		want  events.Report
	}{
		{"no object has no number", `"garbage"`, false, events.Report{}},
		{"a number below 1 is none", `{"n":0,"event":{"type":"error"}}`, false, events.Report{}},
		{"a wrong type with a number is named", `{"n":4,"call":"one"}`, true, events.Report{N: 4, Rejected: events.CodeInvalid}},
		{"an event that is no object is named", `{"n":4,"call":1,"event":"hello"}`, true, events.Report{N: 4, Call: 1, Rejected: events.CodeInvalid}},
		{"an event without a type is named", `{"n":4,"call":1,"event":{}}`, true, events.Report{N: 4, Call: 1, Rejected: events.CodeInvalid}},
		{"times before the start are named", `{"n":4,"call":1,"at_ms":-1,"event":{"type":"error"}}`, true, events.Report{N: 4, Call: 1, Rejected: events.CodeInvalid}},
		{"an event over the limit is named", `{"n":4,"call":1,"event":{"type":"` + big + `"}}`, true, events.Report{N: 4, Call: 1, Rejected: events.CodeTooLarge}},
		{"a provider's event of no call is named", `{"n":4,"call":0,"event":{"type":"input_audio_buffer.committed","item_id":"a"}}`, true, events.Report{N: 4, Rejected: events.CodeUnknownCall}},
		{"an unknown event is counted", `{"n":4,"call":1,"event":{"type":"brand.new"}}`, true, events.Report{N: 4, Call: 1, Skipped: "brand.new"}},
		{"an unknown event of the page is counted", `{"n":4,"call":1,"event":{"type":"parley.new"}}`, true, events.Report{N: 4, Call: 1, Skipped: "parley.new"}},
		{"control characters are refused", `{"n":4,"call":1,"event":{"type":"parley.call_dropped","cause":"a\u0000b"}}`, true, events.Report{N: 4, Call: 1, Rejected: events.CodeInvalid}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := decodeReport([]byte(test.entry), func(s string) string { return s })
			if ok != test.ok || got.N != test.want.N || got.Call != test.want.Call || got.Rejected != test.want.Rejected || got.Skipped != test.want.Skipped {
				t.Fatalf("got %+v, %v", got, ok)
			}
		})
	}
}
