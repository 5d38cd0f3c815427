package http

import (
	"math"
	"testing"

	"parley/events"
)

func TestUsage(t *testing.T) {
	used := events.Used{
		Responses:      map[string]int64{"output_audio": 1_000_000, "input_text": 5},
		Transcriptions: map[string]int64{"input_audio": 1_000_000, "input_text": 7},
	}
	mini := Models{Speech: "gpt-realtime-mini"}
	shown := &Server{config: Config{ShowCost: true, TranscriptionModel: "gpt-4o-mini-transcribe"}}
	t.Run("nothing is shown before anything was counted", func(t *testing.T) {
		if got := shown.usageOf(mini, events.Used{}); got != nil {
			t.Errorf("%+v", got)
		}
	})
	t.Run("tokens of both kinds are summed", func(t *testing.T) {
		got := (&Server{}).usageOf(mini, used)
		if got.Cost != nil || got.Tokens["input_text"] != 12 || got.Tokens["output_audio"] != 1_000_000 || used.Responses["input_text"] != 5 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("each model has its own price", func(t *testing.T) {
		got := shown.usageOf(mini, used).Cost
		if got == nil || math.Abs(got.Amount-(20+3+5*0.60e-6+7*1.25e-6)) > 1e-9 || got.Currency != "USD" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a transcription paid by the minute is part of it", func(t *testing.T) {
		s := &Server{config: Config{ShowCost: true, TranscriptionModel: "gpt-live-transcribe"}}
		got := s.usageOf(mini, events.Used{
			Responses: map[string]int64{"output_audio": 1_000_000}, Transcriptions: map[string]int64{"audio_ms": 120_000},
		}).Cost
		if got == nil || math.Abs(got.Amount-(20+2*0.017)) > 1e-9 || got.AsOf != "2026-10-01" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("one that was counted otherwise than it is paid shows none at all", func(t *testing.T) {
		if got := shown.usageOf(mini, events.Used{Transcriptions: map[string]int64{"audio_ms": 120_000}}).Cost; got != nil {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a transcription that is known is not priced by today's model", func(t *testing.T) {
		then := Models{"gpt-realtime-mini", "gpt-4o-mini-transcribe"}
		for _, today := range []string{"gpt-4o-transcribe", "gpt-live-transcribe", "my-deployment"} {
			s := &Server{config: Config{ShowCost: true, TranscriptionModel: today}}
			if got := s.usageOf(then, used).Cost; got == nil || math.Abs(got.Amount-(20+3+5*0.60e-6+7*1.25e-6)) > 1e-9 {
				t.Errorf("by %s: %+v", today, got)
			}
		}
	})
	t.Run("a price that is not known shows none at all", func(t *testing.T) {
		if got := shown.usageOf(Models{Speech: "my-deployment"}, used).Cost; got != nil {
			t.Errorf("%+v", got)
		}
		other := &Server{config: Config{ShowCost: true, TranscriptionModel: "my-deployment"}}
		if got := other.usageOf(mini, used).Cost; got != nil {
			t.Errorf("%+v", got)
		}
	})
}
