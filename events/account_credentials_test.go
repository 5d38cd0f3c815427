package events_test

import (
	"strings"
	"testing"

	"parley/events"
)

// opened is an account with a password, and what came after.
func opened(then ...events.Body) *events.Account {
	return accountOf(append([]events.Body{&events.AccountRegistered{}, events.NewPassword("old")}, then...)...)
}

func aPasskey(id events.CredentialID, signs uint32) *events.AccountCredentialAdded {
	return &events.AccountCredentialAdded{Method: events.ByPasskey, Credential: id,
		Private: events.Credential{Name: "desk", Passkey: &events.Passkey{ID: []byte(id), SignCount: signs}}}
}

func TestAccountHoldsCredentials(t *testing.T) {
	t.Run("a later password replaces the earlier one", func(t *testing.T) {
		a := opened(events.NewPassword("new"))
		if a.PasswordHash() != "new" || len(a.Credentials) != 1 {
			t.Fatalf("%+v", a.Credentials)
		}
	})
	t.Run("an erased account holds none", func(t *testing.T) {
		a := opened(aPasskey("k", 0), &events.AccountErased{})
		if len(a.Credentials) != 0 || a.Live() || a.PasswordHash() != "" {
			t.Fatalf("%+v", a)
		}
	})
	t.Run("nobody's account takes none", func(t *testing.T) {
		_, err := accountOf().AddCredential(aPasskey("k", 0))
		wantCode(t, err, events.CodeNotFound)
	})
	t.Run("a passkey that is held drafts nothing", func(t *testing.T) {
		drafts, err := opened(aPasskey("k", 0)).AddCredential(aPasskey("k", 0))
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("there is a most", func(t *testing.T) {
		a := opened()
		for i := range events.MaxCredentials - 1 {
			drafts, err := a.AddCredential(aPasskey(events.CredentialID(rune('a'+i)), 0))
			wantCode(t, err, "")
			a.Evolve(drafts[0])
		}
		_, err := a.AddCredential(aPasskey("one more", 0))
		wantCode(t, err, events.CodeTooLarge)
		_, err = a.AddCredential(events.NewPassword("another"))
		wantCode(t, err, "")
	})
}

func TestAccountRenameCredential(t *testing.T) {
	a := opened(aPasskey("k", 0))
	for _, test := range []struct {
		name  string
		id    events.CredentialID
		to    string
		code  events.Code
		kinds []events.Kind
	}{
		{"another name", "k", " phone ", "", []events.Kind{events.KindAccountCredentialRenamed}},
		{"the same name", "k", "desk", "", nil},
		{"the longest name", "k", strings.Repeat("é", events.MaxCredentialName), "", []events.Kind{events.KindAccountCredentialRenamed}},
		{"a longer name", "k", strings.Repeat("é", events.MaxCredentialName+1), events.CodeInvalid, nil},
		{"no name", "k", "  ", events.CodeInvalid, nil},
		{"two lines", "k", "a\nb", events.CodeInvalid, nil},
		{"one that is not held", "x", "phone", events.CodeNotFound, nil},
		{"a password", events.PasswordID, "phone", events.CodeNotFound, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			drafts, err := a.RenameCredential(test.id, test.to)
			wantCode(t, err, test.code)
			wantKinds(t, drafts, test.kinds...)
		})
	}
}

func TestAccountUsePasskey(t *testing.T) {
	for _, test := range []struct {
		name         string
		known, given uint32
		flags        byte
		code         events.Code
		kinds        []events.Kind
	}{
		{"a passkey that never counts", 0, 0, 0, "", nil},
		{"its flags changed", 0, 0, 1, "", []events.Kind{events.KindAccountCredentialUsed}},
		{"a counter that goes on", 7, 8, 0, "", []events.Kind{events.KindAccountCredentialUsed}},
		{"a counter that begins", 0, 1, 0, "", []events.Kind{events.KindAccountCredentialUsed}},
		{"a counter that stands", 7, 7, 0, events.CodeUnauthenticated, nil},
		{"a counter that goes back", 7, 6, 0, events.CodeUnauthenticated, nil},
		{"a counter that stops counting", 7, 0, 0, events.CodeUnauthenticated, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			added := aPasskey("k", test.known)
			a := opened(added)
			drafts, err := a.UsePasskey("k", test.given, test.flags)
			wantCode(t, err, test.code)
			wantKinds(t, drafts, test.kinds...)
			for _, d := range drafts {
				a.Evolve(d)
			}
			if held, _ := a.Credential("k"); err == nil && held.Private.Passkey.SignCount != test.given {
				t.Errorf("counts %d", held.Private.Passkey.SignCount)
			}
			if added.Private.Passkey.SignCount != test.known {
				t.Error("an event that was read was changed")
			}
		})
	}
	_, err := opened().UsePasskey(events.PasswordID, 1, 0)
	wantCode(t, err, events.CodeNotFound)
}

func TestAccountRemoveCredential(t *testing.T) {
	drafts, err := opened(aPasskey("k", 0)).RemoveCredential(events.PasswordID)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindAccountCredentialRemoved)
	_, err = opened(aPasskey("k", 0), &events.AccountCredentialRemoved{Credential: events.PasswordID}).RemoveCredential("k")
	wantCode(t, err, events.CodeConflict)
	_, err = opened().RemoveCredential("k")
	wantCode(t, err, events.CodeNotFound)
}

func TestAccountRoles(t *testing.T) {
	a := opened(&events.AccountRoleGranted{Role: events.RoleAnalyst})
	drafts, err := a.Grant(events.RoleOperator)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindAccountRoleGranted)
	drafts, _ = a.Grant(events.RoleAnalyst)
	wantKinds(t, drafts)
	drafts, err = a.Withdraw(events.RoleAnalyst)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindAccountRoleWithdrawn)
	a.Evolve(drafts[0])
	if a.Roles[events.RoleAnalyst] {
		t.Error("a withdrawn role is held")
	}
	drafts, _ = a.Withdraw(events.RoleAnalyst)
	wantKinds(t, drafts)
	_, err = accountOf().Grant(events.RoleAnalyst)
	wantCode(t, err, events.CodeNotFound)
	_, err = accountOf().Withdraw(events.RoleAnalyst)
	wantCode(t, err, events.CodeNotFound)
}

func TestIdentityClaim(t *testing.T) {
	never := func(events.AccountID) (bool, error) { return false, nil }
	drafts, err := (&events.IdentityClaim{}).Claim(ada, never)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindIdentityClaimed)
	claim := &events.IdentityClaim{}
	claim.Evolve(drafts[0])
	_, err = claim.Claim(berk, never)
	wantCode(t, err, events.CodeConflict)
	drafts, _ = claim.Release(berk)
	wantKinds(t, drafts)
	drafts, _ = claim.Release(ada)
	wantKinds(t, drafts, events.KindIdentityReleased)
	claim.Evolve(drafts[0])
	drafts, err = claim.Claim(berk, never)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindIdentityClaimed)
}
