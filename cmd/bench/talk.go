package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/events"
)

// A talk is a session from its start to its end, as a browser reports it.
const (
	briefTalk = 0 // exchanges
	wholeTalk = 3

	briefEvents    = 6
	exchangeEvents = 9
	wholeEvents    = briefEvents + wholeTalk*exchangeEvents

	// textLength is what a turn says, in characters.
	textLength = 60
	// sessionsEach is how many sessions a learner has.
	sessionsEach = 30
)

// talk collects the events of one session.
type talk struct {
	session events.SessionID
	evs     []events.Event
	began   time.Time
	n       int64 // last number of the outbox
	item    string
	clock   int64 // of the call, in ms
}

// newTalk makes a session of so many exchanges: 6 events and 9 for each.
func newTalk(learner events.AccountID, exchanges int, now time.Time) *talk {
	t := &talk{session: events.SessionID(newID()), began: now}
	t.add(&events.SessionStarted{Learner: learner, Topic: "01KKNQ5E480000000000000001", Language: "es", Level: "A2",
		Provider: "partner", Model: "gpt-realtime-mini", Voice: "marin"})
	t.add(&events.TokenIssued{Call: 1, ExpiresAt: now.Add(time.Minute), MintMS: 183})
	t.report(&events.CallConnected{Call: 1, SinceClickMS: 912, AtMS: 1040, RecMS: new(int64(310))})
	t.greeting()
	for i := range exchanges {
		t.answer(i)
		t.reply(i)
	}
	t.add(&events.SessionEnded{Reason: events.EndedByLearner, LastN: t.n})
	t.evs[0].Outbox = events.Numbers{}.With(events.Range{First: 1, Last: t.n})
	return t
}

// greeting is the tutor's first turn.
func (t *talk) greeting() {
	t.report(&events.SegmentPlaced{Call: 1, Item: "item_0", Speaker: events.Tutor, Response: "resp_0"})
	t.report(turn("item_0", events.Final))
	t.item = "item_0"
}

// answer is a turn of the learner.
func (t *talk) answer(i int) {
	item := fmt.Sprintf("item_%d_learner", i)
	t.report(&events.SegmentTimed{Call: 1, Item: item, StartedCallMS: t.later(900), StartedRecMS: t.later(20), MeasuredBy: events.ByProvider})
	t.report(&events.SegmentTimed{Call: 1, Item: item, EndedCallMS: t.later(2100), EndedRecMS: t.later(20), MeasuredBy: events.ByProvider})
	t.report(&events.SegmentPlaced{Call: 1, Item: item, Previous: new(t.item), Speaker: events.Learner})
	t.report(turn(item, events.Final))
	t.item = item
}

// reply is a turn of the tutor.
func (t *talk) reply(i int) {
	item, response := fmt.Sprintf("item_%d_tutor", i), fmt.Sprintf("resp_%d", i+1)
	t.report(&events.SegmentPlaced{Call: 1, Item: item, Previous: new(t.item), Speaker: events.Tutor, Response: response})
	t.report(&events.SegmentTimed{Call: 1, Response: response, StartedRecMS: t.later(640), MeasuredBy: events.ByArrival})
	t.report(&events.ResponseMeasured{Call: 1, Response: response, AfterMS: 640})
	t.report(turn(item, events.Final))
	t.report(&events.SegmentTimed{Call: 1, Response: response, EndedRecMS: t.later(3100), MeasuredBy: events.ByArrival})
	t.item = item
}

func (t *talk) later(ms int64) *int64 {
	t.clock += ms
	return new(t.clock)
}

// add takes an event that the server saw itself.
func (t *talk) add(body events.Body) {
	t.evs = append(t.evs, events.Event{
		ID: events.EventID(newID()), Aggregate: t.session.Aggregate(), Time: t.began.UTC().Truncate(time.Millisecond),
		Actor: events.System("bench"), Body: body,
	})
}

// report takes an event that came through the browser.
func (t *talk) report(body events.Body) {
	t.n++
	t.add(body)
	last := &t.evs[len(t.evs)-1]
	last.ID, last.Via, last.N = events.EventID(fmt.Sprintf("%s-%d-0", t.session, t.n)), events.ViaBrowser, t.n
}

// turn is what somebody said.
func turn(item string, status events.TranscriptStatus) *events.SegmentTranscribed {
	text := sentence()
	return &events.SegmentTranscribed{Call: 1, Item: item, Status: status, Words: len(strings.Fields(text)), Private: events.SegmentText{Text: text}}
}

// vocabulary is what sentences are made of.
const vocabulary = "quiero reservar mesa para cuatro personas mañana tarde cerca ventana tiene algo sin gluten cuánto cuesta gracias hasta luego prefiero vino tinto agua fría"

// sentences are made before anything is measured: speakers should cost what
// appending costs, not what making words does.
var sentences = sync.OnceValue(func() []string {
	words := strings.Fields(vocabulary)
	made := make([]string, 1000)
	for i := range made {
		var text []rune
		for len(text) < textLength {
			text = append(text, []rune(words[rand.IntN(len(words))]+" ")...)
		}
		made[i] = string(text[:textLength])
	}
	return made
})

// sentence has sixty characters.
func sentence() string {
	made := sentences()
	return made[rand.IntN(len(made))]
}

// seed appends that many talks, each as one append.
func (s *system) seed(ctx context.Context, sessions, exchanges int) ([]events.SessionID, error) {
	learners := make([]events.AccountID, sessions/sessionsEach+1)
	for i := range learners {
		learners[i] = events.AccountID(newID())
	}
	return s.seedFor(ctx, learners, sessions, exchanges)
}

// seedFor appends talks of these learners, the same number of each.
func (s *system) seedFor(ctx context.Context, learners []events.AccountID, sessions, exchanges int) ([]events.SessionID, error) {
	ids := make([]events.SessionID, sessions)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range startsAtOnce {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < sessions; i = int(next.Add(1)) - 1 {
				t := newTalk(learners[i%len(learners)], exchanges, time.Now())
				if _, err := s.log.Append(ctx, t.session.Aggregate(), events.ExpectNew(), t.evs...); err != nil {
					return err
				}
				ids[i] = t.session
			}
			return nil
		})
	}
	return ids, group.Wait()
}
