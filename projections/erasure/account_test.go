package erasure_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"parley/events"
)

// household is an account with all that an account can have, and what must stay.
type household struct {
	account  events.AccountID
	sessions []events.SessionID
	topic    events.TopicID
	email    events.Aggregate
	identity events.Aggregate
	unlinked events.Aggregate   // an identity that was hers, and is another's
	calls    []events.Aggregate // at the provider
	stays    []events.Aggregate // of somebody else's, and of nobody's
	before   map[events.Aggregate]int
}

func (p *place) household(t *testing.T, sessions int) *household {
	t.Helper()
	h := &household{account: events.AccountID(p.IDs.ULID()), topic: events.TopicID(p.IDs.ULID()), before: map[events.Aggregate]int{}}
	h.email, h.identity = events.EmailAggregate("mail"+p.IDs.ULID()), events.IdentityAggregate("who"+p.IDs.ULID())
	p.Append(t, h.email, &events.EmailClaimed{Account: h.account})
	p.Append(t, h.identity, &events.IdentityClaimed{Account: h.account})
	h.unlinked = events.IdentityAggregate("was" + p.IDs.ULID())
	p.Append(t, h.unlinked, &events.IdentityClaimed{Account: h.account}, &events.IdentityReleased{Account: h.account}, &events.IdentityClaimed{Account: ada})
	p.Append(t, h.account.Aggregate(),
		&events.AccountRegistered{Method: events.ByPassword, Private: events.Person{Name: "Ada", Email: "ada@example.org"}},
		events.NewPassword("$argon2id$"), &events.AccountRoleGranted{Role: events.RoleLearner})
	p.Append(t, h.topic.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Owner: h.account, Private: events.TopicText{Title: "My divorce"}})
	p.Append(t, events.AuditOf(h.account), &events.SignedIn{Method: events.ByPassword, Address: "198.51.100.0/24"})
	for range sessions {
		id := events.SessionID(p.IDs.ULID())
		p.Append(t, id.Aggregate(), &events.SessionStarted{Learner: h.account, OwnTopic: events.TopicText{Title: "My divorce"}})
		call := events.CallAggregate("call" + p.IDs.ULID())
		p.Append(t, call, &events.CallClaimed{Session: id, Call: 1})
		p.Append(t, id.Aggregate(), &events.CallConnected{Call: 1, ProviderCall: call.ID})
		h.calls = append(h.calls, call)
		p.Append(t, id.Aggregate(), &events.SegmentTranscribed{Call: 1, Item: "a", Status: events.Final, Private: events.SegmentText{Text: "a secret"}})
		h.sessions = append(h.sessions, id)
		p.objects[id] = 2
	}
	other := p.spoken(t)
	catalogue, foreign := events.TopicID(p.IDs.ULID()).Aggregate(), events.EmailAggregate("other"+p.IDs.ULID())
	p.Append(t, catalogue, &events.TopicAdded{Public: &events.TopicText{Title: "At the market"}})
	p.Append(t, foreign, &events.EmailClaimed{Account: ada})
	h.stays = []events.Aggregate{other.Aggregate(), catalogue, foreign}
	for _, of := range h.stays {
		h.before[of] = len(p.Load(t, of))
	}
	return h
}

func (h *household) aggregates() []events.Aggregate {
	all := []events.Aggregate{h.account.Aggregate(), h.topic.Aggregate(), events.AuditOf(h.account), h.email, h.identity, h.unlinked}
	all = append(all, h.calls...)
	for _, id := range h.sessions {
		all = append(all, id.Aggregate())
	}
	return all
}

func (p *place) close(t *testing.T, h *household) {
	t.Helper()
	p.Append(t, h.account.Aggregate(), &events.AccountDeleteRequested{Receipt: "hash"})
}

