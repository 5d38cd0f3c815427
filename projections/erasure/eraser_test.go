package erasure_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections/erasure"
)

// place is a whole world to erase from: a real log with its vault and ledger, and
// stand-ins for the store and the sign-ins, whose own rooms test them.
type place struct {
	*eventstest.Bundle
	*shelves
	signedOut door
	line      line
	fault     *fault
	turns     int // how often the sweep waited
}

const ada events.AccountID = "01JD00000000000000000000AA"

func setup(t *testing.T) *place {
	t.Helper()
	bundle := eventstest.NewBundle(t)
	return &place{
		Bundle:    bundle,
		shelves:   &shelves{objects: map[events.SessionID]int{}},
		signedOut: door{},
		line:      line{bundle.Log, map[string]int{}},
		fault:     &fault{},
	}
}

// eraser is a new one each time, as after a restart.
func (p *place) eraser() *erasure.Eraser { return p.eraserWith(p.Log.Ledger()) }

func (p *place) eraserWith(ledger erasure.Ledger) *erasure.Eraser {
	doors := erasure.Doors{
		Log:     faultyLog{p.Log, p.fault},
		Calls:   faultyCalls{p.line, p.fault},
		Vault:   faultyVault{p.Vault, p.fault},
		Objects: faultyObjects{p.shelves, p.fault},
		Ledger:  faultyLedger{ledger, p.fault},
		Sweeper: faultySweeper{p.Log, p.fault},
		Copies:  faultyCopies{p.Log, p.fault}, Register: faultyRegister{p.Log, p.fault}, SignIns: faultySignIns{p.signedOut, p.fault},
	}
	return erasure.NewEraser(doors, p, p.Clock.Now, p.IDs.Event)
}

// Wait counts instead of waiting.
func (p *place) Wait(ctx context.Context) error {
	p.turns++
	return ctx.Err()
}

// spoken is a session with words in it, two objects, and a neighbour in between.
func (p *place) spoken(t *testing.T) events.SessionID {
	t.Helper()
	id, other := events.SessionID(p.IDs.ULID()), events.SessionID(p.IDs.ULID())
	p.Append(t, id.Aggregate(), &events.SessionStarted{Learner: ada, OwnTopic: events.TopicText{}})
	p.Append(t, other.Aggregate(), &events.SessionStarted{Learner: "01JD00000000000000000000BB"})
	p.Append(t, id.Aggregate(),
		&events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Learner},
		&events.SegmentTranscribed{Call: 1, Item: "a", Status: events.Final, Private: events.SegmentText{Text: "a secret"}},
		&events.SessionEnded{Reason: events.EndedByLearner},
	)
	p.objects[id] = 2
	return id
}

// work hands the session's events to an eraser as a durable consumer would: in
// order, each again until it is done, what was swept not any more.
func (p *place) work(t *testing.T, id events.SessionID) (failures int) {
	t.Helper()
	for at := events.Position(0); ; {
		pending, err := p.Log.Load(t.Context(), id.Aggregate(), at)
		if err != nil {
			t.Fatal(err)
		}
		if len(pending) == 0 {
			return failures
		}
		if err := p.eraser().Handle(t.Context(), pending[0]); err == nil {
			at = pending[0].Position
		} else if failures++; failures > 10 {
			t.Fatalf("it never ends: %v", err)
		}
	}
}

// session folds what is left of it.
func (p *place) session(t *testing.T, id events.SessionID) *events.Session {
	t.Helper()
	s := events.NewSession(id)
	for _, e := range p.Load(t, id.Aggregate()) {
		s.Evolve(e)
	}
	return s
}

