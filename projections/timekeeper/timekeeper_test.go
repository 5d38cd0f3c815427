package timekeeper_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections/timekeeper"
)

func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

const (
	silence = 30 * time.Minute
	idle    = 5 * time.Minute
)

// bells are timers that ring when the test says so; JetStream's own are tested in
// their room.
type bells struct {
	mu    sync.Mutex
	armed map[events.SessionID][]time.Time
	fails error
}

func (b *bells) Arm(_ context.Context, id events.SessionID, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		return b.fails
	}
	b.armed[id] = append(b.armed[id], at)
	return nil
}

type place struct {
	*eventstest.Bundle
	*bells
	keeper *timekeeper.Timekeeper
}

func setup(t *testing.T) *place {
	t.Helper()
	p := &place{Bundle: eventstest.NewBundle(t), bells: &bells{armed: map[events.SessionID][]time.Time{}}}
	p.keeper = timekeeper.New(p.Log, p.bells, timekeeper.Limits{Silence: silence, Idle: idle}, p.Clock.Now, p.IDs.Event)
	return p
}

// begun is a session that has just started.
func (p *place) begun(t *testing.T, more ...events.Body) events.SessionID {
	t.Helper()
	id := events.SessionID(p.IDs.ULID())
	p.Append(t, id.Aggregate(), append([]events.Body{&events.SessionStarted{Learner: "01JD00000000000000000000AA"}}, more...)...)
	return id
}

func (p *place) ring(t *testing.T, id events.SessionID) {
	t.Helper()
	if err := p.keeper.Ring(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func (p *place) last(t *testing.T, id events.SessionID) events.Event {
	t.Helper()
	loaded := p.Load(t, id.Aggregate())
	return loaded[len(loaded)-1]
}

func TestStartedSessionIsTimed(t *testing.T) {
	p := setup(t)
	id := p.begun(t)
	started := p.last(t, id)
	if err := p.keeper.Handle(t.Context(), started); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Time{started.Time.Add(silence)}, p.armed[id]); diff != "" {
		t.Errorf("armed (-want +got):\n%s", diff)
	}
}

func TestSilence(t *testing.T) {
	t.Run("one moment short of it arms again and ends nothing", func(t *testing.T) {
		p := setup(t)
		id := p.begun(t)
		began := p.last(t, id).Time
		p.Clock.Advance(silence - 100*time.Millisecond)
		p.ring(t, id)
		if p.last(t, id).Body.Kind() != events.KindSessionStarted || !p.armed[id][0].Equal(began.Add(silence)) {
			t.Errorf("%s, armed %v", p.last(t, id).Body.Kind(), p.armed[id])
		}
	})
	t.Run("as long as allowed ends the session", func(t *testing.T) {
		p := setup(t)
		id := p.begun(t)
		p.Clock.Advance(silence)
		p.ring(t, id)
		want := &events.SessionEnded{Reason: events.EndedAbandoned}
		if diff := cmp.Diff(events.Body(want), p.last(t, id).Body); diff != "" {
			t.Errorf("last event (-want +got):\n%s", diff)
		}
		if p.last(t, id).Actor != "system:timekeeper" || len(p.armed[id]) != 0 {
			t.Errorf("by %s, armed %v", p.last(t, id).Actor, p.armed[id])
		}
	})
	t.Run("counts from whatever was heard last", func(t *testing.T) {
		p := setup(t)
		id := p.begun(t)
		p.Clock.Advance(silence - time.Minute)
		p.Append(t, id.Aggregate(), &events.TokenIssued{Call: 1})
		heard := p.last(t, id).Time
		p.Clock.Advance(2 * time.Minute)
		p.ring(t, id)
		if p.last(t, id).Body.Kind() != events.KindTokenIssued || !p.armed[id][0].Equal(heard.Add(silence)) {
			t.Errorf("%s, armed %v", p.last(t, id).Body.Kind(), p.armed[id])
		}
	})
}

func TestIdle(t *testing.T) {
	inCall := func(t *testing.T, p *place) (events.SessionID, time.Time) {
		t.Helper()
		id := p.begun(t, &events.TokenIssued{Call: 1}, &events.CallConnected{Call: 1})
		p.Clock.Advance(time.Minute)
		p.Append(t, id.Aggregate(), &events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Tutor})
		return id, p.last(t, id).Time
	}
	t.Run("one moment short of it is armed for it", func(t *testing.T) {
		p := setup(t)
		id, spoken := inCall(t, p)
		p.Append(t, id.Aggregate(), &events.OutboxReceived{})
		p.Clock.Advance(spoken.Add(idle - 100*time.Millisecond).Sub(p.Clock.Now()))
		p.ring(t, id)
		if p.last(t, id).Body.Kind() != events.KindOutboxReceived || !p.armed[id][0].Equal(spoken.Add(idle)) {
			t.Errorf("%s, armed %v", p.last(t, id).Body.Kind(), p.armed[id])
		}
	})
	t.Run("as long as allowed ends the session", func(t *testing.T) {
		p := setup(t)
		id, _ := inCall(t, p)
		p.Clock.Advance(idle)
		p.ring(t, id)
		if ended, is := p.last(t, id).Body.(*events.SessionEnded); !is || ended.Reason != events.EndedIdle {
			t.Errorf("%+v", p.last(t, id).Body)
		}
	})
	t.Run("is nobody who has no call", func(t *testing.T) {
		p := setup(t)
		id, _ := inCall(t, p)
		p.Append(t, id.Aggregate(), &events.CallDropped{Call: 1})
		dropped := p.last(t, id).Time
		p.Clock.Advance(idle)
		p.ring(t, id)
		if p.last(t, id).Body.Kind() != events.KindCallDropped || !p.armed[id][0].Equal(dropped.Add(silence)) {
			t.Errorf("%s, armed %v", p.last(t, id).Body.Kind(), p.armed[id])
		}
	})
}