// drain hands over what workers act on, in the log's order, each again until it is
// done; to a new eraser each time.
func (p *place) drain(t *testing.T, h *household) (failures int) {
	t.Helper()
	kinds := slices.Concat(p.eraser().BuryKinds(), p.eraser().SweepKinds())
	for at := events.Position(0); ; {
		var next *events.Event
		for _, of := range h.aggregates() {
			for _, e := range p.Load(t, of) {
				if e.Position > at && slices.Contains(kinds, e.Body.Kind()) && (next == nil || e.Position < next.Position) {
					next = &e
				}
			}
		}
		if next == nil {
			return failures
		}
		if err := p.eraser().Handle(t.Context(), *next); err == nil {
			at = next.Position
		} else if failures++; failures > 10 {
			t.Fatalf("it never ends: %v", err)
		}
	}
}

// wantGone looks for anything that was left, and for anything that was taken too
// much.
func (p *place) wantGone(t *testing.T, h *household) {
	t.Helper()
	for _, of := range h.aggregates() {
		left := p.Load(t, of)
		swept := false
		for _, e := range left {
			tombstone, is := e.Body.(events.Tombstone)
			if !is && events.Named(e.Body) != string(ada) {
				t.Errorf("%s: %s is left", of, e.Body.Kind())
			}
			swept = swept || is && tombstone.Swept()
			if linked := e.Causation != "" || e.Correlation != ""; of.Kind.IsClaim() && is && linked {
				t.Errorf("%s: its tombstone leads on to %s %s", of, e.Causation, e.Correlation)
			}
		}
		if !swept {
			t.Errorf("%s is not swept", of)
		}
	}
	if holder := p.holder(t, h.unlinked); holder != ada {
		t.Errorf("what was hers before is %q's now, want ada's", holder)
	}
	for _, id := range h.sessions {
		if p.objects[id] != 0 {
			t.Errorf("%d objects of %s are left", p.objects[id], id)
		}
	}
	for _, of := range h.stays {
		if now := len(p.Load(t, of)); now != h.before[of] {
			t.Errorf("%s had %d events and has %d", of, h.before[of], now)
		}
	}
	if !p.signedOut[h.account] {
		t.Error("its browsers are signed in")
	}
}

// holder is whose an identity is.
func (p *place) holder(t *testing.T, of events.Aggregate) events.AccountID {
	t.Helper()
	held := &events.IdentityClaim{}
	for _, e := range p.Load(t, of) {
		held.Evolve(e)
	}
	return held.Holder
}

// claim tries to claim the household's address and identity for another account.
func (p *place) claim(t *testing.T, h *household) error {
	t.Helper()
	never := func(events.AccountID) (bool, error) { return false, nil }
	_, err := events.Execute(t.Context(), p.Log, h.email, &events.EmailClaim{}, p.Stamp("system:test"),
		func(c *events.EmailClaim) ([]events.Event, error) { return c.Claim(ada, never) })
	if err != nil {
		return err
	}
	_, err = events.Execute(t.Context(), p.Log, h.identity, &events.IdentityClaim{}, p.Stamp("system:test"),
		func(c *events.IdentityClaim) ([]events.Event, error) { return c.Claim(ada, never) })
	return err
}

