package events_test

import (
	"testing"

	"parley/events"
)

// What ties a person to an account, an account to a call, or an account that was
// erased to its sessions, is in no list for analysts.
func TestFilterLeavesOutWhatLinksAPerson(t *testing.T) {
	const session, account = events.SessionID("01ARZ3NDEKTSV4RRFFQ69G5FAV"), events.AccountID("01ARZ3NDEKTSV4RRFFQ69G5FAW")
	for name, test := range map[string]struct {
		of    events.Aggregate
		body  events.Body
		taken bool
	}{
		"a session":              {session.Aggregate(), &events.SessionStarted{}, true},
		"an account":             {account.Aggregate(), &events.AccountRegistered{}, true},
		"a topic":                {events.TopicID(session).Aggregate(), &events.TopicAdded{}, true},
		"an e-mail address":      {events.EmailAggregate("ab"), &events.EmailClaimed{Account: account}, false},
		"who she is elsewhere":   {events.IdentityAggregate("ab"), &events.IdentityClaimed{Account: account}, false},
		"the call of a session":  {events.CallAggregate("ab"), &events.CallClaimed{Session: session}, false},
		"an audit trail":         {events.AuditOf(account), &events.SignedIn{}, false},
		"whose an erased one is": {account.Aggregate(), &events.AccountErasurePlanned{}, false},
		"a kind of later":        {events.Aggregate{Kind: "friend", ID: "ab"}, &events.SessionStarted{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := events.Event{Aggregate: test.of, Body: test.body}
			for _, f := range []events.Filter{{}, {Kinds: []events.Kind{test.body.Kind()}}} {
				if taken := f.Takes(e); taken != test.taken {
					t.Errorf("%+v takes it: %v", f, taken)
				}
			}
		})
	}
}
