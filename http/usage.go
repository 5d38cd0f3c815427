package http

import (
	"cmp"
	"maps"

	"parley/events"
	"parley/http/realtime"
)

// Models are those that a session uses at its provider.
type Models struct {
	Speech        string
	Transcription string // empty: not known
}

// usageOf is what a session used, for its learner: the cost stands there where the
// operator wishes it.
func (s *Server) usageOf(models Models, used events.Used) *Usage {
	usage := UsageOf(models, s.config.TranscriptionModel, used)
	if usage != nil && !s.config.ShowCost {
		usage.Cost = nil
	}
	return usage
}

// UsageOf is what a session used, and what that cost where every price is known: a
// sum with a gap would be believed. The transcription model of today stands for one
// that is not known. Nil before anything was counted.
func UsageOf(models Models, today string, used events.Used) *Usage {
	if len(used.Responses)+len(used.Transcriptions) == 0 {
		return nil
	}
	models.Transcription = cmp.Or(models.Transcription, today)
	usage := &Usage{Tokens: map[string]int64{}, Cost: costOf(models, used)}
	maps.Copy(usage.Tokens, used.Responses)
	for kind, n := range used.Transcriptions {
		usage.Tokens[kind] += n
	}
	return usage
}

// costOf is what it costs by the price list, as of the older of its prices; nil
// where a price is not known.
func costOf(models Models, used events.Used) *Cost {
	cost := &Cost{Currency: realtime.PricesCurrency}
	for _, part := range []struct {
		model   string
		counted map[string]int64
	}{{models.Speech, used.Responses}, {models.Transcription, used.Transcriptions}} {
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
