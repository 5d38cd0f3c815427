package events

import (
	"fmt"
	"maps"
)

// Report is one entry of the browser's outbox, decoded: what it says, as
// bodies (none when it says nothing that is kept).
type Report struct {
	N        int64
	Call     int // 0: of no call
	Bodies   []Body
	Skipped  string // the provider's type when this version does not know it
	Rejected Code   // why nothing of it can be kept; "" when it can
}

// Rejection says why one report was not taken; the others are.
type Rejection struct {
	N    int64 `json:"n"`
	Code Code  `json:"code"`
}

// Receipt is the answer to a batch of reports.
type Receipt struct {
	Accepted   int
	Duplicates int
	Rejected   []Rejection
	Through    int64 // all of 1…Through are in
}

// Receive takes reports from the browser's outbox. A number that is in already
// is a duplicate. What can't be kept, or names a call that never had a token,
// is rejected, yet its number is settled like that of every other report:
// sending it again would change nothing, and a session must not wait for it.
// It goes on after the session's end: only erasure refuses what arrives late.
func (s *Session) Receive(reports []Report) (drafts []Event, receipt Receipt) {
	var settled Numbers
	skipped := map[string]int{}
	batch := NewTranscript()
	for _, r := range reports {
		switch {
		case s.Received.Has(r.N) || settled.Has(r.N):
			receipt.Duplicates++
			continue
		case r.Rejected == "" && r.Call != 0 && s.Calls[r.Call] == nil:
			r.Rejected = CodeUnknownCall
		}
		settled = settled.With(Range{r.N, r.N})
		if r.Rejected != "" {
			receipt.Rejected = append(receipt.Rejected, Rejection{r.N, r.Rejected})
			continue
		}
		receipt.Accepted++
		if r.Skipped != "" {
			skipped[r.Skipped]++
		}
		for _, e := range s.draft(r) {
			if batch.knows(e, settled) {
				continue
			}
			batch.Evolve(e)
			drafts = append(drafts, e)
		}
	}
	if len(drafts) == 0 && !settled.Empty() {
		drafts = Draft(&OutboxReceived{Skipped: skipped})
		drafts[0].Via = ViaBrowser
	}
	if len(drafts) > 0 {
		drafts[0].Outbox = settled
	}
	receipt.Through = s.Received.Union(settled).Through()
	return drafts, receipt
}

// draft gives a report's events ids that derive from session and number, so
// that sending it again can never store them twice.
func (s *Session) draft(r Report) []Event {
	var drafts []Event
	for k, b := range r.Bodies {
		e := Event{ID: EventID(fmt.Sprintf("%s-%d-%d", s.ID, r.N, k)), Via: ViaBrowser, N: r.N, Body: b}
		if s.Turns.knows(e, s.held) || wordsCarried(b) {
			continue
		}
		drafts = append(drafts, e)
	}
	return drafts
}

// wordsCarried tells whether a body would tell the words of an earlier call again.
func wordsCarried(b Body) bool {
	t, is := b.(*SegmentTranscribed)
	return is && ItemKey{t.Call, t.Item}.Carried()
}

// knows tells whether an event would repeat what the transcript already has:
// providers report one text and one link several times, and what the browser
// reports the sideband hears too. What the sideband hears settles text and
// usage, so that it is kept until it was heard there itself. The transcript holds
// what the held numbers told: one between that is not among them may have brought
// another text, or yet bring it, behind which this one has to count again.
func (t *Transcript) knows(e Event, held Numbers) bool {
	rank := e.Rank()
	repeats := func(known int64) bool {
		if e.Via == ViaSideband {
			return known >= rankOfSideband
		}
		return known >= rank || held.Holds(Range{known, rank - 1})
	}
	switch b := e.Body.(type) {
	case *SegmentPlaced:
		it := t.Items[ItemKey{b.Call, b.Item}]
		return it != nil && it.Seen <= rank &&
			(b.Previous == nil || it.Previous.Known() && it.Previous.Rank <= rank) &&
			(b.Speaker == "" || b.Speaker == it.Speaker || it.Carried()) &&
			(b.Response == "" || b.Response == it.Response)
	case *SegmentTranscribed:
		it := t.Items[ItemKey{b.Call, b.Item}]
		if it == nil || it.Seen > rank {
			return false
		}
		known := it.Part(b.Part)
		return known.Status.Known() && known.Status.Value == b.Status && known.Text == b.Private.Text && repeats(known.Status.Rank)
	case *UsageRecorded:
		known := t.usage(b)
		if it := t.Items[ItemKey{b.Call, b.Item}]; it != nil && it.Seen > rank {
			return false
		}
		return known.Known() && maps.Equal(known.Value, b.Tokens) && repeats(known.Rank)
	}
	return e.Via == ViaSideband && t.measured(e.Body)
}

// usage is what was reported about the same use.
func (t *Transcript) usage(b *UsageRecorded) (known Ranked[map[string]int64]) {
	if r := t.Responses[ResponseKey{b.Call, b.Response}]; r != nil && b.Response != "" {
		return r.Usage
	}
	if it := t.Items[ItemKey{b.Call, b.Item}]; it != nil {
		known = it.Usage
	}
	return known
}

// measured tells whether a moment or a measure is known, from whomever.
func (t *Transcript) measured(body Body) bool {
	same := func(known Ranked[int64], told *int64) bool {
		return told == nil || known.Known() && known.Value == *told
	}
	switch b := body.(type) {
	case *SegmentTimed:
		it := t.Items[ItemKey{b.Call, b.Item}]
		return it != nil && same(it.Span.StartedCall, b.StartedCallMS) && same(it.Span.EndedCall, b.EndedCallMS)
	case *SegmentInterrupted:
		it := t.Items[ItemKey{b.Call, b.Item}]
		return it != nil && it.Interrupted && same(it.Heard, b.HeardMS)
	case *CallDescribed:
		call := t.Calls[b.Call]
		return call != nil && same(call.Padding, b.PrefixPaddingMS)
	}
	return false
}
