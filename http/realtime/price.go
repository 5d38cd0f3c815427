package realtime

// Price is what a provider asks for a model: for a million tokens, or for a minute
// of audio.
type Price struct {
	// Model is the name as it is configured.
	Model string
	// AsOf is when it was read, as a date.
	AsOf string
	// What goes in, what of it was cached, and what comes out, in tokens.
	InputText, InputAudio   float64
	CachedText, CachedAudio float64
	OutputText, OutputAudio float64
	// Minute is for one of audio, of a model that is paid by that.
	Minute float64
}

// What [Prices] are in (ISO 4217), and where they are published.
const (
	PricesCurrency = "USD"
	PricesSource   = "https://developers.openai.com/api/docs/models"
)

// Prices are those of the models that Parley may be set up with, as OpenAI
// publishes them. A model that is not here has no known price.
func Prices() []Price {
	const autumn, winter = "2026-10-01", "2026-11-30"
	return []Price{
		{Model: "gpt-realtime-mini", AsOf: autumn, InputText: 0.60, CachedText: 0.06, OutputText: 2.40, InputAudio: 10, CachedAudio: 0.30, OutputAudio: 20},
		{Model: "gpt-realtime", AsOf: autumn, InputText: 4, CachedText: 0.40, OutputText: 16, InputAudio: 32, CachedAudio: 0.40, OutputAudio: 64},
		{Model: "gpt-realtime-2.1-mini", AsOf: winter, InputText: 0.60, CachedText: 0.06, OutputText: 2.40, InputAudio: 10, CachedAudio: 0.30, OutputAudio: 20},
		{Model: "gpt-realtime-2.1", AsOf: winter, InputText: 4, CachedText: 0.40, OutputText: 24, InputAudio: 32, CachedAudio: 0.40, OutputAudio: 64},
		{Model: "gpt-4o-mini-transcribe", AsOf: autumn, InputText: 1.25, OutputText: 5, InputAudio: 3},
		{Model: "gpt-4o-transcribe", AsOf: autumn, InputText: 2.50, OutputText: 10, InputAudio: 6},
		{Model: "whisper-1", AsOf: winter, Minute: 0.006},
		{Model: "gpt-realtime-whisper", AsOf: winter, Minute: 0.017},
		{Model: "gpt-live-transcribe", AsOf: winter, Minute: 0.017},
		{Model: "gpt-transcribe", AsOf: winter, Minute: 0.0045},
	}
}

// PriceOf finds a model's price; false: it is not known.
func PriceOf(model string) (Price, bool) {
	for _, p := range Prices() {
		if p.Model == model {
			return p, true
		}
	}
	return Price{}, false
}

// Cost is what this costs. The kinds are those of a log's usage_recorded; what is
// cached is contained in what goes in. False: it was counted in another measure
// than the one that has a price.
func (p Price) Cost(counted map[string]int64) (cost float64, known bool) {
	const minute = 60_000 // ms
	for kind, rate := range map[string]float64{
		"input_text": p.InputText, "input_audio": p.InputAudio,
		"output_text": p.OutputText, "output_audio": p.OutputAudio,
		"cached_text": p.CachedText - p.InputText, "cached_audio": p.CachedAudio - p.InputAudio,
	} {
		if counted[kind] > 0 && p.Minute > 0 {
			return 0, false
		}
		cost += float64(counted[kind]) * rate / 1e6
	}
	if counted["audio_ms"] > 0 && p.Minute == 0 {
		return 0, false
	}
	return cost + float64(counted["audio_ms"])*p.Minute/minute, true
}