func TestLimitOfTheToken(t *testing.T) {
	limited := func(t *testing.T, p *place, why events.EndReason) (events.SessionID, time.Time) {
		t.Helper()
		until := p.Clock.Now().Add(20 * time.Minute).Truncate(time.Millisecond)
		return p.begun(t, &events.TokenIssued{Call: 1, Until: &until, UntilWhy: why}), until
	}
	t.Run("is what the timer is armed for when it comes first", func(t *testing.T) {
		p := setup(t)
		id, until := limited(t, p, events.EndedByTimeLimit)
		if err := p.keeper.Handle(t.Context(), p.last(t, id)); err != nil {
			t.Fatal(err)
		}
		if !p.armed[id][0].Equal(until) {
			t.Errorf("armed %v, want %v", p.armed[id], until)
		}
	})
	t.Run("ends nothing one moment before", func(t *testing.T) {
		p := setup(t)
		id, until := limited(t, p, events.EndedByTimeLimit)
		p.Clock.Advance(until.Add(-100 * time.Millisecond).Sub(p.Clock.Now()))
		p.ring(t, id)
		if p.last(t, id).Body.Kind() != events.KindTokenIssued {
			t.Errorf("%+v", p.last(t, id).Body)
		}
	})
	for _, why := range []events.EndReason{events.EndedByTimeLimit, events.EndedUsedUp} {
		t.Run("ends the session for its reason: "+string(why), func(t *testing.T) {
			p := setup(t)
			id, until := limited(t, p, why)
			p.Clock.Advance(until.Sub(p.Clock.Now()))
			p.ring(t, id)
			if ended, is := p.last(t, id).Body.(*events.SessionEnded); !is || ended.Reason != why {
				t.Errorf("%+v", p.last(t, id).Body)
			}
		})
	}
}

func TestAbandonedSession(t *testing.T) {
	end := func(t *testing.T, p *place, id events.SessionID) *events.SessionEnded {
		t.Helper()
		p.Clock.Advance(silence)
		p.ring(t, id)
		ended, is := p.last(t, id).Body.(*events.SessionEnded)
		if !is {
			t.Fatalf("last event is %s", p.last(t, id).Body.Kind())
		}
		return ended
	}
	t.Run("waits for the recording that was begun", func(t *testing.T) {
		p := setup(t)
		if ended := end(t, p, p.begun(t, &events.RecordingStarted{})); !ended.RecordingExpected {
			t.Error("no recording is expected")
		}
	})
	t.Run("waits for the upload that was announced", func(t *testing.T) {
		p := setup(t)
		if ended := end(t, p, p.begun(t, &events.UploadRequested{Upload: "u"})); !ended.RecordingExpected {
			t.Error("no recording is expected")
		}
	})
	t.Run("waits for what is missing before the last report that came", func(t *testing.T) {
		p := setup(t)
		id := p.begun(t)
		p.report(t, id, 1, 2)
		p.report(t, id, 7, 7)
		if ended := end(t, p, id); ended.LastN != 7 {
			t.Errorf("last n = %d", ended.LastN)
		}
	})
	t.Run("is ended once, however often its timer fires", func(t *testing.T) {
		p := setup(t)
		id := p.begun(t)
		end(t, p, id)
		p.Clock.Advance(silence)
		p.ring(t, id)
		if n := len(p.Load(t, id.Aggregate())); n != 2 {
			t.Errorf("%d events", n)
		}
	})
}

