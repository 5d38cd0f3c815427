package events_test

import (
	"testing"
	"time"

	"parley/events"
)

func TestInvitation(t *testing.T) {
	now := time.Date(2026, time.March, 14, 0, 0, 0, 0, time.UTC)
	invited := &events.AccountInvited{Secret: "s", Roles: []events.Role{events.RoleLearner}, EndsAt: now.Add(time.Second)}
	first := events.NewPassword("hash")
	for _, test := range []struct {
		name    string
		account *events.Account
		secret  string
		at      time.Time
		code    events.Code
	}{
		{"in time", accountOf(invited), "s", now, ""},
		{"at its end", accountOf(invited), "s", invited.EndsAt, events.CodeForbidden},
		{"with a guess", accountOf(invited), "t", now, events.CodeForbidden},
		{"with nothing", accountOf(), "", now, events.CodeForbidden},
		{"withdrawn", accountOf(invited, &events.AccountInvitationWithdrawn{}), "s", now, events.CodeForbidden},
		{"used", accountOf(invited, &events.AccountRegistered{}), "s", now, events.CodeForbidden},
		{"erased since", accountOf(invited, &events.AccountErased{}), "s", now, events.CodeForbidden},
		{"the later one of two", accountOf(&events.AccountInvited{Secret: "r", EndsAt: invited.EndsAt}, invited), "r", now, events.CodeForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			drafts, err := test.account.Accept(test.secret, test.at, events.Person{}, first)
			wantCode(t, err, test.code)
			if err == nil {
				wantKinds(t, drafts, events.KindAccountRegistered, events.KindAccountCredentialAdded, events.KindAccountRoleGranted)
			}
		})
	}
	_, err := opened().Invite(invited)
	wantCode(t, err, events.CodeConflict)
	drafts, err := accountOf(invited).WithdrawInvitation()
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindAccountInvitationWithdrawn)
	_, err = opened().WithdrawInvitation()
	wantCode(t, err, events.CodeNotFound)
}

func TestReset(t *testing.T) {
	now := time.Date(2026, time.March, 14, 0, 0, 0, 0, time.UTC)
	allowed := &events.AccountResetAllowed{Secret: "s", EndsAt: now.Add(time.Second)}
	for _, test := range []struct {
		name    string
		account *events.Account
		secret  string
		at      time.Time
		code    events.Code
	}{
		{"in time", opened(allowed), "s", now, ""},
		{"at its end", opened(allowed), "s", allowed.EndsAt, events.CodeForbidden},
		{"with a guess", opened(allowed), "t", now, events.CodeForbidden},
		{"never allowed", opened(), "", now, events.CodeForbidden},
		{"used", opened(allowed, events.NewPassword("new")), "s", now, events.CodeForbidden},
		{"allowed, and a passkey added since", opened(allowed, aPasskey("k", 0)), "s", now, ""},
		{"allowed again, with the first", opened(allowed, &events.AccountResetAllowed{Secret: "t", EndsAt: allowed.EndsAt}), "s", now, events.CodeForbidden},
		{"erased since", opened(allowed, &events.AccountErased{}), "s", now, events.CodeForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			drafts, err := test.account.ResetPassword(test.secret, test.at, "new")
			wantCode(t, err, test.code)
			if err == nil {
				wantKinds(t, drafts, events.KindAccountCredentialAdded)
			}
		})
	}
	_, err := accountOf().AllowReset(allowed)
	wantCode(t, err, events.CodeNotFound)
}
