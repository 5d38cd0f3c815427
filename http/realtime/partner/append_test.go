package partner

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"
)

// pcm is sound of one level, as clients append it: amplitude 3277 is -20 dBFS.
func pcm(samples, amplitude int) string {
	raw := make([]byte, 0, pcmSample*samples)
	for range samples {
		raw = append(raw, byte(amplitude), byte(amplitude>>8))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

const loud = 3277

// appends sends sound of that length in one event.
func (a *table) appends(length time.Duration, amplitude int) {
	a.sends(`{"type":"input_audio_buffer.append","audio":%q}`, pcm(int(length*pcmRate/time.Second), amplitude))
}

func TestAppendedSound(t *testing.T) {
	t.Run("is a turn like one that is spoken", func(t *testing.T) {
		a := sit(t, Faults{})
		a.appends(a.offered(), loud)
		a.expect(begun)
		a.appends(time.Second, 0)
		a.expect(ended, committed, added, done, "response.created")
		a.passes(time.Second)
		if text := a.last(completed); text["prompted"] != true || text["transcript"] == "" {
			t.Errorf("got %v", text)
		}
	})
	t.Run("has its place behind what came before, and before what comes", func(t *testing.T) {
		a := sit(t, Faults{})
		a.passes(time.Second)
		a.appends(2*time.Second, loud)
		a.appends(time.Second, 0)
		if start, end := a.last(begun)["audio_start_ms"], a.last(ended)["audio_end_ms"]; start != 700.0 || end != 3000.0 {
			t.Errorf("from %v to %v", start, end)
		}
		a.speaks(time.Second)
		if start := a.last(begun)["audio_start_ms"]; start != 3700.0 {
			t.Errorf("from %v", start)
		}
	})
	t.Run("is ended by packets that stop, when it stops", func(t *testing.T) {
		a := sit(t, Faults{})
		a.appends(time.Second, loud)
		for range int(gone / frame) {
			a.talk.step()
		}
		if end := a.last(ended)["audio_end_ms"]; end != 1000.0 {
			t.Errorf("ended at %v", end)
		}
	})
	for samples, refused := range map[int]bool{pcmRate/10 - 1: true, pcmRate / 10: false} {
		t.Run(fmt.Sprintf("of %d samples is too short to commit: %v", samples, refused), func(t *testing.T) {
			a := sit(t, Faults{})
			a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":null}}}}`)
			a.sends(`{"type":"input_audio_buffer.append","audio":%q}`, pcm(samples, loud))
			a.expect("session.updated")
			a.sends(`{"type":"input_audio_buffer.commit"}`)
			if got := slices.Contains(a.kinds(), "error"); got != refused {
				t.Errorf("refused: %v", got)
			}
		})
	}
}

func TestAppendingIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ event, code string }{
		"without sound":    {`{"type":"input_audio_buffer.append","event_id":"mine"}`, "missing_required_parameter"},
		"of no base64":     {`{"type":"input_audio_buffer.append","event_id":"mine","audio":"?"}`, "invalid_value"},
		"of half a sample": {`{"type":"input_audio_buffer.append","event_id":"mine","audio":"AAAA"}`, "invalid_value"},
	} {
		t.Run(name, func(t *testing.T) {
			a := sit(t, Faults{})
			a.sends("%s", test.event)
			refused := a.last("error")["error"].(map[string]any)
			if refused["code"] != test.code || refused["event_id"] != "mine" {
				t.Errorf("got %v", refused)
			}
		})
	}
	t.Run("in another format", func(t *testing.T) {
		a := sit(t, Faults{})
		a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcmu"}}}}}`)
		a.expect("session.updated")
		a.appends(time.Second, loud)
		if code := a.errorCode(); code != "invalid_value" {
			t.Errorf("got %s", code)
		}
	})
	t.Run("not when there is nothing in it", func(t *testing.T) {
		a := sit(t, Faults{})
		a.sends(`{"type":"input_audio_buffer.append","audio":""}`)
		a.expect()
	})
}
