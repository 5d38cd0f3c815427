package events

const (
	// defaultPaddingMS is what both known providers report when asked for
	// nothing else (prefix_padding_ms in all recordings).
	defaultPaddingMS = 300
	// arrivalCountsMS: where a provider's start is further than this from the
	// arrival of its report, its clock is not believed (realtime page, "Times").
	arrivalCountsMS = 1500
)

// Until is the last moment that is known of any turn, on the recording's clock, which
// goes on although nothing is recorded any more; 0 when none is known.
func (t *Transcript) Until() (ms int64) {
	for _, s := range t.Segments(true) {
		for _, at := range []*int64{s.StartedMS, s.EndedMS} {
			if at != nil {
				ms = max(ms, *at)
			}
		}
	}
	return ms
}

// times fills in when a segment was spoken. The learner's times come from the
// provider's turn detection, on the call's clock plus the call's anchor; the
// tutor's from the arrival of the sound's events, which name the response.
func (t *Transcript) times(s *Segment, it *ItemFacts) {
	if s.Speaker == Tutor {
		if r := t.Responses[ResponseKey{it.Call, it.Response}]; it.Response != "" && r != nil {
			s.StartedMS, s.EndedMS = known(r.Span.StartedRec), known(r.Span.EndedRec)
			s.Interrupted = s.Interrupted || r.Cleared
		}
		return
	}
	s.StartedMS, s.EndedMS = t.heardFrom(it.Span, t.Calls[it.Call])
	if s.StartedMS != nil && s.EndedMS != nil && *s.EndedMS < *s.StartedMS {
		s.EndedMS = nil // clocks that run backwards give no end
	}
}

// heardFrom moves the learner's moments from the call's audio clock onto the
// recording's. The provider's start includes the padding, its end does not. Only
// the start tells whether that clock is to be believed: turn detection by meaning
// reports an end many seconds late.
func (t *Transcript) heardFrom(span Span, call *CallFacts) (started, ended *int64) {
	started, ended = known(span.StartedRec), known(span.EndedRec)
	if call == nil || !call.Anchor.Known() {
		return started, ended
	}
	if span.StartedCall.Known() {
		ms := call.Anchor.Value + span.StartedCall.Value + call.padding()
		if started != nil && max(ms-*started, *started-ms) > arrivalCountsMS {
			return started, ended
		}
		started = &ms
	}
	if span.EndedCall.Known() {
		ms := call.Anchor.Value + span.EndedCall.Value
		ended = &ms
	}
	return started, ended
}

func (c *CallFacts) padding() int64 {
	if c.Padding.Known() {
		return c.Padding.Value
	}
	return defaultPaddingMS
}

func known(r Ranked[int64]) *int64 {
	if !r.Known() {
		return nil
	}
	return &r.Value
}
