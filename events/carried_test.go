package events_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"parley/events"
)

// carriedOver is what a page reports of a second call into which two turns of
// the first were carried, and a third one spoken.
func carriedOver() []events.Body {
	text := func(item, words string) *events.SegmentTranscribed {
		return &events.SegmentTranscribed{Call: 2, Item: item, Status: events.Final, Words: 1, Private: events.SegmentText{Text: words}}
	}
	return []events.Body{
		&events.SegmentPlaced{Call: 2, Item: "carried_1", Speaker: events.Tutor},
		text("carried_1", "Hello"),
		&events.SegmentPlaced{Call: 2, Item: "carried_2", Previous: named("carried_1"), Speaker: events.Learner},
		text("carried_2", "Hi"),
		&events.SegmentTimed{Call: 2, Item: "carried_2", StartedRecMS: ms(5), EndedRecMS: ms(5), MeasuredBy: events.ByArrival},
		&events.SegmentPlaced{Call: 2, Item: "a", Previous: named("carried_2"), Speaker: events.Tutor},
		text("a", "So"),
		&events.SegmentPlaced{Call: 2, Item: "b", Previous: named("a"), Speaker: events.Learner},
		text("b", "Yes"),
	}
}

func TestCarriedItems(t *testing.T) {
	t.Run("are links in any order of arrival, and never turns", func(t *testing.T) {
		var evs []events.Event
		for i, body := range carriedOver() {
			evs = append(evs, reported(int64(i+1), body))
		}
		for range 200 {
			rand.Shuffle(len(evs), func(i, j int) { evs[i], evs[j] = evs[j], evs[i] })
			if got := lines(transcriptOf(evs...), true); !slices.Equal(got, []string{"2/a tutor final", "2/b learner final"}) {
				t.Fatalf("%q", got)
			}
		}
	})
	t.Run("leave no word in the log", func(t *testing.T) {
		s := events.NewSession("01JSESS0000000000000000000")
		s.Evolve(events.Event{Body: &events.SessionStarted{Learner: "l"}})
		s.Evolve(events.Event{Body: &events.TokenRefreshed{Call: 2}})
		drafts, receipt := s.Receive([]events.Report{{N: 1, Call: 2, Bodies: carriedOver()}})
		if receipt.Accepted != 1 {
			t.Fatalf("%+v", receipt)
		}
		for _, d := range drafts {
			if b, is := d.Body.(*events.SegmentTranscribed); is && strings.HasPrefix(b.Item, events.CarriedPrefix) {
				t.Errorf("kept %q", b.Private.Text)
			}
		}
	})
	t.Run("told alone, only settle their number", func(t *testing.T) {
		s := events.NewSession("01JSESS0000000000000000000")
		s.Evolve(events.Event{Body: &events.TokenRefreshed{Call: 2}})
		drafts, _ := s.Receive([]events.Report{{N: 1, Call: 2, Bodies: carriedOver()[1:2]}})
		if len(drafts) != 1 || drafts[0].Body.Kind() != events.KindOutboxReceived {
			t.Fatalf("%+v", drafts)
		}
	})
}
