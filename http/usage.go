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
	usage := &Usage{Tokens: map[string]int64{}, Cost: costOf(model, transcription, used)}
	maps.Copy(usage.Tokens, used.Responses)
	for kind, n := range used.Transcriptions {
		usage.Tokens[kind] += n
	}
	return usage
}

// costOf is what it costs by the price list, as of the older of its prices; nil
// where a price is not known.
func costOf(model, transcription string, used events.Used) *Cost {
	cost := &Cost{Currency: realtime.PricesCurrency}
	for _, part := range []struct {
		model   string
		counted map[string]int64
	}{{model, used.Responses}, {transcription, used.Transcriptions}} {
		if len(part.counted) == 0 {
			continue
		}
		price, known := realtime.PriceOf(part.model)
		if !known {
			return nil
		}
		amount, known := price.Cost(part.counted)
		if !known {
			return nil
		}
		cost.Amount += amount
		if cost.AsOf == "" || price.AsOf < cost.AsOf {
			cost.AsOf = price.AsOf
		}
	}
	return cost
}
