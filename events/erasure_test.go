package events_test

import (
	"slices"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
)

var someTime = time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)

// remainsOf folds bodies at the positions 1, 2, …
func remainsOf(of events.Aggregate, bodies ...events.Body) *events.Remains {
	r := events.NewRemains(of)
	for i, b := range bodies {
		r.Evolve(events.Event{Body: b, Position: events.Position(i + 1)})
	}
	return r
}

func TestRemains(t *testing.T) {
	topic, trail := events.TopicID("t").Aggregate(), events.AuditOf("a")
	first := &events.TopicErased{Positions: events.NumbersOf(1, 2)}
	for name, test := range map[string]struct {
		of    events.Aggregate
		have  []events.Body
		swept *time.Time
		want  events.Body // nil: nothing is drafted
	}{
		"a topic gets its tombstone":          {topic, []events.Body{&events.TopicAdded{}, &events.TopicRetired{}}, nil, first},
		"a trail gets one of its own kind":    {trail, []events.Body{&events.SignedIn{}}, nil, &events.AuditErased{Positions: events.NumbersOf(1)}},
		"what never was gets none":            {topic, nil, nil, nil},
		"a second request drafts nothing":     {topic, []events.Body{&events.TopicAdded{}, &events.TopicRetired{}, first}, nil, nil},
		"swept completes it":                  {topic, []events.Body{&events.TopicAdded{}, &events.TopicRetired{}, first}, &someTime, &events.TopicErased{Positions: first.Positions, SweptAt: &someTime}},
		"what comes behind it is listed too":  {topic, []events.Body{&events.TopicAdded{}, &events.TopicRetired{}, first, &events.TopicRevised{}}, nil, &events.TopicErased{Positions: events.NumbersOf(1, 2, 4)}},
		"swept already, it is not swept anew": {topic, []events.Body{&events.TopicErased{Positions: first.Positions, SweptAt: &someTime}}, &someTime, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var want []events.Body
			if test.want != nil {
				want = []events.Body{test.want}
			}
			drafts := remainsOf(test.of, test.have...).Erase(test.swept, nil)
			if len(drafts) != len(want) {
				t.Fatalf("%d drafts, want %d", len(drafts), len(want))
			}
			if len(want) == 1 {
				got, wanted := drafts[0].Body.(events.Tombstone), test.want.(events.Tombstone)
				if got.Kind() != wanted.Kind() || !got.Removed().Equal(wanted.Removed()) || got.Swept() != wanted.Swept() {
					t.Errorf("got %+v, want %+v", got, wanted)
				}
			}
		})
	}
}

