package events

import "strings"

// ItemKey names an item of the provider's conversation within a session.
type ItemKey struct {
	Call int
	Item string
}

// CarriedPrefix begins the ids that a page gives to the turns which it creates
// again in a new call, so that the tutor knows what was said. Such an item is a
// link in the chain and nothing else: its words are told once, in their own call.
const CarriedPrefix = "carried_"

// Carried tells whether an item was carried over from an earlier call.
func (k ItemKey) Carried() bool { return strings.HasPrefix(k.Item, CarriedPrefix) }

// ResponseKey names a response of the provider within a session.
type ResponseKey struct {
	Call     int
	Response string
}

// Ranked is a value with the rank of the event that reported it.
type Ranked[T any] struct {
	Value T
	Rank  int64 // 0: not known
}

// first keeps the report of the lowest rank, last that of the highest. Both
// give the same answer in any order of arrival.
func (r *Ranked[T]) first(v T, rank int64) {
	if r.Rank == 0 || rank < r.Rank {
		*r = Ranked[T]{v, rank}
	}
}

func (r *Ranked[T]) last(v T, rank int64) {
	if rank >= r.Rank {
		*r = Ranked[T]{v, rank}
	}
}

// Known tells whether anything was reported.
func (r Ranked[T]) Known() bool { return r.Rank > 0 }

// Span is when something was heard, as raw observations.
type Span struct {
	StartedCall Ranked[int64] // ms on the call's audio clock
	EndedCall   Ranked[int64]
	StartedRec  Ranked[int64] // ms on the recording's clock, at arrival
	EndedRec    Ranked[int64]
}

// ItemFacts is all that was reported about one item, in any order.
type ItemFacts struct {
	ItemKey
	Seen        int64 // lowest rank that named the item
	Previous    Ranked[string]
	Speaker     Speaker
	Response    string
	PartFacts                      // of the first part
	More        map[int]*PartFacts // of later ones, by their place in the content
	Span        Span
	Interrupted bool
	Heard       Ranked[int64]
	Usage       Ranked[map[string]int64] // what its transcription cost, by kind
}

// CallFacts is all that was reported about one call.
type CallFacts struct {
	Call    int
	Anchor  Ranked[int64] // rec_ms, or at_ms without a recording, when it connected
	Padding Ranked[int64] // ms that the provider adds before speech
}

// ResponseFacts is all that was reported about one response.
type ResponseFacts struct {
	ResponseKey
	Span    Span
	Cleared bool
	Usage   Ranked[map[string]int64] // what it cost, by kind
}

// Transcript gathers what was reported about a session's turns. It may be
// built in any order, from any batching, with repetitions: the segments are
// the same.
type Transcript struct {
	Items     map[ItemKey]*ItemFacts
	Calls     map[int]*CallFacts
	Responses map[ResponseKey]*ResponseFacts
}

// NewTranscript is empty.
func NewTranscript() *Transcript {
	return &Transcript{map[ItemKey]*ItemFacts{}, map[int]*CallFacts{}, map[ResponseKey]*ResponseFacts{}}
}

// Evolve takes in one event of the session; other kinds are passed over.
func (t *Transcript) Evolve(e Event) {
	rank := e.Rank()
	switch b := e.Body.(type) {
	case *CallConnected:
		anchor := b.AtMS
		if b.RecMS != nil {
			anchor = *b.RecMS
		}
		t.call(b.Call).Anchor.first(anchor, rank)
	case *CallDescribed:
		if b.PrefixPaddingMS != nil {
			t.call(b.Call).Padding.last(*b.PrefixPaddingMS, rank)
		}
	case *SegmentPlaced:
		t.item(ItemKey{b.Call, b.Item}, rank).place(b, rank)
	case *SegmentTranscribed:
		t.item(ItemKey{b.Call, b.Item}, rank).transcribe(e, b, rank)
	case *SegmentTimed:
		t.time(b, rank)
	case *UsageRecorded:
		t.use(b, rank)
	case *SegmentInterrupted:
		it := t.item(ItemKey{b.Call, b.Item}, rank)
		it.Interrupted = true
		if b.HeardMS != nil {
			it.Heard.last(*b.HeardMS, rank)
		}
	}
}

func (t *Transcript) item(key ItemKey, rank int64) *ItemFacts {
	it, known := t.Items[key]
	if !known {
		it = &ItemFacts{ItemKey: key, Seen: rank}
		if key.Carried() {
			it.Speaker = NoSpeaker
		}
		t.Items[key] = it
	}
	it.Seen = min(it.Seen, rank)
	return it
}

