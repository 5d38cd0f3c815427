package events_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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
	speech := func(n int64, call int, item string) events.Event {
		return reported(n, &events.SegmentTimed{Call: call, Item: item, StartedCallMS: ms(10), MeasuredBy: events.ByProvider})
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
			speech(1, 1, "lost"),
			place(2, 1, "a", "", events.Tutor),
			place(3, 2, "x", "", events.Tutor),
		}, []string{"1/a tutor missing", "1/lost learner missing", "2/x tutor missing"}},
		{"speech that was never committed comes behind what waits, and behind a cycle", []events.Event{
			speech(1, 1, "lost"), place(2, 1, "a", "", events.Tutor), place(3, 1, "z", "never", events.Learner),
			place(4, 1, "x", "y", events.Learner), place(5, 1, "y", "x", events.Tutor),
		}, []string{"1/a tutor missing", "1/z learner missing", "1/x learner missing", "1/y tutor missing", "1/lost learner missing"}},
		{"speech of which only the commit was lost stands before what follows it", []events.Event{
			place(1, 1, "a", "", events.Tutor), speech(2, 1, "b"), place(3, 1, "c", "b", events.Tutor), speech(4, 1, "d"), text(5, "d"), place(6, 1, "e", "never", events.Tutor),
		}, []string{"1/a tutor missing", "1/b learner missing", "1/c tutor missing", "1/d learner final", "1/e tutor missing"}},
		{"an item that was put between two others is read there", []events.Event{
			place(1, 1, "a", "", events.Tutor), place(2, 1, "b", "a", events.Learner), place(3, 1, "c", "b", events.Tutor),
			place(4, 1, "between", "a", events.Learner), place(5, 1, "d", "c", events.Learner),
		}, []string{"1/a tutor missing", "1/between learner missing", "1/b learner missing", "1/c tutor missing", "1/d learner missing"}},
		{"so is a row of them", []events.Event{
			place(1, 1, "a", "", events.Tutor), place(2, 1, "b", "a", events.Learner), place(3, 1, "c", "b", events.Tutor),
			place(4, 1, "one", "a", events.Learner), place(5, 1, "two", "one", events.Learner),
		}, []string{"1/a tutor missing", "1/one learner missing", "1/two learner missing", "1/b learner missing", "1/c tutor missing"}},
		{"and two, of which the later one was put before the other", []events.Event{
			place(1, 1, "a", "", events.Tutor), place(2, 1, "b", "a", events.Learner), place(3, 1, "c", "b", events.Tutor),
			place(4, 1, "second", "a", events.Learner), place(5, 1, "first", "a", events.Learner),
		}, []string{"1/a tutor missing", "1/first learner missing", "1/second learner missing", "1/b learner missing", "1/c tutor missing"}},
		{"an answer that was dropped without a word stays before what took its place", []events.Event{
			place(1, 1, "a", "", events.Learner), place(2, 1, "dropped", "a", events.Tutor),
			place(3, 1, "b", "a", events.Learner), place(4, 1, "c", "b", events.Tutor),
		}, []string{"1/a learner missing", "1/dropped tutor missing", "1/b learner missing", "1/c tutor missing"}},
		{"words in an item of the idle timeout are a turn", []events.Event{
			place(1, 1, "a", "", events.NoSpeaker), place(2, 1, "a", "", events.Learner), text(3, "a"),
		}, []string{"1/a learner final"}},
		{"turns that a client created again under their ids are told once", []events.Event{
			place(1, 1, "a", "", events.Tutor), text(2, "a"), speech(3, 1, "b"), place(4, 1, "b", "a", events.Learner),
			place(5, 2, "a", "", events.Tutor), place(6, 2, "b", "a", events.Learner), place(7, 2, "c", "b", events.Tutor),
		}, []string{"1/a tutor final", "1/b learner missing", "2/c tutor missing"}},
		{"a server that gives its ids anew in each call loses no turn", []events.Event{
			speech(1, 1, "a"), place(2, 1, "a", "", events.Learner), place(3, 1, "b", "a", events.Tutor),
			speech(4, 2, "a"), place(5, 2, "a", "", events.Learner),
			reported(6, &events.SegmentPlaced{Call: 2, Item: "b", Previous: named("a"), Speaker: events.Tutor, Response: "r"}),
			reported(7, &events.SegmentPlaced{Call: 2, Item: "c", Previous: named("b"), Speaker: events.Learner}),
			place(8, 1, "c", "b", events.Learner), text(9, "c"),
			reported(10, &events.SegmentTranscribed{Call: 2, Item: "c", Status: events.Final, Words: 2}),
		}, []string{"1/a learner missing", "1/b tutor missing", "1/c learner final", "2/a learner missing", "2/b tutor missing", "2/c learner final"}},
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
		if got[0].Facts.Said() != "one two" {
			t.Fatalf("got %q", got[0].Facts.Said())
		}
	})
	t.Run("an earlier report that arrives later does not", func(t *testing.T) {
		got := transcriptOf(say(2, events.Final, "right"), say(1, events.Failed, "")).Segments(false)
		if got[0].Status != events.Final {
			t.Fatalf("got %s", got[0].Status)
		}
	})
	part := func(n int64, at int, status events.TranscriptStatus, text string) events.Event {
		return reported(n, &events.SegmentTranscribed{Call: 1, Item: "a", Part: at, Status: status, Words: len(strings.Fields(text)), Private: events.SegmentText{Text: text}})
	}
	t.Run("parts are joined in their order, and each is replaced alone", func(t *testing.T) {
		got := transcriptOf(part(1, 2, events.Final, "and tea"), part(2, 0, events.Final, "Cofee"), part(3, 0, events.Final, "Coffee")).Segments(false)
		if got[0].Facts.Said() != "Coffee and tea" || got[0].Words != 3 || got[0].Status != events.Final {
			t.Fatalf("got %q, %d words, %s", got[0].Facts.Said(), got[0].Words, got[0].Status)
		}
	})
	for _, test := range []struct {
		name  string
		parts []events.Event
		want  events.TranscriptStatus
	}{
		{"one that failed does not hide words", []events.Event{part(1, 0, events.Final, "one"), part(2, 1, events.Failed, "")}, events.Final},
		{"one that failed is not silence", []events.Event{part(1, 0, events.Empty, ""), part(2, 1, events.Failed, "")}, events.Failed},
		{"a prompted one is not heard", []events.Event{part(1, 0, events.Prompted, "one"), part(2, 1, events.Final, "two")}, events.Prompted},
		{"the first may be missing", []events.Event{part(1, 1, events.Empty, "")}, events.Empty},
	} {
		t.Run("of its parts "+test.name, func(t *testing.T) {
			if got := transcriptOf(test.parts...).Segments(true)[0].Status; got != test.want {
				t.Fatalf("got %s, want %s", got, test.want)
			}
		})
	}
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
		{"1501 ms from the arrival is not, nor is the end on the same clock", []events.Event{connected, started(1000, 1800+1501), stopped(3000, 3520)}, 3301, 3520},
		{"an end may be reported as late as it likes", []events.Event{connected, started(1000, 1810), stopped(10000, 18500)}, 1800, 10500},
		{"an end without a start is believed", []events.Event{connected, stopped(10000, 18500)}, -1, 10500},
		{"without an anchor the arrival counts", []events.Event{started(1000, 1800), stopped(2000, 2500)}, 1800, 2500},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := transcriptOf(test.given...).Segments(true)[0]
			if test.begins < 0 && s.StartedMS == nil {
				s.StartedMS = &test.begins
			}
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

