package events_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"parley/events"
)

func ms(n int64) *int64 { return &n }

func named(item string) *string { return &item }

// reported makes the event that the browser's number n became.
func reported(n int64, body events.Body) events.Event {
	return events.Event{N: n, Via: events.ViaBrowser, Body: body}
}

func transcriptOf(evs ...events.Event) *events.Transcript {
	t := events.NewTranscript()
	for _, e := range evs {
		t.Evolve(e)
	}
	return t
}

// line is a segment in one word: "call/item speaker status".
func line(s events.Segment) string {
	return fmt.Sprintf("%d/%s %s %s", s.Call, s.Item, s.Speaker, s.Status)
}

func lines(t *events.Transcript, ended bool) []string {
	var got []string
	for _, s := range t.Segments(ended) {
		got = append(got, line(s))
	}
	return got
}

func TestSegmentsOrder(t *testing.T) {
	place := func(n int64, call int, item, previous string, who events.Speaker) events.Event {
		b := &events.SegmentPlaced{Call: call, Item: item, Speaker: who}
		if previous != "" {
			b.Previous = named(previous)
		}
		return reported(n, b)
	}
	text := func(n int64, item string) events.Event {
		return reported(n, &events.SegmentTranscribed{Call: 1, Item: item, Status: events.Final, Words: 1, Private: events.SegmentText{Text: item}})
	}
	for _, test := range []struct {
		name  string
		given []events.Event
		want  []string
	}{
		{"a chain reads from its beginning", []events.Event{
			place(1, 1, "a", "", events.Tutor), place(2, 1, "b", "a", events.Learner), place(3, 1, "c", "b", events.Tutor),
		}, []string{"1/a tutor missing", "1/b learner missing", "1/c tutor missing"}},
		{"a text that comes first does not lead", []events.Event{
			text(1, "b"), place(2, 1, "a", "", events.Tutor), place(3, 1, "b", "a", events.Learner),
		}, []string{"1/a tutor missing", "1/b learner final"}},
		{"a later call follows an earlier one", []events.Event{
			place(1, 2, "x", "", events.Tutor), place(2, 1, "a", "", events.Tutor),
		}, []string{"1/a tutor missing", "2/x tutor missing"}},
		{"an unknown predecessor waits at the end", []events.Event{
			place(1, 1, "z", "never", events.Learner), place(2, 1, "a", "", events.Tutor),
		}, []string{"1/a tutor missing", "1/z learner missing"}},
		{"what is no turn stays a link", []events.Event{
			place(1, 1, "a", "", events.Learner), place(2, 1, "tool", "a", events.NoSpeaker), place(3, 1, "b", "tool", events.Tutor),
		}, []string{"1/a learner missing", "1/b tutor missing"}},
		{"an idle timeout's empty item is no turn, whichever is told first", []events.Event{
			place(1, 1, "a", "", events.NoSpeaker), place(2, 1, "a", "", events.Learner),
		}, nil},
		{"a cycle ends, by first appearance", []events.Event{
			place(1, 1, "a", "b", events.Learner), place(2, 1, "b", "a", events.Tutor),
		}, []string{"1/a learner missing", "1/b tutor missing"}},
		{"an item that names itself is still told", []events.Event{place(1, 1, "a", "a", events.Learner)}, []string{"1/a learner missing"}},
		{"speech that was never committed comes last in its call", []events.Event{
			reported(1, &events.SegmentTimed{Call: 1, Item: "lost", StartedCallMS: ms(10), MeasuredBy: events.ByProvider}),
			place(2, 1, "a", "", events.Tutor),
			place(3, 2, "x", "", events.Tutor),
		}, []string{"1/a tutor missing", "1/lost learner missing", "2/x tutor missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := lines(transcriptOf(test.given...), true); !slices.Equal(got, test.want) {
				t.Fatalf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestSegmentsText(t *testing.T) {
	say := func(n int64, status events.TranscriptStatus, text string) events.Event {
		return reported(n, &events.SegmentTranscribed{Call: 1, Item: "a", Status: status, Private: events.SegmentText{Text: text}})
	}
	t.Run("a later text replaces, it never appends", func(t *testing.T) {
		got := transcriptOf(say(1, events.Final, "one"), say(2, events.Final, "one two")).Segments(false)
		if got[0].Facts.Text != "one two" {
			t.Fatalf("got %q", got[0].Facts.Text)
		}
	})
	t.Run("an earlier report that arrives later does not", func(t *testing.T) {
		got := transcriptOf(say(2, events.Final, "right"), say(1, events.Failed, "")).Segments(false)
		if got[0].Status != events.Final {
			t.Fatalf("got %s", got[0].Status)
		}
	})
	t.Run("a turn without text is pending until the end, then missing", func(t *testing.T) {
		tr := transcriptOf(reported(1, &events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Learner}))
		if open, ended := tr.Segments(false)[0].Status, tr.Segments(true)[0].Status; open != events.Pending || ended != events.Missing {
			t.Fatalf("open %s, ended %s", open, ended)
		}
	})
}

func TestSegmentTimes(t *testing.T) {
	connected := reported(1, &events.CallConnected{Call: 1, AtMS: 900, RecMS: ms(500)})
	started := func(call, rec int64) events.Event {
		return reported(2, &events.SegmentTimed{Call: 1, Item: "a", StartedCallMS: ms(call), StartedRecMS: ms(rec), MeasuredBy: events.ByProvider})
	}
	stopped := func(call, rec int64) events.Event {
		return reported(3, &events.SegmentTimed{Call: 1, Item: "a", EndedCallMS: ms(call), EndedRecMS: ms(rec), MeasuredBy: events.ByProvider})
	}
	for _, test := range []struct {
		name         string
		given        []events.Event
		begins, ends int64
	}{
		{"anchor, padding and the provider's clock", []events.Event{connected, started(1000, 1810), stopped(2000, 2520)}, 500 + 1000 + 300, 500 + 2000},
		{"the padding that the provider states", []events.Event{
			connected, reported(4, &events.CallDescribed{Call: 1, PrefixPaddingMS: ms(100)}), started(1000, 1610), stopped(2000, 2520),
		}, 500 + 1000 + 100, 500 + 2000},
		{"1500 ms from the arrival is still believed", []events.Event{connected, started(1000, 1800+1500), stopped(3000, 3520)}, 1800, 3500},
		{"1501 ms from the arrival is not", []events.Event{connected, started(1000, 1800+1501), stopped(3000, 3520)}, 3301, 3500},
		{"without an anchor the arrival counts", []events.Event{started(1000, 1800), stopped(2000, 2500)}, 1800, 2500},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := transcriptOf(test.given...).Segments(true)[0]
			if s.StartedMS == nil || s.EndedMS == nil || *s.StartedMS != test.begins || *s.EndedMS != test.ends {
				t.Fatalf("got %v–%v, want %d–%d", value(s.StartedMS), value(s.EndedMS), test.begins, test.ends)
			}
		})
	}
	t.Run("times that run backwards give no end", func(t *testing.T) {
		s := transcriptOf(connected, started(5000, 5800), stopped(2000, 2500)).Segments(true)[0]
		if s.StartedMS == nil || s.EndedMS != nil {
			t.Fatalf("got %v–%v", value(s.StartedMS), value(s.EndedMS))
		}
	})
	t.Run("the tutor's times are the arrivals of her sound", func(t *testing.T) {
		s := transcriptOf(
			reported(1, &events.SegmentTimed{Call: 1, Response: "r", StartedRecMS: ms(100), MeasuredBy: events.ByArrival}),
			reported(2, &events.SegmentTimed{Call: 1, Response: "r", EndedRecMS: ms(900), MeasuredBy: events.ByArrival, ClearedByVoice: true}),
			reported(3, &events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Tutor, Response: "r"}),
		).Segments(true)[0]
		if *s.StartedMS != 100 || *s.EndedMS != 900 || !s.Interrupted {
			t.Fatalf("got %+v", s)
		}
	})
}

