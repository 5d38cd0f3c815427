package partner

import (
	"slices"
	"testing"
	"time"
)

// TestPromptedText holds the rule on both sides of both its limits.
func TestPromptedText(t *testing.T) {
	line := sit(t, Faults{}).offered()
	up := (line/2 + frame - 1).Truncate(frame) // lengths come in frames
	for name, test := range map[string]struct {
		speech time.Duration
		want   string
	}{
		"half as long as the line is hers":  {up, completed},
		"less than half is not understood":  {up - frame, failed},
		"twice as long is hers":             {(2 * line).Truncate(frame), completed},
		"more than twice is not understood": {(2 * line).Truncate(frame) + frame, failed},
	} {
		t.Run(name, func(t *testing.T) {
			a := sit(t, Faults{})
			a.speaks(test.speech)
			a.passes(2 * time.Second)
			event := a.last(test.want)
			if test.want == completed && (event["prompted"] != true ||
				event["transcript"] != "Good morning. I would like a cup of tea, please.") {
				t.Errorf("got %v", event)
			}
			if test.want == failed && event["error"].(map[string]any)["code"] != "speech_length" {
				t.Errorf("got %v", event)
			}
		})
	}
	t.Run("is the line that she chose", func(t *testing.T) {
		a := sit(t, Faults{})
		a.sends(`{"type":"parley.choose","line_id":"cafe-1-c"}`)
		a.speaks(a.offered())
		a.passes(2 * time.Second)
		if text := a.last(completed)["transcript"]; text != "Just a glass of water for now, please." {
			t.Errorf("got %q", text)
		}
	})
	t.Run("refuses a line that is not offered", func(t *testing.T) {
		a := sit(t, Faults{})
		a.sends(`{"type":"parley.choose","line_id":"cafe-2-a"}`)
		if code := a.errorCode(); code != "line_not_offered" {
			t.Errorf("got %s", code)
		}
	})
	t.Run("is not sent when no transcription was asked for", func(t *testing.T) {
		a := sit(t, Faults{})
		a.talk.session.Audio.Input.Transcription = nil
		a.speaks(a.offered())
		a.passes(2 * time.Second)
		if slices.Contains(a.kinds(), completed) {
			t.Error("a text came")
		}
	})
}

func TestLessonGoesOn(t *testing.T) {
	tutorSays := func(a *table) string {
		a.t.Helper()
		a.passes(12 * time.Second)
		return a.last("response.output_audio_transcript.done")["transcript"].(string)
	}
	t.Run("to the next line when she was understood", func(t *testing.T) {
		a := sit(t, Faults{})
		a.speaks(a.offered())
		if text, want := tutorSays(a), a.talk.lesson.script.Exchanges[1].Tutor.Text; text != want {
			t.Errorf("%q, want %q", text, want)
		}
		lines := a.last("parley.lines")
		if lines["exchange"] != 2.0 || len(lines["lines"].([]any)) != 3 {
			t.Errorf("lines: %v", lines)
		}
	})
	t.Run("by asking once, when she was not", func(t *testing.T) {
		a := sit(t, Faults{})
		script := a.talk.lesson.script
		a.speaks(100 * time.Millisecond)
		if text := tutorSays(a); text != script.Again.Text {
			t.Errorf("%q", text)
		}
		a.speaks(100 * time.Millisecond)
		if text := tutorSays(a); text != script.Exchanges[1].Tutor.Text {
			t.Errorf("%q", text)
		}
	})
	t.Run("to closing lines without end", func(t *testing.T) {
		a := sit(t, Faults{})
		script := a.talk.lesson.script
		for range len(script.Exchanges) + 2 {
			a.speaks(a.offered())
			tutorSays(a)
		}
		if text := tutorSays(a); text != script.Closings[0].Tutor.Text {
			t.Errorf("%q", text)
		}
	})
}
