package realtime_test

import (
	"math"
	"testing"
	"time"

	"parley/http/realtime"
)

func TestPrices(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, realtime.PricesAsOf); err != nil {
		t.Error(err)
	}
	for _, model := range []string{realtime.DefaultModel, realtime.DefaultTranscriptionModel} {
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
		tokens map[string]int64
		want   float64
	}{
		"nothing costs nothing":                   {nil, 0},
		"each kind has its price":                 {map[string]int64{"input_text": 1e6, "input_audio": 1e6, "output_text": 1e6, "output_audio": 1e6}, 35},
		"what is cached is paid for only as that": {map[string]int64{"input_audio": 3e6, "cached_audio": 1e6}, 22},
		"sums are not counted again":              {map[string]int64{"input": 5e6, "output": 5e6, "output_text": 1e6}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got := price.Cost(test.tokens); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("%v", got)
			}
		})
	}
}
