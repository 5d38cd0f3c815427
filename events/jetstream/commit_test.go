package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// What the answer to a batch looks like, and the first request of any append.
const (
	batchAnswer = `"batch":"`
	anyRequest  = "HPUB parley.session."
)

// sessions are n different ones.
func sessions(n int) []events.SessionID {
	many := make([]events.SessionID, n)
	for i := range many {
		many[i] = events.SessionID(fmt.Sprintf("01KKNQ5E4800000000000%05d", i))
	}
	return many
}

// gathering is a faulty log with appends of different sessions on their way.
// Nothing gets through yet: 0 to 11 went alone, 12 to 23 are in a batch, and
// the others wait.
type gathering struct {
	*faulty
	of      []events.SessionID
	answers []<-chan appended
	cancel  []context.CancelFunc
	release func()
}

// gather makes n appends of size events.
func gather(t *testing.T, answerWait time.Duration, n, size int, expected func(i int) events.Expected) *gathering {
	t.Helper()
	f := newFaulty(t, answerWait)
	_, release := f.proxy.HoldRequest(anyRequest)
	t.Cleanup(release)
	g := &gathering{faulty: f, of: sessions(n), release: release}
	before := f.conn.Stats().OutMsgs
	for i, of := range g.of {
		ctx, cancel := context.WithCancel(t.Context())
		g.cancel = append(g.cancel, cancel)
		g.answers = append(g.answers, appendLater(ctx, f.log, expected(i), eventstest.Turns(of, size, 1)))
		if i == 11 || i == 23 || i == n-1 && n < 12 { // these have left, before others come
			for f.conn.Stats().OutMsgs < before+uint64((i+1)*size) {
				runtime.Gosched()
			}
		}
	}
	return g
}

func asNew(int) events.Expected { return events.ExpectNew() }

// whole checks that an append is stored once, its events side by side and the
// last where the answer said.
func (g *gathering) whole(t *testing.T, i, size int, at events.Position) {
	t.Helper()
	got, err := g.truth.Load(t.Context(), g.of[i].Aggregate(), 0)
	if err != nil || len(got) != size {
		t.Fatalf("session %d has %d events, want %d (%v)", i, len(got), size, err)
	}
	for k, e := range got {
		if want := at - events.Position(size-1-k); e.Position != want || e.N != int64(k+1) {
			t.Errorf("session %d, event %d lies at %d, want %d", i, e.N, e.Position, want)
		}
	}
}

// batches are how many members of each batch are stored.
func (g *gathering) batches(t *testing.T) map[string]int {
	t.Helper()
	who, err := g.truth.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for at := uint64(1); at <= uint64(who.Last); at++ {
		if id := rawAt(t, g.truthConn, "PARLEY", at).Header.Get("Nats-Batch-Id"); id != "" {
			found[id]++
		}
	}
	return found
}

func TestAppendsTogether(t *testing.T) {
	for name, size := range sizes {
		t.Run(name+" of each leave as one batch", func(t *testing.T) {
			g := gather(t, time.Minute, 40, size, asNew)
			g.release()
			for i, answer := range g.answers {
				got := <-answer
				if got.err != nil {
					t.Fatal(got.err)
				}
				g.whole(t, i, size, got.at)
			}
			largest := 0
			for _, members := range g.batches(t) {
				largest = max(largest, members)
			}
			if largest < 12*size {
				t.Errorf("the largest batch has %d messages, want at least %d", largest, 12*size)
			}
		})
	}
	t.Run("a lone one is no batch", func(t *testing.T) {
		g := gather(t, time.Minute, 1, 1, asNew)
		g.release()
		if got := <-g.answers[0]; got.err != nil || len(g.batches(t)) != 0 {
			t.Errorf("%v, in %d batches", got.err, len(g.batches(t)))
		}
	})
}

func TestBatchWithConflicts(t *testing.T) {
	for name, wrong := range map[string]int{"few": 1, "so many that the rest goes alone": 20, "all": 40} {
		t.Run(name+": these conflict, the others are stored", func(t *testing.T) {
			g := gather(t, time.Minute, 40, 2, func(i int) events.Expected {
				if i >= 40-wrong {
					return events.ExpectAt(1000)
				}
				return events.ExpectNew()
			})
			g.release()
			for i, answer := range g.answers {
				got := <-answer
				switch {
				case i >= 40-wrong && events.CodeOf(got.err) != events.CodeConflict:
					t.Errorf("append %d: got %v, want %s", i, got.err, events.CodeConflict)
				case i < 40-wrong && got.err != nil:
					t.Errorf("append %d: %v", i, got.err)
				case i < 40-wrong:
					g.whole(t, i, 2, got.at)
				}
			}
		})
	}
}

func TestBatchWhoseAnswerIsLost(t *testing.T) {
	g := gather(t, time.Second, 40, 1, asNew)
	lost := g.proxy.LoseAnswer(batchAnswer)
	g.release()
	<-lost
	for i, answer := range g.answers {
		got := <-answer
		if got.err != nil {
			t.Fatal(got.err)
		}
		g.whole(t, i, 1, got.at)
	}
}

