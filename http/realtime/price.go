package realtime

// Price is what a provider asks for a model's tokens, in a currency for a
// million of them.
type Price struct {
	// Model is the name as it is configured.
	Model string
	// What goes in, what of it was cached, and what comes out.
	InputText, InputAudio   float64
	CachedText, CachedAudio float64
	OutputText, OutputAudio float64
}

// The date and the source of [Prices], and what they are in (ISO 4217).
const (
	PricesAsOf     = "2026-10-01"
	PricesSource   = "https://platform.openai.com/docs/pricing"
	PricesCurrency = "USD"
)

// Prices are those of the models that Parley may be set up with, as OpenAI
// publishes them. A model that is not here has no known price.
func Prices() []Price {
	return []Price{
		{Model: "gpt-realtime-mini", InputText: 0.60, CachedText: 0.06, OutputText: 2.40, InputAudio: 10, CachedAudio: 0.30, OutputAudio: 20},
		{Model: "gpt-realtime", InputText: 4, CachedText: 0.40, OutputText: 16, InputAudio: 32, CachedAudio: 0.40, OutputAudio: 64},
		{Model: "gpt-4o-mini-transcribe", InputText: 1.25, OutputText: 5, InputAudio: 3},
		{Model: "gpt-4o-transcribe", InputText: 2.50, OutputText: 10, InputAudio: 6},
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

// Cost is what these tokens cost. Their kinds are those of a log's
// usage_recorded; what is cached is contained in what goes in.
func (p Price) Cost(tokens map[string]int64) float64 {
	sum := 0.0
	for kind, rate := range map[string]float64{
		"input_text": p.InputText, "input_audio": p.InputAudio,
		"output_text": p.OutputText, "output_audio": p.OutputAudio,
		"cached_text": p.CachedText - p.InputText, "cached_audio": p.CachedAudio - p.InputAudio,
	} {
		sum += float64(tokens[kind]) * rate
	}
	return sum / 1e6
}