func (t *Transcript) call(n int) *CallFacts {
	c, known := t.Calls[n]
	if !known {
		c = &CallFacts{Call: n}
		t.Calls[n] = c
	}
	return c
}

func (it *ItemFacts) place(b *SegmentPlaced, rank int64) {
	if b.Previous != nil {
		it.Previous.first(*b.Previous, rank)
	}
	if b.Response != "" && (it.Response == "" || b.Response < it.Response) {
		it.Response = b.Response
	}
	if precedence[b.Speaker] > precedence[it.Speaker] {
		it.Speaker = b.Speaker
	}
}

// precedence settles links that contradict each other, whichever came first:
// "no turn after all" is said later and on purpose.
var precedence = map[Speaker]int{"": 0, Learner: 1, Tutor: 2, NoSpeaker: 3}

func (t *Transcript) time(b *SegmentTimed, rank int64) {
	if b.Item != "" {
		t.item(ItemKey{b.Call, b.Item}, rank).Span.observe(b, rank)
	}
	if b.Response == "" {
		return
	}
	r := t.response(ResponseKey{b.Call, b.Response})
	r.Span.observe(b, rank)
	r.Cleared = r.Cleared || b.ClearedByVoice
}

func (t *Transcript) response(key ResponseKey) *ResponseFacts {
	r, known := t.Responses[key]
	if !known {
		r = &ResponseFacts{ResponseKey: key}
		t.Responses[key] = r
	}
	return r
}

// use keeps the last count of each use: a provider may tell it twice.
func (t *Transcript) use(b *UsageRecorded, rank int64) {
	switch {
	case b.Response != "":
		t.response(ResponseKey{b.Call, b.Response}).Usage.last(b.Tokens, rank)
	case b.Item != "":
		t.item(ItemKey{b.Call, b.Item}, rank).Usage.last(b.Tokens, rank)
	}
}

func (s *Span) observe(b *SegmentTimed, rank int64) {
	for _, seen := range []struct {
		ms   *int64
		into *Ranked[int64]
	}{
		{b.StartedCallMS, &s.StartedCall}, {b.EndedCallMS, &s.EndedCall},
		{b.StartedRecMS, &s.StartedRec}, {b.EndedRecMS, &s.EndedRec},
	} {
		if seen.ms != nil {
			seen.into.last(*seen.ms, rank)
		}
	}
}

// Used is what all responses and all transcriptions of a session cost, by
// kind.
type Used struct {
	Responses      map[string]int64
	Transcriptions map[string]int64
}

// Used sums up what was counted, each use once.
func (t *Transcript) Used() Used {
	all := Used{map[string]int64{}, map[string]int64{}}
	add := func(to map[string]int64, tokens Ranked[map[string]int64]) {
		for kind, n := range tokens.Value {
			to[kind] += n
		}
	}
	for _, r := range t.Responses {
		add(all.Responses, r.Usage)
	}
	for _, it := range t.Items {
		add(all.Transcriptions, it.Usage)
	}
	return all
}

// Segment is one turn as readers see it.
type Segment struct {
	ItemKey
	Speaker     Speaker
	Status      TranscriptStatus
	Words       int
	StartedMS   *int64 // on the recording's clock, or the session's without one
	EndedMS     *int64
	Interrupted bool
	HeardMS     *int64
	Facts       *ItemFacts // where the text, or its sealed bytes, are found
}

// Segments gives the turns in order (realtime page, "Turn order"). Of a
// session that has ended, a turn without text reads as missing, else pending.
func (t *Transcript) Segments(ended bool) []Segment {
	unsettled := Pending
	if ended {
		unsettled = Missing
	}
	var turns []Segment
	for _, it := range t.inOrder() {
		if it.speaker() == NoSpeaker || t.recreated(it) {
			continue
		}
		turns = append(turns, t.segment(it, unsettled))
	}
	return turns
}

func (t *Transcript) segment(it *ItemFacts, unsettled TranscriptStatus) Segment {
	s := Segment{
		ItemKey: it.ItemKey, Speaker: it.speaker(), Status: it.settled(unsettled), Words: it.words(),
		Interrupted: it.Interrupted, Facts: it,
	}
	if it.Heard.Known() {
		s.HeardMS = &it.Heard.Value
	}
	t.times(&s, it)
	return s
}
