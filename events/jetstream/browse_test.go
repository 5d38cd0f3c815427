package jetstream_test

import (
	"slices"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func TestBrowse(t *testing.T) {
	b := eventstest.NewBundle(t)
	const one, two = events.SessionID("01KKNQ5E48000000000SESS1AA"), events.SessionID("01KKNQ5E48000000000SESS1BB")
	const anna = events.AccountID("01KKNQ5E480000000000ACC0AA")
	words := &events.SegmentTranscribed{Call: 1, Item: "i1", Status: events.Final, Words: 2, Private: events.SegmentText{Text: "marzipan croissants"}}
	b.Append(t, one.Aggregate(), &events.SessionStarted{Learner: anna}, words)
	b.Append(t, two.Aggregate(), &events.SessionStarted{Learner: anna})
	b.Append(t, events.EmailAggregate("hash"), &events.EmailClaimed{Account: anna})
	b.Append(t, events.IdentityAggregate("hash"), &events.IdentityClaimed{Account: anna})
	b.Append(t, events.CallAggregate("hash"), &events.CallClaimed{Session: one, Call: 1})
	b.Append(t, events.AuditOf(anna), &events.SignedIn{Method: "password"})
	b.Append(t, anna.Aggregate(), &events.AccountRoleGranted{Role: events.RoleLearner})
	late := b.Append(t, one.Aggregate(), &events.SessionEnded{Reason: events.EndedByLearner})

	browse := func(t *testing.T, f events.Filter) events.Excerpt {
		t.Helper()
		if f.Limit == 0 {
			f.Limit = events.MaxBrowse
		}
		found, err := b.Log.Browse(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	kinds := func(x events.Excerpt) (all []events.Kind) {
		for _, e := range x.Events {
			all = append(all, e.Body.Kind())
		}
		return all
	}
	lastTime := b.Load(t, one.Aggregate())[2].Time
	for name, test := range map[string]struct {
		filter events.Filter
		want   []events.Kind
	}{
		"all but claims and trails": {events.Filter{}, []events.Kind{events.KindSessionStarted, events.KindSegmentTranscribed, events.KindSessionStarted, events.KindAccountRoleGranted, events.KindSessionEnded}},
		"of one session":            {events.Filter{Session: one}, []events.Kind{events.KindSessionStarted, events.KindSegmentTranscribed, events.KindSessionEnded}},
		"of some kinds":             {events.Filter{Kinds: []events.Kind{events.KindSessionEnded, events.KindAccountRoleGranted}}, []events.Kind{events.KindAccountRoleGranted, events.KindSessionEnded}},
		"behind a position":         {events.Filter{After: late - 1}, []events.Kind{events.KindSessionEnded}},
		"behind the last position":  {events.Filter{After: late}, nil},
		"since a time":              {events.Filter{Since: lastTime}, []events.Kind{events.KindSessionEnded}},
		"until a time":              {events.Filter{Session: one, Until: lastTime}, []events.Kind{events.KindSessionStarted, events.KindSegmentTranscribed}},
		"since it is over":          {events.Filter{Since: time.Now().Add(time.Hour)}, nil},
		"of an actor":               {events.Filter{Actor: "01KKNQ5E480000000000ACC0BB"}, nil},
		"of a session never begun":  {events.Filter{Session: "01KKNQ5E48000000000SESS1CC"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kinds(browse(t, test.filter)); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	t.Run("page by page", func(t *testing.T) {
		var got []events.Kind
		for f := (events.Filter{Limit: 1}); ; {
			x := browse(t, f)
			got = append(got, kinds(x)...)
			if f.After = x.Through; !x.More {
				break
			}
		}
		if want := kinds(browse(t, events.Filter{})); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("opens nothing, with no key either", func(t *testing.T) {
		x := browse(t, events.Filter{Kinds: []events.Kind{events.KindSegmentTranscribed}})
		body := x.Events[0].Body.(*events.SegmentTranscribed)
		if body.Private.Text != "" || x.Events[0].Sealed == nil || body.Words != 2 {
			t.Errorf("%+v", x.Events[0])
		}
	})
	t.Run("bounds a page", func(t *testing.T) {
		for limit, code := range map[int]events.Code{0: events.CodeInvalid, 1: "", events.MaxBrowse: "", events.MaxBrowse + 1: events.CodeInvalid} {
			if _, err := b.Log.Browse(t.Context(), events.Filter{Limit: limit}); events.CodeOf(err) != code {
				t.Errorf("%d: %v", limit, err)
			}
		}
	})
}

var _ events.Browser = (*jetstream.Log)(nil)
