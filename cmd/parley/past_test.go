package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/events/eventstest"
)

const spokenID = events.SessionID("01KKNQ5E4800000000000000AA")

// spoken is a session of two turns; each event lies one position and one second
// behind the one before it.
func spoken() []events.Event {
	var evs []events.Event
	for i, body := range []events.Body{
		&events.SessionStarted{Learner: "anna", Topic: "café"},
		&events.TokenIssued{Call: 1},
		&events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Tutor},
		&events.SegmentTranscribed{Call: 1, Item: "a", Status: events.Final, Words: 2, Private: events.SegmentText{Text: "Good morning"}},
		&events.SegmentPlaced{Call: 1, Item: "b", Speaker: events.Learner},
		&events.SessionEnded{Reason: events.EndedByLearner},
	} {
		evs = append(evs, events.Event{Body: body, Position: events.Position(i + 10), Time: eventstest.Began.Add(time.Duration(i) * time.Second)})
	}
	return evs
}

func at(t *testing.T, text string) moment {
	t.Helper()
	var m moment
	if err := m.Set(text); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPast(t *testing.T) {
	for name, c := range map[string]struct {
		at       string
		events   int
		status   string
		segments []events.TranscriptStatus
	}{
		"at the first position":       {"pa", 1, "active", nil},
		"between two":                 {"pc", 3, "active", []events.TranscriptStatus{events.Pending}},
		"at the last":                 {"pf", 6, "saved", []events.TranscriptStatus{events.Final, events.Missing}},
		"past the end":                {"pzz", 6, "saved", []events.TranscriptStatus{events.Final, events.Missing}},
		"at a moment":                 {"2026-03-14T09:26:56Z", 4, "active", []events.TranscriptStatus{events.Final}},
		"a moment before the next":    {"2026-03-14T09:26:56.999Z", 4, "active", []events.TranscriptStatus{events.Final}},
		"in another zone's own words": {"2026-03-14T10:26:56+01:00", 4, "active", []events.TranscriptStatus{events.Final}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := pastOf(spokenID, spoken(), at(t, c.at))
			if err != nil {
				t.Fatal(err)
			}
			var segments []events.TranscriptStatus
			for _, s := range p.Segments {
				segments = append(segments, s.Status)
			}
			if p.Events != c.events || p.Status != c.status || !slices.Equal(segments, c.segments) {
				t.Errorf("%d events, %s, %v", p.Events, p.Status, segments)
			}
		})
	}
	t.Run("its status is that of the moment, not of the last event", func(t *testing.T) {
		waiting := spoken()
		waiting[len(waiting)-1].Body = &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: true}
		for text, want := range map[string]string{
			"pf":                   "ended",
			"2026-03-14T09:26:58Z": "ended",
			"2026-03-14T10:26:57Z": "ended",
			"2026-03-14T10:26:58Z": "needs_attention (on_device)", // an hour after its end
		} {
			p, err := pastOf(spokenID, waiting, at(t, text))
			if got := p.Status + inBrackets(p.Reason); err != nil || got != want || p.Events != 6 || !p.Time.Equal(eventstest.Began.Add(5*time.Second)) {
				t.Errorf("%s: %s at %s, %v", text, got, p.Time, err)
			}
		}
	})
	t.Run("before it began", func(t *testing.T) {
		for _, text := range []string{"p9", "2026-03-14T09:26:52.999Z"} {
			if _, err := pastOf(spokenID, spoken(), at(t, text)); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s: got %v", text, err)
			}
		}
	})
	t.Run("of what is erased nothing is known but that", func(t *testing.T) {
		tombstone := []events.Event{{Body: &events.SessionErased{Events: 6}, Position: 20}}
		if _, err := pastOf(spokenID, tombstone, at(t, "pj")); events.CodeOf(err) != events.CodeErased {
			t.Errorf("got %v", err)
		}
		if p, err := pastOf(spokenID, tombstone, at(t, "pk")); err != nil || p.Status != "erased" {
			t.Errorf("%v, %v", p.Status, err)
		}
	})
	t.Run("holds not a word", func(t *testing.T) {
		for _, asJSON := range []bool{true, false} {
			var out bytes.Buffer
			if err := printPast(&out, spokenID, spoken(), at(t, "pf"), asJSON); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "morning") || !strings.Contains(out.String(), "café") {
				t.Errorf("printed %s", &out)
			}
		}
	})
}