func TestEraser(t *testing.T) {
	p := setup(t)
	id := p.spoken(t)

	t.Run("leaves a session alone that nobody deleted", func(t *testing.T) {
		p.work(t, id)
		if s := p.session(t, id); s.Erased != nil || p.objects[id] != 2 {
			t.Error("something was erased")
		}
	})
	p.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: ada})
	before := p.Load(t, id.Aggregate())

	t.Run("erases one that was deleted", func(t *testing.T) {
		p.work(t, id)
		left := p.Load(t, id.Aggregate())
		if len(left) != 2 {
			t.Fatalf("%d events are left, want the two tombstones", len(left))
		}
		first, second := left[0].Body.(*events.SessionErased), left[1].Body.(*events.SessionErased)
		if first.Events != len(before) || first.Objects != 2 || first.SweptAt != nil || !first.UnreadableAt.After(before[len(before)-1].Time) {
			t.Errorf("first tombstone = %+v", first)
		}
		if second.SweptAt == nil || !second.SweptAt.After(first.UnreadableAt) || !second.Positions.Equal(first.Positions) {
			t.Errorf("second tombstone = %+v", second)
		}
		for _, e := range before {
			if !second.Positions.Has(int64(e.Position)) {
				t.Errorf("position %s is not listed", e.Position)
			}
		}
	})
	t.Run("waits for its turn before each event that it overwrites", func(t *testing.T) {
		if p.turns != len(before) {
			t.Errorf("waited %d times for %d events", p.turns, len(before))
		}
	})
	t.Run("destroys the key: nothing more can be said in it", func(t *testing.T) {
		_, err := p.Log.Append(t.Context(), id.Aggregate(), events.ExpectAt(lastOf(p.Load(t, id.Aggregate()))), events.Event{
			ID: p.IDs.Event(), Aggregate: id.Aggregate(), Time: p.Clock.Now(), Actor: "system:test",
			Body: &events.SegmentTranscribed{Call: 1, Item: "b", Private: events.SegmentText{Text: "late"}},
		})
		if events.CodeOf(err) != events.CodeErased {
			t.Errorf("got %v", err)
		}
	})
	t.Run("does nothing when asked again", func(t *testing.T) {
		turns := p.turns
		p.work(t, id)
		if left := p.Load(t, id.Aggregate()); len(left) != 2 || p.turns != turns {
			t.Errorf("%d events, %d turns", len(left), p.turns-turns)
		}
	})
}

func lastOf(evs []events.Event) events.Position { return evs[len(evs)-1].Position }

// A crash between any two steps, before or after the step took effect, costs
// nothing but time.
func TestEraserInterrupted(t *testing.T) {
	p := setup(t)
	for _, took := range []bool{false, true} {
		for step := 1; ; step++ {
			id := p.spoken(t)
			p.Append(t, id.Aggregate(), &events.SessionDeleteRequested{})
			*p.fault = fault{at: step, took: took}
			failures := p.work(t, id)
			if p.fault.at > p.fault.steps { // the whole erasure has fewer steps
				break
			}
			name := fmt.Sprintf("step %d, took effect: %v", step, took)
			if failures == 0 {
				t.Errorf("%s: the fault was swallowed", name)
			}
			s := p.session(t, id)
			if s.Erased == nil || s.Erased.SweptAt == nil || len(s.Positions) != 2 || p.objects[id] != 0 {
				t.Errorf("%s: %d events and %d objects are left, tombstone %+v", name, len(s.Positions), p.objects[id], s.Erased)
			}
		}
		*p.fault = fault{}
	}
}

// The provider's id of a call is sealed under the key that an erasure destroys.
func TestEraserHangsUp(t *testing.T) {
	p := setup(t)
	deleted, of := p.spoken(t), p.household(t, 2)
	up := map[events.SessionID]string{deleted: "rtc_own", of.sessions[0]: "rtc_first", of.sessions[1]: "rtc_second"}
	for id, call := range up {
		p.Append(t, id.Aggregate(), &events.TokenIssued{Call: 1}, &events.CallFollowed{Call: 1, Private: events.ProviderCall{ID: call}})
	}
	p.Append(t, deleted.Aggregate(), &events.SessionDeleteRequested{By: ada})
	p.close(t, of)
	p.work(t, deleted)
	p.drain(t, of)
	for _, call := range up {
		if p.line.hungUp[call] != 1 {
			t.Errorf("%s was hung up %d times while its id could be read", call, p.line.hungUp[call])
		}
	}
}

