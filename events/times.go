package events

const (
	// defaultPaddingMS is what both known providers report when asked for
	// nothing else (prefix_padding_ms in all recordings).
	defaultPaddingMS = 300
	// arrivalCountsMS: a provider's time further than this from the arrival of
	// its report is not believed (realtime page, "Times").
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
	call := t.Calls[it.Call]
	s.StartedMS = t.onRecording(it.Span.StartedCall, it.Span.StartedRec, call, true)
	s.EndedMS = t.onRecording(it.Span.EndedCall, it.Span.EndedRec, call, false)
	if s.StartedMS != nil && s.EndedMS != nil && *s.EndedMS < *s.StartedMS {
		s.EndedMS = nil // clocks that run backwards give no end
	}
}

// onRecording moves a moment of the call's audio clock onto the recording's.
// The provider's start includes the padding, its end does not.
func (t *Transcript) onRecording(onCall, arrived Ranked[int64], call *CallFacts, isStart bool) *int64 {
	if !onCall.Known() || call == nil || !call.Anchor.Known() {
		return known(arrived)
	}
	ms := call.Anchor.Value + onCall.Value
	if isStart {
		ms += call.padding()
	}
	if arrived.Known() && max(ms-arrived.Value, arrived.Value-ms) > arrivalCountsMS {
		return known(arrived)
	}
	return &ms
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
