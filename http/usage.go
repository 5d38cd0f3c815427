package http

import (
	"maps"

	"parley/events"
	"parley/http/realtime"
)

// usageOf is what a session used, and what that cost where it is to be shown
// and every price is known: a sum with a gap would be believed.
func (s *Server) usageOf(model string, used events.Used) *Usage {
	if len(used.Responses)+len(used.Transcriptions) == 0 {
		return nil
	}
	usage := &Usage{Tokens: maps.Clone(used.Responses)}
	for kind, n := range used.Transcriptions {
		usage.Tokens[kind] += n
	}
	if s.config.ShowCost {
		usage.Cost = costOf(model, s.config.TranscriptionModel, used)
	}
	return usage
}

// costOf is what it costs by the price list; nil where a price is not known.
func costOf(model, transcription string, used events.Used) *Cost {
	speaking, known := realtime.PriceOf(model)
	if !known {
		return nil
	}
	cost := &Cost{Amount: speaking.Cost(used.Responses), Currency: realtime.PricesCurrency, AsOf: realtime.PricesAsOf}
	if len(used.Transcriptions) == 0 {
		return cost
	}
	writing, known := realtime.PriceOf(transcription)
	if !known {
		return nil
	}
	cost.Amount += writing.Cost(used.Transcriptions)
	return cost
}