func TestEraserFindsLateObjects(t *testing.T) {
	p := setup(t)
	id := p.spoken(t)
	p.Append(t, id.Aggregate(), &events.SessionDeleteRequested{})
	request := p.Load(t, id.Aggregate())[4]
	if err := p.eraser().Handle(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	p.objects[id]++ // a finalizer that was at work all the time

	p.work(t, id)
	if s := p.session(t, id); p.objects[id] != 0 || s.Erased.Objects != 3 {
		t.Errorf("%d objects left, %d told", p.objects[id], s.Erased.Objects)
	}
}

func TestEraserStops(t *testing.T) {
	p := setup(t)
	id := p.spoken(t)
	p.Append(t, id.Aggregate(), &events.SessionDeleteRequested{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	request := p.Load(t, id.Aggregate())[4]
	if err := p.eraser().Handle(ctx, request); err == nil {
		t.Error("an ended context was not told")
	}
}

// What a browser sends to a signed address after the deletion is removed, also when its
// body took hours or days.
func TestStrays(t *testing.T) {
	p := setup(t)
	ledger := &readLedger{Ledger: p.Log.Ledger()}
	looks := p.eraserWith(ledger).Looks()
	id := p.spoken(t)
	p.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: ada})
	p.work(t, id)
	look := func(t *testing.T, after time.Duration, left int) {
		t.Helper()
		p.objects[id] = 1
		p.Clock.Advance(after)
		if err := looks.Look(t.Context()); err != nil || p.objects[id] != left {
			t.Errorf("%d objects, %v", p.objects[id], err)
		}
	}
	for _, step := range []struct {
		name  string
		after time.Duration
		left  int
	}{
		{"a moment after the erasure nothing is looked for", 19 * time.Minute, 1},
		{"what came within twenty minutes is removed", time.Minute, 0},
		{"it is not looked for all the time", 10 * time.Minute, 1},
		{"what came within forty is removed", 10 * time.Minute, 0},
		{"what came within days", 8 * 24 * time.Hour, 0},
		{"and the last", 7 * 24 * time.Hour, 0},
		{"what is too old is looked at no more", 30 * 24 * time.Hour, 1},
	} {
		t.Run(step.name, func(t *testing.T) { look(t, step.after, step.left) })
	}
	t.Run("the ledger is not read again and again", func(t *testing.T) {
		if ledger.given != 1 {
			t.Errorf("%d entries were read, of one", ledger.given)
		}
	})
	t.Run("an eraser that was away looks at once", func(t *testing.T) {
		late := p.spoken(t)
		p.Append(t, late.Aggregate(), &events.SessionDeleteRequested{By: ada})
		p.work(t, late)
		p.objects[late] = 1
		p.Clock.Advance(10 * 24 * time.Hour)
		if err := p.eraser().Looks().Look(t.Context()); err != nil || p.objects[late] != 0 {
			t.Errorf("%d objects, %v", p.objects[late], err)
		}
	})
}

// readLedger counts what is read of the ledger.
type readLedger struct {
	erasure.Ledger
	given int
}

func (l *readLedger) Since(ctx context.Context, after uint64) ([]events.Erasure, uint64, error) {
	erased, through, err := l.Ledger.Since(ctx, after)
	l.given += len(erased)
	return erased, through, err
}

// A claim that a request under way at the deletion made after the sweep, and one whose
// report was never stored, are found a little later.
func TestStrayClaims(t *testing.T) {
	p := setup(t)
	h := p.household(t, 1)
	p.close(t, h)
	p.drain(t, h)
	call, foreign := events.CallAggregate("late"), events.CallAggregate("foreign")
	p.Append(t, call, &events.CallClaimed{Session: h.sessions[0], Call: 2})
	p.Append(t, foreign, &events.CallClaimed{Session: "01JD0000000000000000000S09", Call: 2})
	p.Append(t, h.identity, &events.IdentityClaimed{Account: h.account})
	h.calls = append(h.calls, call)
	p.Clock.Advance(20 * time.Minute)

	if err := p.eraser().Looks().Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantGone(t, h)
	if left := p.Load(t, foreign); len(left) != 1 {
		t.Errorf("another's call has %d events", len(left))
	}
}
