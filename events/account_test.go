package events_test

import (
	"errors"
	"testing"

	"parley/events"
)

func accountOf(bodies ...events.Body) *events.Account {
	a := events.NewAccount(ada)
	for _, b := range bodies {
		a.Evolve(events.Event{Body: b})
	}
	return a
}

func TestAccountRegister(t *testing.T) {
	roles := []events.Role{events.RoleLearner, events.RoleOperator}
	drafts, err := accountOf().Register(events.Person{Name: "Ada"}, events.NewPassword("hash"), roles)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindAccountRegistered, events.KindAccountCredentialAdded, events.KindAccountRoleGranted, events.KindAccountRoleGranted)
	_, err = accountOf(&events.AccountRegistered{}).Register(events.Person{}, events.NewPassword("hash"), roles)
	wantCode(t, err, events.CodeConflict)
	_, err = accountOf(&events.AccountErased{}).Register(events.Person{}, events.NewPassword("hash"), roles)
	wantCode(t, err, events.CodeConflict)
}

func TestEmailClaim(t *testing.T) {
	never := func(events.AccountID) (bool, error) { return false, nil }
	abandoned := func(events.AccountID) (bool, error) { return true, nil }
	held := &events.EmailClaim{Holder: berk}

	drafts, err := (&events.EmailClaim{}).Claim(ada, never)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindEmailClaimed)

	drafts, _ = (&events.EmailClaim{Holder: ada}).Claim(ada, never)
	wantKinds(t, drafts)

	_, err = held.Claim(ada, never)
	wantCode(t, err, events.CodeConflict)

	drafts, _ = held.Claim(ada, abandoned)
	wantKinds(t, drafts, events.KindEmailClaimed)

	_, err = held.Claim(ada, func(events.AccountID) (bool, error) { return false, errors.New("away") })
	if err == nil {
		t.Fatal("a claim was decided without knowing")
	}
}

func TestTopicAdd(t *testing.T) {
	text := events.TopicText{Title: "At the café", Goals: []string{"order"}}
	t.Run("the catalogue's text is public, a learner's own is not", func(t *testing.T) {
		public, err := (&events.Topic{}).Add("en-US", "A2", "", text)
		wantCode(t, err, "")
		own, err := (&events.Topic{}).Add("en-US", "A2", ada, text)
		wantCode(t, err, "")
		if public[0].Body.(*events.TopicAdded).Public == nil || own[0].Body.(*events.TopicAdded).Public != nil {
			t.Fatal("a text went to the wrong side")
		}
	})
	t.Run("the same again drafts nothing, a new wording revises", func(t *testing.T) {
		topic := &events.Topic{}
		added, _ := topic.Add("en-US", "A2", "", text)
		topic.Evolve(added[0])
		same, _ := topic.Add("en-US", "A2", "", text)
		wantKinds(t, same)
		revised, _ := topic.Add("en-US", "B1", "", text)
		wantKinds(t, revised, events.KindTopicRevised)
		_, err := topic.Add("en-US", "A2", ada, text)
		wantCode(t, err, events.CodeConflict)
	})
	entry := func(n int) string { return string(make([]rune, n)) }
	for _, test := range []struct {
		name            string
		language, level string
		text            events.TopicText
		code            events.Code
	}{
		{"no language", "e", "A2", text, events.CodeInvalid},
		{"no level", "en", "Z9", text, events.CodeInvalid},
		{"no title", "en", "A2", events.TopicText{Title: "  "}, events.CodeInvalid},
		{"the longest title", "en", "A2", events.TopicText{Title: "x" + entry(events.MaxTopicTitle-1)}, ""},
		{"a longer title", "en", "A2", events.TopicText{Title: "x" + entry(events.MaxTopicTitle)}, events.CodeInvalid},
		{"the longest scenario", "en", "A2", events.TopicText{Title: "x", Scenario: entry(events.MaxTopicScenario)}, ""},
		{"a longer scenario", "en", "A2", events.TopicText{Title: "x", Scenario: entry(events.MaxTopicScenario + 1)}, events.CodeInvalid},
		{"the most goals", "en", "A2", events.TopicText{Title: "x", Goals: make([]string, events.MaxTopicList)}, ""},
		{"one goal more", "en", "A2", events.TopicText{Title: "x", Goals: make([]string, events.MaxTopicList+1)}, events.CodeInvalid},
		{"the longest phrase", "en", "A2", events.TopicText{Title: "x", Phrases: []string{entry(events.MaxTopicEntry)}}, ""},
		{"a longer phrase", "en", "A2", events.TopicText{Title: "x", Phrases: []string{entry(events.MaxTopicEntry + 1)}}, events.CodeInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := (&events.Topic{}).Add(test.language, test.level, ada, test.text)
			wantCode(t, err, test.code)
		})
	}
}