func TestAccountDeleteRequest(t *testing.T) {
	ask := func(a *events.Account) ([]events.Event, error) { return a.RequestDelete("hash") }
	registered := &events.AccountRegistered{}
	t.Run("closes it", func(t *testing.T) {
		eventstest.Given(events.NewAccount(ada), registered).When(ask).Then(t, &events.AccountDeleteRequested{Receipt: "hash"})
		a := opened(&events.AccountRoleGranted{Role: events.RoleOperator}, &events.AccountDeleteRequested{})
		if a.Live() || len(a.Roles) != 0 || len(a.Credentials) != 0 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("the first receipt stands", func(t *testing.T) {
		eventstest.Given(events.NewAccount(ada), registered, &events.AccountDeleteRequested{Receipt: "first"}).When(ask).Then(t)
	})
	t.Run("an account that never was is not found", func(t *testing.T) {
		eventstest.Given(events.NewAccount(ada)).When(ask).Refused(t, events.CodeNotFound)
	})
	t.Run("a closed account takes nothing more", func(t *testing.T) {
		_, err := opened(&events.AccountDeleteRequested{}).AddCredential(aPasskey("k", 0))
		wantCode(t, err, events.CodeNotFound)
		_, err = opened(&events.AccountDeleteRequested{}).Register(events.Person{}, events.NewPassword("x"), nil)
		wantCode(t, err, events.CodeConflict)
	})
}

func TestAccountErasure(t *testing.T) {
	registered, asked := &events.AccountRegistered{}, &events.AccountDeleteRequested{Receipt: "hash"}
	found := events.Belongings{Sessions: []events.SessionID{"s2", "s1"}, Topics: []events.TopicID{"t"}, Emails: []string{"e"}}
	plan := func(a *events.AccountErasure) ([]events.Event, error) { return a.Plan(found) }
	fresh := func() *events.AccountErasure { return &events.AccountErasure{} }
	planned := []events.Body{
		&events.AccountErasurePlanned{Belongings: events.Belongings{Topics: found.Topics, Emails: found.Emails}},
		&events.AccountErasurePlanned{Belongings: events.Belongings{Sessions: found.Sessions}},
	}
	t.Run("is planned once", func(t *testing.T) {
		eventstest.Given(fresh(), registered, asked).When(plan).Then(t, planned...)
		eventstest.Given(fresh(), registered, asked, planned[0], planned[1]).When(plan).Then(t)
	})
	t.Run("is not planned unasked", func(t *testing.T) {
		eventstest.Given(fresh(), registered).When(plan).Refused(t, events.CodeConflict)
	})
	t.Run("many sessions are listed by several events", func(t *testing.T) {
		many := events.Belongings{Sessions: make([]events.SessionID, 10_001)}
		drafts, err := (&events.AccountErasure{Requested: asked}).Plan(many)
		wantCode(t, err, "")
		if len(drafts) != 3 {
			t.Errorf("%d events", len(drafts))
		}
	})
	t.Run("knows what belongs to it", func(t *testing.T) {
		a := fresh()
		for _, b := range append([]events.Body{asked}, planned...) {
			a.Evolve(events.Event{Body: b})
		}
		if a.Belongings.Count() != 4 || a.Belongings.Sessions[0] != "s1" {
			t.Errorf("%+v", a.Belongings)
		}
	})
	t.Run("the tombstone lists its events, and is completed once", func(t *testing.T) {
		erase := func(swept *time.Time) func(*events.AccountErasure) ([]events.Event, error) {
			return func(a *events.AccountErasure) ([]events.Event, error) {
				b := &events.AccountErased{Sessions: 2, SweptAt: swept}
				if swept != nil {
					b.Events = 2 // as the one before it
				}
				return a.Erase(b)
			}
		}
		first := &events.AccountErased{Positions: events.NumbersOf(1, 2), Events: 2, Sessions: 2}
		last := &events.AccountErased{Positions: events.NumbersOf(1, 2), Events: 2, Sessions: 2, SweptAt: &someTime}
		eventstest.Given(fresh(), registered, asked).When(erase(nil)).Then(t, first)
		eventstest.Given(fresh(), registered, asked, first).When(erase(nil)).Then(t)
		eventstest.Given(fresh(), registered, asked, first).When(erase(&someTime)).Then(t, last)
		eventstest.Given(fresh(), first, last).When(erase(&someTime)).Then(t)
		eventstest.Given(fresh(), registered).When(erase(nil)).Refused(t, events.CodeConflict)
	})
	t.Run("one that counts all comes between, once", func(t *testing.T) {
		count := func(a *events.AccountErasure) ([]events.Event, error) {
			return a.Erase(&events.AccountErased{Sessions: 2, Events: 40, Counted: true})
		}
		first := &events.AccountErased{Positions: events.NumbersOf(1, 2), Events: 2}
		counted := &events.AccountErased{Positions: events.NumbersOf(1, 2), Events: 42, Sessions: 2, Counted: true}
		eventstest.Given(fresh(), registered, asked, first).When(count).Then(t, counted)
		eventstest.Given(fresh(), registered, asked, first, counted).When(count).Then(t)
	})
}

func TestClaimErased(t *testing.T) {
	never := func(events.AccountID) (bool, error) { return false, nil }
	email := func(by events.AccountID) func(*events.EmailClaim) ([]events.Event, error) {
		return func(c *events.EmailClaim) ([]events.Event, error) { return c.Claim(by, never) }
	}
	identity := func(by events.AccountID) func(*events.IdentityClaim) ([]events.Event, error) {
		return func(c *events.IdentityClaim) ([]events.Event, error) { return c.Claim(by, never) }
	}
	first := &events.ClaimErased{Positions: events.NumbersOf(1)}
	t.Run("frees the address and the identity that it stands for", func(t *testing.T) {
		eventstest.Given(&events.EmailClaim{}, &events.EmailClaimed{Account: ada}, first).When(email(berk)).Then(t, &events.EmailClaimed{Account: berk})
		eventstest.Given(&events.IdentityClaim{}, &events.IdentityClaimed{Account: ada}, first).When(identity(berk)).Then(t, &events.IdentityClaimed{Account: berk})
	})
	t.Run("and not what another has claimed since", func(t *testing.T) {
		eventstest.Given(&events.EmailClaim{}, &events.EmailClaimed{Account: ada}, &events.EmailReleased{Account: ada}, &events.EmailClaimed{Account: berk}, first).
			When(email(ada)).Refused(t, events.CodeConflict)
		eventstest.Given(&events.IdentityClaim{}, &events.IdentityClaimed{Account: ada}, &events.IdentityReleased{Account: ada}, &events.IdentityClaimed{Account: berk}, first).
			When(identity(ada)).Refused(t, events.CodeConflict)
	})
	t.Run("a call is nobody's for ever", func(t *testing.T) {
		again := func(c *events.CallClaim) ([]events.Event, error) { return c.Claim("s", 1) }
		eventstest.Given(&events.CallClaim{}, &events.CallClaimed{Session: "s", Call: 1}, first).When(again).Refused(t, events.CodeConflict)
		eventstest.Given(&events.CallClaim{}, first).When(again).Refused(t, events.CodeConflict)
	})
}

func TestClaimRemains(t *testing.T) {
	claimed := func(by events.AccountID) events.Body { return &events.EmailClaimed{Account: by} }
	tombstone := func(at ...int64) *events.ClaimErased { return &events.ClaimErased{Positions: events.NumbersOf(at...)} }
	last := func(at ...int64) *events.ClaimErased {
		return &events.ClaimErased{Positions: events.NumbersOf(at...), SweptAt: &someTime}
	}
	fold := func(happened ...events.Body) *events.ClaimRemains {
		c := events.NewClaimRemains(string(ada))
		for i, b := range happened {
			c.Evolve(events.Event{Body: b, Position: events.Position(i + 1)})
		}
		return c
	}
	for name, test := range map[string]struct {
		have []events.Body
		bury string // positions of the drafted tombstone; empty: none
		left string // to sweep
	}{
		"what names her is buried, also of before":  {[]events.Body{claimed(ada), &events.EmailReleased{Account: ada}, claimed(berk), claimed(ada)}, "1-2,4", ""},
		"what names others is not":                  {[]events.Body{claimed(berk)}, "", ""},
		"once":                                      {[]events.Body{claimed(ada), tombstone(1)}, "", "1"},
		"what came behind the tombstone is":         {[]events.Body{claimed(ada), tombstone(1), claimed(ada)}, "3", "1"},
		"what is swept is not swept again":          {[]events.Body{claimed(ada), tombstone(1), last(1)}, "", ""},
		"another's tombstone is no reason to sweep": {[]events.Body{claimed(berk), tombstone(1), last(1), claimed(ada)}, "4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := fold(test.have...)
			buried := ""
			if drafts := c.Bury(); len(drafts) > 0 {
				buried = drafts[0].Body.(*events.ClaimErased).Positions.String()
			}
			if buried != test.bury || c.ToSweep().String() != test.left {
				t.Errorf("to bury %q, to sweep %q", buried, c.ToSweep())
			}
		})
	}
	t.Run("the last tombstone comes once", func(t *testing.T) {
		buried := fold(claimed(ada), tombstone(1))
		if drafts := buried.Sweep(buried.ToSweep(), someTime, nil); len(drafts) != 1 || !drafts[0].Body.(events.Tombstone).Swept() {
			t.Errorf("%+v", drafts)
		}
		swept := fold(claimed(ada), tombstone(1), last(1))
		if drafts := swept.Sweep(events.NumbersOf(1), someTime, nil); len(drafts) != 0 {
			t.Errorf("%+v", drafts)
		}
	})
}

func TestJoinCopies(t *testing.T) {
	mirror := events.Copy{Stream: "M", Kind: events.CopyMirror, Removed: 2}
	lagging := events.Copy{Stream: "M", Kind: events.CopyMirror, Removed: 1, Left: "it lags"}
	raft := events.Copy{Stream: "M", Kind: events.CopyRaftLog, Left: "it stays"}
	got := events.JoinCopies([]events.Copy{mirror}, []events.Copy{raft, lagging, lagging})
	want := []events.Copy{{Stream: "M", Kind: events.CopyMirror, Removed: 4, Left: "it lags"}, raft}
	if !slices.Equal(got, want) || mirror.Removed != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
