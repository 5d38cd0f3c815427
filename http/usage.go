package http

import (
	"maps"

	"parley/events"
	"parley/http/realtime"
)

// usageOf is what a session used, for its learner: the cost stands there where the
// operator wishes it.
func (s *Server) usageOf(model string, used events.Used) *Usage {
	usage := UsageOf(model, s.config.TranscriptionModel, used)
	if usage != nil && !s.config.ShowCost {
		usage.Cost = nil
	}
	return usage
}

// UsageOf is what a session used, and what that cost where every price is known: a
// sum with a gap would be believed. Nil before anything was counted.
func UsageOf(model, transcription string, used events.Used) *Usage {
	if len(used.Responses)+len(used.Transcriptions) == 0 {
		return nil
	}
	usage := &Usage{Tokens: maps.Clone(used.Responses), Cost: costOf(model, transcription, used)}
	for kind, n := range used.Transcriptions {
		usage.Tokens[kind] += n
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