// Through the outbox, where what is known already is not kept again: any part of
// the reports, in any order, any batches, any of them again, gives the segments
// of what was seen; so it does when turns are let go in between.
func TestReceivedSegmentsAreTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := conversation(t)
		given = given[:rapid.IntRange(0, len(given)).Draw(t, "seen")]
		want := describe(transcriptOf(given...))
		shuffled := rapid.Permutation(given).Draw(t, "order")
		s := events.NewSession("01JSESS0000000000000000000")
		s.Evolve(events.Event{Body: &events.SessionStarted{Learner: "l"}})
		s.Evolve(events.Event{Body: &events.TokenIssued{Call: 1}})
		s.Evolve(events.Event{Body: &events.TokenRefreshed{Call: 2}})
		var kept []events.Event
		for len(shuffled) > 0 {
			batch := shuffled[:rapid.IntRange(1, len(shuffled)).Draw(t, "batch")]
			kept = append(kept, receive(s, batch)...)
			if rapid.Bool().Draw(t, "again") {
				kept = append(kept, receive(s, batch)...) // its answer was lost
			}
			if rapid.Bool().Draw(t, "abridged") {
				s.Abridge(rapid.IntRange(0, 6).Draw(t, "most"))
			}
			shuffled = shuffled[len(batch):]
		}
		if got := describe(transcriptOf(kept...)); !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