func TestAccount(t *testing.T) {
	p := setup(t)
	h := p.household(t, 2)
	before := 0
	for _, of := range h.aggregates() {
		before += len(p.Load(t, of))
	}

	t.Run("is left alone while nobody asks", func(t *testing.T) {
		hint := p.Load(t, h.account.Aggregate())[0]
		if err := p.eraser().Handle(t.Context(), hint); err != nil {
			t.Fatal(err)
		}
		if events.CodeOf(p.claim(t, h)) != events.CodeConflict || len(p.Load(t, h.account.Aggregate())) != 3 {
			t.Error("something was erased")
		}
	})
	p.close(t, h)
	request := p.Load(t, h.account.Aggregate())[3]
	if err := p.eraser().Handle(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	t.Run("is unreadable whole before anything is swept", func(t *testing.T) {
		for _, of := range h.aggregates() {
			for _, e := range p.Load(t, of) {
				if e.Sealed != nil && !e.Erased {
					t.Errorf("%s of %s can be read", e.Body.Kind(), of)
				}
			}
		}
		if p.turns != 0 {
			t.Error("the sweep has begun")
		}
	})
	t.Run("its address and identity are free", func(t *testing.T) {
		if err := p.claim(t, h); err != nil {
			t.Error(err)
		}
	})
	p.drain(t, h)
	t.Run("is swept whole", func(t *testing.T) { p.wantGone(t, h) })
	t.Run("who claimed them before the sweep keeps them", func(t *testing.T) {
		if err := p.claim(t, h); err != nil || p.holder(t, h.identity) != ada {
			t.Errorf("%v", err)
		}
	})
	t.Run("its tombstone counts what there was", func(t *testing.T) {
		left := p.Load(t, h.account.Aggregate())
		last := left[len(left)-1].Body.(*events.AccountErased)
		if last.Sessions != 2 || last.Topics != 1 || last.Claims != 5 || last.Objects != 4 || last.Receipt != "hash" || last.RequestedAt == nil {
			t.Errorf("%+v", last)
		}
		if want := before - 1 + 3 + 2; last.Events != want { // not ada's claim; the requests and the two events of the plan
			t.Errorf("%d events are counted, want %d", last.Events, want)
		}
	})
	t.Run("is in the ledger with its sessions, topics and claims", func(t *testing.T) {
		listed, err := p.Log.Ledger().All(t.Context())
		if err != nil || len(listed) != 9 {
			t.Errorf("%+v, %v", listed, err)
		}
	})
	t.Run("does nothing when asked again", func(t *testing.T) {
		turns := p.turns
		if p.drain(t, h); p.turns != turns {
			t.Error("something was swept again")
		}
	})
}

// A crash between any two steps of an account's erasure, before or after the step
// took effect, costs nothing but time. How single events are swept is the same as
// with sessions, so that is no step here.
func TestAccountInterrupted(t *testing.T) {
	for _, took := range []bool{false, true} {
		var p *place
		for step := 1; ; step++ {
			if step%10 == 1 { // each sweep rewrites all that lies in its block
				p = setup(t)
			}
			h := p.household(t, 1)
			p.close(t, h)
			*p.fault = fault{at: step, took: took, sound: true}
			failures := p.drain(t, h)
			if p.fault.at > p.fault.steps { // the whole erasure has fewer steps
				break
			}
			t.Run(fmt.Sprintf("step %d, took effect %v", step, took), func(t *testing.T) {
				if failures == 0 {
					t.Error("the fault was swallowed")
				}
				p.wantGone(t, h)
			})
		}
	}
}

// A session, a topic and a note that requests under way at the deletion made after
// everything was listed are found by the sweep.
func TestAccountLate(t *testing.T) {
	p := setup(t)
	h := p.household(t, 2)
	p.close(t, h)
	request := p.Load(t, h.account.Aggregate())[3]
	if err := p.eraser().Handle(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	late := events.SessionID(p.IDs.ULID())
	p.Append(t, late.Aggregate(), &events.SessionStarted{Learner: h.account})
	p.Append(t, events.AuditOf(h.account), &events.DeletionRequested{Object: h.account.Aggregate().String(), Address: "198.51.100.0/24"})
	h.sessions = append(h.sessions, late)

	p.drain(t, h)
	p.wantGone(t, h)
	_, err := p.Log.Append(t.Context(), h.topic.Aggregate(), events.ExpectAt(lastOf(p.Load(t, h.topic.Aggregate()))), events.Event{
		ID: p.IDs.Event(), Aggregate: h.topic.Aggregate(), Time: p.Clock.Now(), Actor: "system:test",
		Body: &events.TopicRevised{Owner: h.account, Private: events.TopicText{Title: "late"}},
	})
	if events.CodeOf(err) != events.CodeErased {
		t.Errorf("something can still be sealed for the account: %v", err)
	}
}

func TestAccountStops(t *testing.T) {
	p := setup(t)
	h := p.household(t, 2)
	p.close(t, h)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := p.eraser().Handle(ctx, p.Load(t, h.account.Aggregate())[3]); err == nil {
		t.Error("an ended context was not told")
	}
}
