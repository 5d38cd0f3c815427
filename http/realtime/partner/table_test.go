package partner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// table is a conversation in virtual time, and all that it emitted.
type table struct {
	t      *testing.T
	talk   *conversation
	events []map[string]any
	audio  time.Duration // of the learner, so far
}

func sit(t *testing.T, faults Faults) *table {
	t.Helper()
	prepared, err := loadLibrary()
	if err != nil {
		t.Fatal(err)
	}
	return sitWith(t, prepared, faults)
}

func sitWith(t *testing.T, prepared library, faults Faults) *table {
	settings := newSession()
	settings.Audio.Input.Transcription = &transcription{Model: "m", Language: "en"}
	at, count := &table{t: t}, 0
	at.talk = &conversation{
		id: "conv_1", session: settings, apart: map[string]*response{}, lesson: lesson{script: prepared.script("cafe", "")},
		voices: prepared.voices, faults: faults,
		newID: func(prefix string) string { count++; return fmt.Sprintf("%s_%d", prefix, count) },
		send:  at.take,
	}
	return at
}

func (a *table) take(raw []byte) {
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		a.t.Fatal(err)
	}
	a.events = append(a.events, event)
}

// passes lets time pass without a sound of the learner.
func (a *table) passes(length time.Duration) {
	a.sounds(length, -90)
}

// speaks lets time pass while the learner speaks.
func (a *table) speaks(length time.Duration) {
	a.sounds(length, -20)
}

func (a *table) sounds(length time.Duration, level float64) {
	for range int(length / frame) {
		a.talk.hear(sound{from: a.audio, to: a.audio + frame, level: level})
		a.audio += frame
		a.talk.step()
	}
}

func (a *table) sends(format string, args ...any) {
	a.talk.receive(fmt.Appendf(nil, format, args...))
}

// kinds are the names of the events so far, deltas and the like left out;
// those seen are forgotten.
func (a *table) kinds() []string {
	var kinds []string
	for _, event := range a.events {
		kind := event["type"].(string)
		if strings.HasSuffix(kind, ".delta") || strings.Contains(kind, "content_part") ||
			kind == "rate_limits.updated" || kind == "parley.lines" {
			continue
		}
		kinds = append(kinds, kind)
	}
	a.events = nil
	return kinds
}

func (a *table) last(kind string) map[string]any {
	a.t.Helper()
	for _, event := range slices.Backward(a.events) {
		if event["type"] == kind {
			return event
		}
	}
	a.t.Fatalf("there is no %s", kind)
	return nil
}

func (a *table) errorCode() string {
	a.t.Helper()
	return a.last("error")["error"].(map[string]any)["code"].(string)
}

func (a *table) expect(want ...string) {
	a.t.Helper()
	if diff := cmp.Diff(want, a.kinds()); diff != "" {
		a.t.Error(diff)
	}
}

// FuzzReceive: whatever a client sends, the conversation goes on.
func FuzzReceive(f *testing.F) {
	for kind := range rules {
		f.Add([]byte(`{"type":"` + kind + `","item":{"id":"a","type":"message","role":"user","content":[{"type":"input_text"}]},"session":{"audio":null},"response":{"conversation":"none","input":[]},"audio":"//8=","item_id":"a","content_index":0,"audio_end_ms":0}`))
	}
	prepared, err := loadLibrary()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := sitWith(t, prepared, Faults{})
		a.talk.receive(raw)
		a.speaks(200 * time.Millisecond)
		a.talk.receive(raw)
		a.passes(time.Second)
	})
}