func TestDifference(t *testing.T) {
	d, err := differenceOf(spokenID, spoken(), span{at(t, "pc"), at(t, "pe")})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("lists the events between", func(t *testing.T) {
		if want := []step{{13, "parley.segment_transcribed.v1"}, {14, "parley.segment_placed.v1"}}; !slices.Equal(d.Events, want) {
			t.Errorf("got %v", d.Events)
		}
	})
	t.Run("lists each fact that changed, and no other", func(t *testing.T) {
		want := []change{
			{"events", "3", "5"},
			{"position", "pc", "pe"},
			{"segments.1/a.status", "pending", "final"},
			{"segments.1/a.words", "0", "2"},
			{Fact: "segments.1/b.call", After: "1"},
			{Fact: "segments.1/b.item", After: "b"},
			{Fact: "segments.1/b.place", After: "2"},
			{Fact: "segments.1/b.speaker", After: "learner"},
			{Fact: "segments.1/b.status", After: "pending"},
			{Fact: "segments.1/b.words", After: "0"},
			{"time", "2026-03-14T09:26:55Z", "2026-03-14T09:26:57Z"},
		}
		if diff := cmp.Diff(want, d.Changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
	t.Run("from before it began all is new", func(t *testing.T) {
		d, err := differenceOf(spokenID, spoken(), span{at(t, "p1"), at(t, "pa")})
		if err != nil || len(d.Events) != 1 || d.Changes[0].Before != "" {
			t.Errorf("%v, %v", d, err)
		}
	})
	t.Run("the later first is refused", func(t *testing.T) {
		if _, err := differenceOf(spokenID, spoken(), span{at(t, "pe"), at(t, "pc")}); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("is JSON with --json", func(t *testing.T) {
		var out bytes.Buffer
		if err := printDifference(&out, spokenID, spoken(), span{at(t, "pc"), at(t, "pc")}, true); err != nil {
			t.Fatal(err)
		}
		var got difference
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Changes) != 0 {
			t.Errorf("%s: %v", &out, err)
		}
	})
}

func TestFlagsStandAnywhere(t *testing.T) {
	for name, args := range map[string][]string{
		"before":           {"--json", "--diff", "p1", "p2", "SESSION"},
		"behind":           {"SESSION", "--json", "--diff", "p1", "p2"},
		"on both sides":    {"--json", "SESSION", "--diff", "p1", "p2"},
		"ended by a dash":  {"--json", "--diff", "p1", "p2", "--", "SESSION"},
		"as one word each": {"SESSION", "--json", "--diff=p1..p2"},
	} {
		t.Run(name, func(t *testing.T) {
			set := flag.NewFlagSet("replay", flag.ContinueOnError)
			set.SetOutput(io.Discard)
			asJSON := set.Bool("json", false, "")
			var between span
			set.Var(&between, "diff", "")
			if err := parse(set, between.pair(args)); err != nil {
				t.Fatal(err)
			}
			if !*asJSON || between.String() != "p1..p2" || !slices.Equal(set.Args(), []string{"SESSION"}) {
				t.Errorf("json %t, diff %s, about %v", *asJSON, &between, set.Args())
			}
		})
	}
	t.Run("half a span is refused", func(t *testing.T) {
		set := flag.NewFlagSet("replay", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		var between span
		set.Var(&between, "diff", "")
		if err := parse(set, between.pair([]string{"SESSION", "--diff", "p1"})); err != errUsage {
			t.Errorf("got %v", err)
		}
	})
}