// report takes in a range of the browser's outbox.
func (p *place) report(t *testing.T, id events.SessionID, first, last int64) {
	t.Helper()
	var reports []events.Report
	for n := first; n <= last; n++ {
		reports = append(reports, events.Report{N: n})
	}
	_, err := events.Execute(t.Context(), p.Log, id.Aggregate(), events.NewSession(id), p.Stamp("system:test"), func(s *events.Session) ([]events.Event, error) {
		drafts, _ := s.Receive(reports)
		return drafts, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTimersOfOthersAreLeftAlone(t *testing.T) {
	for name, past := range map[string][]events.Body{
		"ended":   {&events.SessionEnded{Reason: events.EndedByLearner}},
		"deleted": {&events.SessionDeleteRequested{}},
		"erased":  {&events.SessionDeleteRequested{}, &events.SessionErased{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := setup(t)
			id := p.begun(t, past...)
			before := len(p.Load(t, id.Aggregate()))
			p.Clock.Advance(silence)
			p.ring(t, id)
			if after := len(p.Load(t, id.Aggregate())); after != before || len(p.armed) != 0 {
				t.Errorf("%d events became %d, armed %v", before, after, p.armed)
			}
		})
	}
	t.Run("never begun", func(t *testing.T) {
		p := setup(t)
		p.ring(t, events.SessionID(p.IDs.ULID()))
		if len(p.armed) != 0 {
			t.Errorf("armed %v", p.armed)
		}
	})
}

func TestTimersThatFailAreAskedAgain(t *testing.T) {
	p := setup(t)
	id := p.begun(t)
	p.fails = events.Errorf(events.CodeUnavailable, "no timers")
	if err := p.keeper.Ring(t.Context(), id); !errors.Is(err, p.fails) {
		t.Errorf("got %v", err)
	}
	p.fails = nil
	p.ring(t, id)
	if len(p.armed[id]) != 1 {
		t.Errorf("armed %v", p.armed[id])
	}
}

func TestRearm(t *testing.T) {
	p := setup(t)
	silent := p.begun(t)
	p.begun(t, &events.SessionEnded{Reason: events.EndedByLearner})
	p.Clock.Advance(silence)
	open := p.begun(t, &events.TokenIssued{Call: 1})
	at, err := p.Log.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.keeper.Rearm(t.Context(), at.Last, none(t)); err != nil {
		t.Fatal(err)
	}
	t.Run("ends what was abandoned while nobody kept the time", func(t *testing.T) {
		if p.last(t, silent).Body.Kind() != events.KindSessionEnded {
			t.Error("it goes on")
		}
	})
	t.Run("arms the others that are open, and no one else", func(t *testing.T) {
		if len(p.armed) != 1 || len(p.armed[open]) != 1 {
			t.Errorf("armed %v", p.armed)
		}
	})
	t.Run("an empty log has nothing to arm", func(t *testing.T) {
		if err := setup(t).keeper.Rearm(t.Context(), 0, none(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.keeper.Rearm(ctx, at.Last, none(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// none says that no session may be in trouble.
func none(t *testing.T) func(events.SessionID, error) {
	return func(of events.SessionID, err error) { t.Errorf("%s: %v", of, err) }
}

// Something that looks like the start of a session is put into the log under a
// subject that no session can have.
func TestRearmPassesOverWhatIsNoSession(t *testing.T) {
	for _, subject := range []string{"parley.session.a:b", "parley.session.*", "parley.session.>", "parley.session.\xff", "parley.session.not-a-ulid"} {
		p := setup(t)
		id := p.begun(t)
		started := nats.NewMsg(subject)
		for name, value := range map[string]string{
			"ce-specversion": "1.0", "ce-id": "raw-1", "ce-type": events.KindSessionStarted.Type(), "ce-time": "2026-03-14T09:26:53.000Z",
			"ce-subject": "session/" + strings.TrimPrefix(subject, "parley.session."),
		} {
			started.Header.Set(name, value)
		}
		started.Data = []byte(`{"learner":"01JD00000000000000000000AA"}`)
		if _, err := p.Conn.RequestMsg(started, time.Minute); err != nil {
			t.Fatal(err)
		}
		at, err := p.Log.Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.keeper.Rearm(t.Context(), at.Last, none(t)); err != nil {
			t.Errorf("%q: %v", subject, err)
		}
		if len(p.armed) != 1 || len(p.armed[id]) != 1 {
			t.Errorf("%q: armed %v", subject, p.armed)
		}
	}
}

// One session's trouble is heard of and keeps no other from its timer; servers
// that are away are everyone's.
func TestRearmGoesOn(t *testing.T) {
	for _, c := range []struct {
		code  events.Code
		heard int
	}{{events.CodeInternal, 3}, {events.CodeConflict, 3}, {events.CodeUnavailable, 0}, {events.CodeUnknown, 0}} {
		p := setup(t)
		for range 3 {
			p.begun(t)
		}
		p.fails = events.Errorf(c.code, "as the test wants it")
		heard := 0
		err := p.keeper.Rearm(t.Context(), 3, func(_ events.SessionID, why error) {
			if !errors.Is(why, p.fails) {
				t.Errorf("%s: told of %v", c.code, why)
			}
			heard++
		})
		if heard != c.heard || (err != nil) != (c.heard == 0) {
			t.Errorf("%s: heard of %d, and got %v", c.code, heard, err)
		}
	}
}

// An event that has no time, since nobody can read it, does not make a session old.
func TestEventWithoutATime(t *testing.T) {
	p := setup(t)
	id := p.begun(t)
	heard := p.last(t, id).Time
	eventstest.PutRaw(t, p.NATS.URL(), "parley.session."+string(id), "NATS/1.0\r\nno colon here\r\n\r\n", "{}")
	p.ring(t, id)
	if diff := cmp.Diff([]time.Time{heard.Add(silence)}, p.armed[id]); diff != "" {
		t.Errorf("armed (-want +got):\n%s", diff)
	}
}