func value(p *int64) any {
	if p == nil {
		return "none"
	}
	return *p
}

// Any order of arrival, any repetition, gives the same segments.
func TestSegmentsAreTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := conversation(t)
		want := describe(transcriptOf(given...))
		seed := rapid.Uint64().Draw(t, "seed")
		shuffled := append(slices.Clone(given), given[:rapid.IntRange(0, len(given)).Draw(t, "repeated")]...)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := describe(transcriptOf(shuffled...)); !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

func describe(t *events.Transcript) []string {
	var all []string
	for _, s := range t.Segments(true) {
		all = append(all, fmt.Sprintf("%s %q %v-%v %v %v", line(s), s.Facts.Text, value(s.StartedMS), value(s.EndedMS), s.Interrupted, value(s.HeardMS)))
	}
	return all
}

// conversation draws reports, also ones that contradict each other.
func conversation(t *rapid.T) []events.Event {
	who := rapid.SampledFrom([]events.Speaker{events.Learner, events.Tutor, events.NoSpeaker})
	item := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	var given []events.Event
	for n := range rapid.IntRange(1, 40).Draw(t, "events") {
		call, it := rapid.IntRange(1, 2).Draw(t, "call"), item.Draw(t, "item")
		var b events.Body
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			b = &events.SegmentPlaced{Call: call, Item: it, Previous: named(item.Draw(t, "previous")), Speaker: who.Draw(t, "speaker")}
		case 1:
			b = &events.SegmentPlaced{Call: call, Item: it, Speaker: who.Draw(t, "speaker"), Response: "r" + item.Draw(t, "response")}
		case 2:
			b = &events.SegmentTranscribed{Call: call, Item: it, Status: events.Final, Private: events.SegmentText{Text: fmt.Sprint(n)}}
		case 3:
			b = &events.SegmentTimed{Call: call, Item: it, Response: "r" + it, StartedCallMS: ms(int64(n)), EndedRecMS: ms(int64(n * 2)), MeasuredBy: events.ByArrival}
		case 4:
			b = &events.SegmentInterrupted{Call: call, Item: it, HeardMS: ms(int64(n))}
		}
		given = append(given, reported(int64(n+1), b))
	}
	return given
}
