package realtime_test

import (
	"math"
	"testing"
	"time"

	"parley/http/realtime"
)

func TestPrices(t *testing.T) {
	for _, p := range realtime.Prices() {
		if _, err := time.Parse(time.DateOnly, p.AsOf); err != nil {
			t.Error(err)
		}
	}
	models := []string{realtime.DefaultModel, realtime.DefaultTranscriptionModel}
	for _, r := range realtime.Retirements() {
		models = append(models, r.Model, r.Successor)
	}
	for _, model := range models {
		if _, known := realtime.PriceOf(model); !known {
			t.Errorf("%s has no price", model)
		}
	}
	if _, known := realtime.PriceOf("my-deployment"); known {
		t.Error("a model that nobody knows has a price")
	}
}

func TestCost(t *testing.T) {
	price := realtime.Price{InputText: 1, InputAudio: 10, CachedText: 0.5, CachedAudio: 2, OutputText: 4, OutputAudio: 20}
	for name, test := range map[string]struct {
		counted map[string]int64
		want    float64
	}{
		"nothing costs nothing":                   {nil, 0},
		"each kind has its price":                 {map[string]int64{"input_text": 1e6, "input_audio": 1e6, "output_text": 1e6, "output_audio": 1e6}, 35},
		"what is cached is paid for only as that": {map[string]int64{"input_audio": 3e6, "cached_audio": 1e6}, 22},
		"sums are not counted again":              {map[string]int64{"input": 5e6, "output": 5e6, "output_text": 1e6}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got, known := price.Cost(test.counted); !known || math.Abs(got-test.want) > 1e-9 {
				t.Errorf("%v, %v", got, known)
			}
		})
	}
	byMinute := realtime.Price{Minute: 0.6}
	t.Run("audio is paid by the minute", func(t *testing.T) {
		if got, known := byMinute.Cost(map[string]int64{"audio_ms": 90_000}); !known || math.Abs(got-0.9) > 1e-9 {
			t.Errorf("%v, %v", got, known)
		}
	})
	t.Run("what was counted in another measure has no price", func(t *testing.T) {
		if got, known := byMinute.Cost(map[string]int64{"input_audio": 5}); known {
			t.Error(got)
		}
		if got, known := price.Cost(map[string]int64{"audio_ms": 5}); known {
			t.Error(got)
		}
	})
}
