package realtime_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/http/realtime"
)

func TestRetiring(t *testing.T) {
	models := func(config realtime.Config) (models []string) {
		for _, r := range realtime.New(config).Retiring() {
			if models = append(models, r.Model); r.Source == "" || r.On.IsZero() {
				t.Errorf("%+v is not whole", r)
			}
		}
		return models
	}
	for name, test := range map[string]struct {
		config realtime.Config
		want   []string
	}{
		"the defaults":                {realtime.Config{}, []string{"gpt-realtime-mini", "gpt-4o-mini-transcribe"}},
		"the successors":              {realtime.Config{Model: "gpt-realtime-2.1-mini", TranscriptionModel: "gpt-live-transcribe"}, nil},
		"another server, same names":  {realtime.Config{Dialect: realtime.DialectLocalAI}, nil},
		"a transcription model alone": {realtime.Config{Model: "m", TranscriptionModel: "whisper-1"}, []string{"whisper-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, models(test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetirementSaysHowLongIsLeft(t *testing.T) {
	retirement := realtime.Retirement{Model: "old", On: time.Date(2027, 1, 20, 0, 0, 0, 0, time.UTC), Successor: "new"}
	for left, want := range map[time.Duration]string{
		25 * time.Hour: "old is switched off on 2027-01-20 (days left: 2); its successor is new",
		24 * time.Hour: "old is switched off on 2027-01-20 (days left: 1); its successor is new",
		time.Second:    "old is switched off on 2027-01-20 (days left: 1); its successor is new",
		0:              "old was switched off on 2027-01-20; its successor is new",
		-time.Hour:     "old was switched off on 2027-01-20; its successor is new",
	} {
		t.Run(left.String(), func(t *testing.T) {
			if got := retirement.Says(retirement.On.Add(-left)); got != want {
				t.Errorf("got %q", got)
			}
		})
	}
}
