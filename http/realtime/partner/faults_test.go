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

func TestParseFaults(t *testing.T) {
	t.Run("reads all of them", func(t *testing.T) {
		got, err := ParseFaults([]byte(`{"mint":"quota","mint_after":1,"mint_delay":"1s","token_life":"2s","offer_refusals":3,
			"transcription":"late","truncation":"zero","cancel_late":true,"end_after":"1m","end":"cut","cut_after":"4s","cut_for":"3s",
			"sideband_drop":5,"beta_names":true,"unknown_events":true,"garbage":true}`))
		if err != nil {
			t.Fatal(err)
		}
		want := Faults{
			Mint: MintQuota, MintAfter: 1, MintDelay: time.Second, TokenLife: 2 * time.Second, OfferRefusals: 3,
			Transcription: TranscriptionLate, Truncation: TruncationZero, CancelLate: true, EndAfter: time.Minute, End: EndCut,
			CutAfter: 4 * time.Second, CutFor: 3 * time.Second, SidebandDrop: 5, BetaNames: true, UnknownEvents: true, Garbage: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	for _, wrong := range []string{``, `[]`, `{"mnt":"quota"}`, `{"mint":"x"}`, `{"transcription":"x"}`, `{"truncation":"x"}`, `{"end":"x"}`, `{"cut_for":3}`} {
		t.Run("refuses "+wrong, func(t *testing.T) {
			if faults, err := ParseFaults([]byte(wrong)); err == nil {
				t.Errorf("got %+v", faults)
			}
		})
	}
}

// speaksIn has the tutor interrupted while the answer is generated.
func speaksIn(t *testing.T, faults Faults) *table {
	t.Helper()
	a := sit(t, faults)
	a.sends(`{"type":"response.create"}`)
	a.passes(thinking + 600*time.Millisecond)
	a.kinds()
	a.speaks(200 * time.Millisecond)
	return a
}

func TestFaultsOfTruncation(t *testing.T) {
	t.Run("before the response is done", func(t *testing.T) {
		kinds := speaksIn(t, Faults{Truncation: TruncationEarly}).kinds()
		if slices.Index(kinds, truncated) > slices.Index(kinds, "response.done") || !slices.Contains(kinds, truncated) {
			t.Errorf("got %v", kinds)
		}
	})
	t.Run("long after it", func(t *testing.T) {
		a := speaksIn(t, Faults{Truncation: TruncationLate})
		if kinds := a.kinds(); slices.Contains(kinds, truncated) {
			t.Errorf("got %v", kinds)
		}
		a.passes(late)
		a.last(truncated)
	})
	t.Run("as if nothing had been heard", func(t *testing.T) {
		if heard := speaksIn(t, Faults{Truncation: TruncationZero}).last(truncated)["audio_end_ms"]; heard != 0.0 {
			t.Errorf("heard %v", heard)
		}
	})
	t.Run("never", func(t *testing.T) {
		if kinds := speaksIn(t, Faults{Truncation: TruncationMissing}).kinds(); slices.Contains(kinds, truncated) {
			t.Errorf("got %v", kinds)
		}
	})
}

func TestFaultCancelLate(t *testing.T) {
	a := speaksIn(t, Faults{CancelLate: true})
	if kinds := a.kinds(); slices.Contains(kinds, "response.done") {
		t.Errorf("got %v", kinds)
	}
	a.passes(time.Second)
	kinds := a.kinds()
	created, done := slices.Index(kinds, "response.created"), slices.Index(kinds, "response.done")
	if created < 0 || done != created+1 {
		t.Errorf("got %v", kinds)
	}
}

func TestFaultsOfTheOrderOfWords(t *testing.T) {
	t.Run("deltas come before the item is committed", func(t *testing.T) {
		a := sit(t, Faults{Transcription: TranscriptionEarly})
		a.speaks(a.offered())
		a.passes(2 * time.Second)
		var order []string
		for _, event := range a.events {
			if kind := event["type"].(string); strings.HasPrefix(kind, transcriptionEvent) || kind == committed {
				order = append(order, kind)
			}
		}
		if order[0] != transcriptionEvent+"delta" || order[len(order)-2] != committed || order[len(order)-1] != completed {
			t.Errorf("got %v", order)
		}
	})
	t.Run("each completed holds all words so far", func(t *testing.T) {
		a := sit(t, Faults{Transcription: TranscriptionCumulative})
		a.speaks(a.offered())
		a.passes(2 * time.Second)
		before, count := "", 0
		for _, event := range a.events {
			if event["type"] != completed {
				continue
			}
			text := event["transcript"].(string)
			if !strings.HasPrefix(text, before) {
				t.Errorf("%q does not begin with %q", text, before)
			}
			before, count = text, count+1
		}
		if count != len(strings.Fields(before)) || count < 3 {
			t.Errorf("%d for %q", count, before)
		}
	})
}

func TestFaultBetaNames(t *testing.T) {
	a := sit(t, Faults{BetaNames: true})
	a.speaks(a.offered())
	a.passes(12 * time.Second)
	kinds := a.kinds()
	for _, kind := range []string{"conversation.item.created", "response.audio_transcript.done", "response.audio.done", "response.done"} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("no %s in %v", kind, kinds)
		}
	}
	for _, kind := range kinds {
		if kind == added || kind == done || strings.Contains(kind, "response.output_audio") {
			t.Errorf("%s is no name of the beta", kind)
		}
	}
}

func TestFaultGarbage(t *testing.T) {
	a := sit(t, Faults{Garbage: true})
	var raw []string
	a.talk.send = func(event []byte) { raw = append(raw, string(event)) }
	a.sends(`{"type":"response.create"}`)
	a.passes(10 * time.Second)
	if !slices.Contains(raw, garbage[0]) || !strings.Contains(raw[len(raw)-1], "output_audio_buffer.stopped") {
		t.Errorf("got %v", raw)
	}
}

func TestTurnDetectionIsObeyed(t *testing.T) {
	update := func(t *testing.T, turns string) *table {
		t.Helper()
		a := sit(t, Faults{})
		a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":%s}}}}`, turns)
		a.expect("session.updated")
		return a
	}
	for eagerness, wait := range map[string]time.Duration{
		"low": 1200 * time.Millisecond, "medium": 500 * time.Millisecond, "auto": 500 * time.Millisecond, "high": 300 * time.Millisecond,
	} {
		t.Run("eagerness "+eagerness, func(t *testing.T) {
			a := update(t, `{"type":"semantic_vad","eagerness":"`+eagerness+`"}`)
			a.speaks(time.Second)
			a.passes(wait - frame)
			a.expect(begun)
			a.passes(frame)
			a.last(ended)
		})
	}
	t.Run("no answer unless asked for", func(t *testing.T) {
		a := update(t, `{"type":"server_vad","create_response":false}`)
		a.speaks(a.offered())
		a.passes(2 * time.Second)
		a.expect(begun, ended, committed, added, done, completed)
	})
	t.Run("no interruption unless allowed", func(t *testing.T) {
		a := update(t, `{"type":"server_vad","interrupt_response":false}`)
		a.sends(`{"type":"response.create"}`)
		a.passes(time.Second)
		a.kinds()
		a.speaks(time.Second)
		if kinds := a.kinds(); slices.Contains(kinds, "output_audio_buffer.cleared") {
			t.Errorf("got %v", kinds)
		}
	})
	t.Run("what is too quiet for the threshold is not speech", func(t *testing.T) {
		a := update(t, `{"type":"server_vad","threshold":1}`)
		a.sounds(time.Second, loudest-1)
		a.expect()
		a.sounds(time.Second, loudest)
		a.expect(begun)
	})
	for timeout, accepted := range map[int]bool{4999: false, 5000: true, 30000: true, 30001: false} {
		t.Run(fmt.Sprintf("an idle timeout of %d ms", timeout), func(t *testing.T) {
			a := sit(t, Faults{})
			a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","idle_timeout_ms":%d}}}}}`, timeout)
			if got := slices.Contains(a.kinds(), "session.updated"); got != accepted {
				t.Errorf("accepted: %v", got)
			}
		})
	}
	t.Run("the idle timeout speaks up, once for each silence", func(t *testing.T) {
		a := update(t, `{"type":"server_vad","idle_timeout_ms":5000}`)
		a.sends(`{"type":"response.create"}`)
		a.passes(20 * time.Second)
		triggered := 0
		for _, kind := range a.kinds() {
			if kind == "input_audio_buffer.timeout_triggered" {
				triggered++
			}
		}
		if triggered < 1 || triggered > 3 {
			t.Errorf("triggered %d times", triggered)
		}
	})
}

func TestIdleTimeoutMakesItemsThatAreNoTurns(t *testing.T) {
	a := sit(t, Faults{})
	a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","idle_timeout_ms":5000}}}}}`)
	a.sends(`{"type":"response.create"}`)
	a.passes(5 * time.Second) // the tutor has spoken
	a.kinds()
	for !slices.ContainsFunc(a.events, func(e map[string]any) bool { return e["type"] == "response.created" }) {
		a.passes(frame)
	}
	a.kindsAre("input_audio_buffer.timeout_triggered", added, done, committed, added, done, "response.created")
	roles := []string{}
	for _, event := range a.events {
		if event["type"] == added {
			roles = append(roles, event["item"].(map[string]any)["role"].(string))
		}
	}
	if diff := cmp.Diff([]string{"system", "user"}, roles); diff != "" {
		t.Error(diff)
	}
}

// kindsAre compares like expect, without forgetting.
func (a *table) kindsAre(want ...string) {
	a.t.Helper()
	events := a.events
	var stopped []string
	for _, kind := range a.kinds() {
		if kind != "output_audio_buffer.stopped" {
			stopped = append(stopped, kind)
		}
	}
	a.events = events
	if diff := cmp.Diff(want, stopped); diff != "" {
		a.t.Error(diff)
	}
}

func TestHistoryIsNotSpokenAgain(t *testing.T) {
	script := sit(t, Faults{}).talk.lesson.script
	first, second := script.Exchanges[0], script.Exchanges[1]
	tell := func(a *table, role, kind, text string) {
		raw, err := json.Marshal(map[string]any{"type": "conversation.item.create", "item": map[string]any{
			"type": "message", "role": role, "content": []any{map[string]any{"type": kind, "text": text}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		a.sends("%s", raw)
	}
	says := func(a *table) string {
		a.t.Helper()
		a.sends(`{"type":"response.create"}`)
		a.passes(12 * time.Second)
		return a.last("response.output_audio_transcript.done")["transcript"].(string)
	}
	t.Run("turn by turn", func(t *testing.T) {
		a := sit(t, Faults{})
		tell(a, "assistant", "output_text", first.Tutor.Text)
		tell(a, "user", "input_text", first.Learner[0].Text)
		if got := says(a); got != second.Tutor.Text {
			t.Errorf("got %q", got)
		}
	})
	t.Run("packed into one message", func(t *testing.T) {
		a := sit(t, Faults{})
		tell(a, "user", "input_text", "Tutor: "+first.Tutor.Text+"\nLearner: "+first.Learner[1].Text)
		if got := says(a); got != second.Tutor.Text {
			t.Errorf("got %q", got)
		}
	})
	t.Run("when it ends with the tutor, whose turn it is not", func(t *testing.T) {
		a := sit(t, Faults{})
		tell(a, "assistant", "output_text", second.Tutor.Text)
		if a.talk.lesson.line().ID != second.Learner[0].ID {
			t.Errorf("the learner is offered %s", a.talk.lesson.line().ID)
		}
		if got := says(a); got != script.Again.Text {
			t.Errorf("got %q", got)
		}
	})
	t.Run("and adds no sound of its own", func(t *testing.T) {
		a := sit(t, Faults{})
		tell(a, "assistant", "output_text", first.Tutor.Text)
		a.passes(2 * time.Second)
		a.expect(added, done)
	})
}

func TestSpeed(t *testing.T) {
	line := sit(t, Faults{}).talk.voices["cafe-1-tutor"]
	for _, speed := range []float64{0.5, 0.75, 1, 1.2, 1.5} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			got := line.at(speed)
			least, most := int(float64(len(line))/speed)-2, int(float64(len(line))/speed)+2
			if speed > 1 { // pauses can only shrink so far
				most = len(line) - 1
			}
			if len(got) < least || len(got) > most {
				t.Errorf("%d packets, want %d to %d of %d", len(got), least, most, len(line))
			}
			voiced := func(v voice) (n int) {
				for _, packet := range v {
					if len(packet) > quiet {
						n++
					}
				}
				return n
			}
			if voiced(got) != voiced(line) {
				t.Errorf("%d voiced packets of %d", voiced(got), voiced(line))
			}
		})
	}
	for speed, refused := range map[float64]bool{0.24: true, 0.25: false, 1.5: false, 1.51: true} {
		t.Run(fmt.Sprintf("%v is refused: %v", speed, refused), func(t *testing.T) {
			a := sit(t, Faults{})
			a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"output":{"speed":%v}}}}`, speed)
			if got := slices.Contains(a.kinds(), "error"); got != refused {
				t.Errorf("refused: %v", got)
			}
		})
	}
	t.Run("makes what is heard longer", func(t *testing.T) {
		heard := func(speed string) int {
			a := sit(t, Faults{})
			a.sends(`{"type":"session.update","session":{"type":"realtime","audio":{"output":{"speed":%s}}}}`, speed)
			a.sends(`{"type":"response.create"}`)
			steps := 0
			for a.kinds(); !slices.Contains(a.kinds(), "output_audio_buffer.stopped"); steps++ {
				a.talk.step()
			}
			return steps
		}
		if usual, slow := heard("1"), heard("0.7"); slow < usual*5/4 {
			t.Errorf("%d steps, usually %d", slow, usual)
		}
	})
}