// A text that comes back behind another is the last one told, whenever each came, and
// whatever was let go in between.
func TestATextThatComesBackCounts(t *testing.T) {
	texts := []string{"one", "two", "one", "two", "one"}
	var given []events.Event
	for i, text := range texts {
		given = append(given, reported(int64(i+1), &events.SegmentTranscribed{Call: 1, Item: "a", Status: events.Final, Private: events.SegmentText{Text: text}}))
	}
	for range 300 {
		rand.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
		s := events.NewSession("01JSESS0000000000000000000")
		s.Evolve(events.Event{Body: &events.TokenIssued{Call: 1}})
		var arrived []int64
		var kept []events.Event
		for len(arrived) < len(given) {
			batch := given[len(arrived):][:1+rand.IntN(len(given)-len(arrived))]
			kept = append(kept, receive(s, batch)...)
			for _, e := range batch {
				arrived = append(arrived, e.N)
			}
			s.Abridge(rand.IntN(2))
		}
		if got := transcriptOf(kept...).Segments(true)[0].Facts.Said(); got != "one" {
			t.Fatalf("%q after %v", got, arrived)
		}
	}
}

// receive hands the reports of these events in and keeps what comes of them.
func receive(s *events.Session, batch []events.Event) (kept []events.Event) {
	var reports []events.Report
	for _, e := range batch {
		reports = append(reports, events.Report{N: e.N, Call: 1, Bodies: []events.Body{e.Body}})
	}
	kept, _ = s.Receive(reports)
	for _, d := range kept {
		s.Evolve(d)
	}
	return kept
}

func describe(t *events.Transcript) []string {
	all := []string{fmt.Sprint(t.Used())}
	for _, s := range t.Segments(true) {
		all = append(all, fmt.Sprintf("%s %q %v-%v %v %v", line(s), s.Facts.Said(), value(s.StartedMS), value(s.EndedMS), s.Interrupted, value(s.HeardMS)))
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
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			b = &events.SegmentPlaced{Call: call, Item: it, Previous: named(item.Draw(t, "previous")), Speaker: who.Draw(t, "speaker")}
		case 1:
			b = &events.SegmentPlaced{Call: call, Item: it, Speaker: who.Draw(t, "speaker"), Response: "r" + item.Draw(t, "response")}
		case 2:
			b = words(t, call, it)
		case 3:
			b = &events.SegmentTimed{Call: call, Item: it, Response: "r" + it, StartedCallMS: ms(int64(n)), EndedRecMS: ms(int64(n * 2)), MeasuredBy: events.ByArrival}
		case 4:
			b = &events.SegmentInterrupted{Call: call, Item: it, HeardMS: ms(int64(n))}
		case 5:
			b = &events.UsageRecorded{Call: call, Item: it, Tokens: map[string]int64{"input": int64(rapid.IntRange(1, 2).Draw(t, "tokens"))}}
		}
		given = append(given, reported(int64(n+1), b))
	}
	return given
}

// words are few, so that one text comes back behind another.
func words(t *rapid.T, call int, item string) events.Body {
	text := rapid.SampledFrom([]string{"", "one", "two", "and three"}).Draw(t, "text")
	status := events.Final
	if text == "" {
		status = rapid.SampledFrom([]events.TranscriptStatus{events.Empty, events.Failed}).Draw(t, "status")
	}
	return &events.SegmentTranscribed{
		Call: call, Item: item, Part: rapid.IntRange(0, 2).Draw(t, "part"), Status: status,
		Words: len(strings.Fields(text)), Private: events.SegmentText{Text: text},
	}
}