// A batch that was stored, and whose answer was lost, is refused by itself. When
// the log goes away before that is found out, nobody may say that nothing was
// stored.
func TestBatchThatIsRefusedByItself(t *testing.T) {
	g := gather(t, time.Second, 24, 1, asNew)
	held, release := g.proxy.HoldRequest("DIRECT.GET") // who asks what refused it
	t.Cleanup(release)
	lost := g.proxy.LoseAnswer(batchAnswer)
	g.release()
	<-lost
	<-held
	g.conn.Close()
	for i := 12; i < 24; i++ {
		got := <-g.answers[i]
		var unsettled *events.Unsettled
		if events.CodeOf(got.err) != events.CodeUnknown || !errors.As(got.err, &unsettled) {
			t.Errorf("append %d: got %v, want %s with a handle", i, got.err, events.CodeUnknown)
		}
		if stored, err := g.truth.Load(t.Context(), g.of[i].Aggregate(), 0); err != nil || len(stored) != 1 {
			t.Errorf("append %d: %d events are stored, %v", i, len(stored), err)
		}
	}
}

func TestAppendThatLeavesItsBatch(t *testing.T) {
	const inBatch, waiting = 15, 39
	g := gather(t, time.Minute, 40, 1, asNew)
	g.cancel[inBatch]()
	g.cancel[waiting]()
	gone, unsent := <-g.answers[inBatch], <-g.answers[waiting]
	g.release()

	t.Run("is unknown and can be settled", func(t *testing.T) {
		var unsettled *events.Unsettled
		if events.CodeOf(gone.err) != events.CodeUnknown || !errors.As(gone.err, &unsettled) {
			t.Fatalf("got %v, want %s with a handle", gone.err, events.CodeUnknown)
		}
		for range 2 { // as often as one likes
			at, err := unsettled.Settle(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			g.whole(t, inBatch, 1, at)
		}
	})
	t.Run("is not stored when it was not on its way yet", func(t *testing.T) {
		if events.CodeOf(unsent.err) != events.CodeUnavailable {
			t.Errorf("got %v, want %s", unsent.err, events.CodeUnavailable)
		}
	})
	t.Run("does not trouble the others", func(t *testing.T) {
		for i, answer := range g.answers {
			if i == inBatch || i == waiting {
				continue
			}
			got := <-answer
			if got.err != nil {
				t.Fatalf("append %d: %v", i, got.err)
			}
			g.whole(t, i, 1, got.at)
		}
		if left, err := g.truth.Load(t.Context(), g.of[waiting].Aggregate(), 0); err != nil || len(left) != 0 {
			t.Errorf("%d events of the one that was not sent are stored (%v)", len(left), err)
		}
	})
}

func TestBatchThatEveryoneLeaves(t *testing.T) {
	g := gather(t, time.Minute, 24, 1, asNew)
	for i, answer := range g.answers {
		g.cancel[i]()
		if got := <-answer; events.CodeOf(got.err) != events.CodeUnknown {
			t.Errorf("append %d: got %v, want %s", i, got.err, events.CodeUnknown)
		}
	}
	g.release()
	at, err := appendTo(t.Context(), g.log, events.ExpectAt(1000), eventstest.Turns(g.of[20], 1, 7))
	if events.CodeOf(err) != events.CodeConflict { // its turn comes all the same
		t.Errorf("got %d, %v; want %s", at, err, events.CodeConflict)
	}
}

func TestAppendsOfManyCallers(t *testing.T) {
	b := eventstest.NewBundle(t)
	patient := jetstream.Config{AnswerWait: time.Minute}
	one, other := eventstest.OpenLog(t, b.Conn, patient), eventstest.OpenLog(t, b.NATS.Connect(), patient)
	const callers, each = 40, 5
	answers := make(chan error, 2*callers)
	for _, of := range sessions(callers) {
		for _, log := range []events.LoadAppender{one, other} { // two instances at the same sessions
			go func() { answers <- mute(t.Context(), log, b, of, each) }()
		}
	}
	for range 2 * callers {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	for _, of := range sessions(callers) {
		if got := b.Load(t, of.Aggregate()); len(got) != 2*each {
			t.Errorf("%s has %d events, want %d", of, len(got), 2*each)
		}
	}
}

// mute appends n events one after the other, deciding again after conflicts.
func mute(ctx context.Context, log events.LoadAppender, b *eventstest.Bundle, of events.SessionID, n int) error {
	for done := 0; done < n; {
		_, err := events.Execute(ctx, log, of.Aggregate(), nobody{}, b.Stamp("system:test"),
			func(nobody) ([]events.Event, error) { return events.Draft(&events.RecordingMuted{}), nil })
		switch events.CodeOf(err) {
		case "":
			done++
		case events.CodeConflict: // five times in a row: the other one is quick
		default:
			return err
		}
	}
	return nil
}

// nobody decides without looking.
type nobody struct{}

func (nobody) Evolve(events.Event) {}
