package events

import (
	"maps"
	"slices"
	"strings"
)

// PartFacts is what was reported of the text of one part of an item.
type PartFacts struct {
	Status    Ranked[TranscriptStatus]
	Words     int
	Text      string // opened text; read models hold it sealed instead
	TextEvent Event  // the event that settled the text: its id and sealed bytes
}

// Part is what is known of a part.
func (it *ItemFacts) Part(index int) PartFacts {
	if more := it.More[index]; more != nil {
		return *more
	}
	if index > 0 {
		return PartFacts{}
	}
	return it.PartFacts
}

// Parts are those of which a text, or that there is none, was told, in order.
func (it *ItemFacts) Parts() []*PartFacts {
	var told []*PartFacts
	if it.Status.Known() {
		told = append(told, &it.PartFacts)
	}
	for _, index := range slices.Sorted(maps.Keys(it.More)) {
		told = append(told, it.More[index])
	}
	return told
}

// Said is the opened text of all parts.
func (it *ItemFacts) Said() string {
	var texts []string
	for _, p := range it.Parts() {
		texts = append(texts, p.Text)
	}
	return JoinParts(texts)
}

// JoinParts makes one text of those of an item's parts.
func JoinParts(texts []string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), " ")
}

func (it *ItemFacts) words() (sum int) {
	for _, p := range it.Parts() {
		sum += p.Words
	}
	return sum
}

// weight settles what an item is whose parts differ: words anywhere are words, and
// what the partner prompted stays prompted.
var weight = map[TranscriptStatus]int{Empty: 1, Failed: 2, Final: 3, Prompted: 4}

// settled is the status of all parts together; that of none is unsettled.
func (it *ItemFacts) settled(unsettled TranscriptStatus) TranscriptStatus {
	status := unsettled
	for _, p := range it.Parts() {
		if weight[p.Status.Value] > weight[status] {
			status = p.Status.Value
		}
	}
	return status
}

// hasWords tells whether anybody was heard.
func (it *ItemFacts) hasWords() bool { return weight[it.settled("")] >= weight[Final] }

func (it *ItemFacts) transcribe(e Event, b *SegmentTranscribed, rank int64) {
	if it.Carried() {
		return
	}
	if rank < it.Part(b.Part).Status.Rank {
		return
	}
	settled := PartFacts{Ranked[TranscriptStatus]{b.Status, rank}, b.Words, b.Private.Text, e}
	if b.Part == 0 {
		it.PartFacts = settled
		return
	}
	if it.More == nil {
		it.More = map[int]*PartFacts{}
	}
	it.More[b.Part] = &settled
}
