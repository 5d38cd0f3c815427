package http

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"parley/events"
	"parley/http/realtime"
)

// twoSources is a session that hears one call from its browser and from the
// sideband.
type twoSources struct {
	t       *testing.T
	session *events.Session
	said    []json.RawMessage
	at      events.Position
}

// browser hands in these events, each with its number in the outbox.
func (s *twoSources) browser(numbers []int) {
	s.t.Helper()
	var reports []events.Report
	for _, n := range numbers {
		entry := fmt.Sprintf(`{"n":%d,"call":1,"at_ms":%d,"rec_ms":null,"event":%s}`, n+1, 10*n, s.said[n])
		report, ok := decodeReport([]byte(entry), func(s string) string { return s })
		if !ok || report.Rejected != "" {
			s.t.Fatalf("event %d: rejected %s", n, report.Rejected)
		}
		reports = append(reports, report)
	}
	drafts, _ := s.session.Receive(reports)
	s.store(drafts)
}

// sideband hears the event of that number.
func (s *twoSources) sideband(n int) {
	s.t.Helper()
	said, err := realtime.Decode(s.said[n])
	if err != nil {
		s.t.Fatal(err)
	}
	drafts, err := s.session.Hear(1, overheard(bodiesOf(heard{call: 1}, said.Body)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.store(drafts)
}

func (s *twoSources) store(drafts []events.Event) {
	for _, d := range drafts {
		s.at++
		d.Position = s.at
		s.session.Evolve(d)
	}
}

// segments are all that a reader sees of the turns.
func (s *twoSources) segments() []string {
	var lines []string
	ms := func(at *int64) string {
		if at == nil {
			return "?"
		}
		return fmt.Sprint(*at)
	}
	for _, g := range s.session.Turns.Segments(true) {
		lines = append(lines, fmt.Sprintf("%s %s %s %q %s-%s %v %s", g.Item, g.Speaker, g.Status, g.Facts.Said(),
			ms(g.StartedMS), ms(g.EndedMS), g.Interrupted, ms(g.HeardMS)))
	}
	return append(lines, fmt.Sprint(s.session.Turns.Used()))
}

// The browser's reports come in any order, in any batches, any of them again;
// the sideband hears in the order in which it was said, at any time.
func TestTwoSourcesGiveOneTranscript(t *testing.T) {
	for _, c := range loadCaptures(t) {
		t.Run(c.name, func(t *testing.T) {
			plain := &twoSources{t: t, session: relayed(), said: c.said}
			for n := range c.said {
				plain.browser([]int{n})
				plain.sideband(n)
			}
			want := plain.segments()
			wantLines(t, transcriptLines(plain.session), c.want)
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 5))
				mixed := &twoSources{t: t, session: relayed(), said: c.said}
				mixed.shuffle(random)
				if got := mixed.segments(); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("seed %d\n got %q\nwant %q", seed, got, want)
				}
			}
		})
	}
}

func (s *twoSources) shuffle(random *rand.Rand) {
	s.t.Helper()
	order, heard := random.Perm(len(s.said)), 0
	for len(order) > 0 || heard < len(s.said) {
		if heard < len(s.said) && random.IntN(2) == 0 {
			s.sideband(heard)
			heard++
			continue
		}
		batch := order[:min(len(order), 1+random.IntN(9))]
		order = order[len(batch):]
		s.browser(batch)
		if random.IntN(3) == 0 {
			s.browser(batch) // its answer was lost
		}
	}
}
