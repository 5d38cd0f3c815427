package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
)

func TestAudit(t *testing.T) {
	hour := events.AuditOfHour(eventstest.Began, 1)
	r := given(t,
		on(anna.Aggregate(), &events.AccountRegistered{Method: events.ByPassword}),
		on(anna.Aggregate(), &events.AccountRoleGranted{Role: events.RoleAnalyst}),
		on(events.AuditOf(anna), &events.SignedIn{Method: events.ByPassword, Address: "198.51.100.0/24"}),
		on(events.AuditOf(bea), &events.ContentRead{Session: first, Reason: "why turns are missing"}),
		on(hour, &events.SignInFailed{Method: events.ByPassword, Count: 7}),
		on(events.AuditOf(bea), &events.SignedIn{Method: events.ByPassword}),
		on(bea.Aggregate(), &events.AccountErased{}),
		on(events.AuditOf(bea), &events.OperatorActed{Action: "erase", Object: "account/" + string(bea), Reason: "asked for"}),
	)
	positions := func(t *testing.T, q projections.AuditQuery) (all []events.Position) {
		t.Helper()
		if q.Limit == 0 {
			q.Limit = 100
		}
		found, err := r.Audit(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range found {
			all = append(all, row.Position)
		}
		return all
	}
	for name, test := range map[string]struct {
		query projections.AuditQuery
		want  []events.Position
	}{
		"the newest first, and what was about an erased account has left": {projections.AuditQuery{}, []events.Position{8, 5, 3, 2, 1}},
		"about one account":  {projections.AuditQuery{Account: anna}, []events.Position{3, 2, 1}},
		"of one kind":        {projections.AuditQuery{Kind: events.KindSignInFailed}, []events.Position{5}},
		"a page":             {projections.AuditQuery{Limit: 2}, []events.Position{8, 5}},
		"the page behind it": {projections.AuditQuery{Limit: 2, Before: 5}, []events.Position{3, 2}},
		"none so late":       {projections.AuditQuery{Since: eventstest.Began.Add(1000 * time.Hour)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, positions(t, test.query)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a line says what, of how many, and from where", func(t *testing.T) {
		found, err := r.Audit(t.Context(), projections.AuditQuery{Account: anna, Kind: events.KindSignedIn, Limit: 1})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		if l := found[0]; l.What != events.ByPassword || l.Address != "198.51.100.0/24" || l.Count != 1 {
			t.Errorf("%+v", l)
		}
	})
	t.Run("a page has bounds", func(t *testing.T) {
		for limit, code := range map[int]events.Code{0: events.CodeInvalid, 1: "", 100: "", 101: events.CodeInvalid} {
			if _, err := r.Audit(t.Context(), projections.AuditQuery{Limit: limit}); events.CodeOf(err) != code {
				t.Errorf("%d: %v", limit, err)
			}
		}
	})
}

func TestAuditOfRoles(t *testing.T) {
	r := given(t,
		on(anna.Aggregate(), &events.AccountRoleGranted{Role: events.RoleAnalyst}),
		on(anna.Aggregate(), &events.AccountRoleWithdrawn{Role: events.RoleOperator}),
	)
	found, err := r.Audit(t.Context(), projections.AuditQuery{Account: anna, Limit: 2})
	if err != nil || len(found) != 2 || found[0].What != string(events.RoleOperator) || found[1].What != string(events.RoleAnalyst) {
		t.Errorf("%+v, %v", found, err)
	}
}
