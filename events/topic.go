package events

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// TopicText is what a topic says. It is public for a topic of the catalogue,
// sealed for a learner's own.
type TopicText struct {
	Title    string   `json:"title,omitempty"`
	Scenario string   `json:"scenario,omitempty"`
	Goals    []string `json:"goals,omitempty"`
	Phrases  []string `json:"phrases,omitempty"`
}

// TopicAdded adds a topic; Owner is empty for one of the catalogue.
type TopicAdded struct {
	Language string     `json:"language"` // BCP 47
	Level    string     `json:"level"`    // CEFR: A1…C2
	Owner    AccountID  `json:"owner,omitempty"`
	Public   *TopicText `json:"public,omitempty"` // set exactly when Owner is empty
	Private  TopicText  `json:"-"`
}

// TopicRevised replaces a topic's text.
type TopicRevised struct {
	Language string     `json:"language"`
	Level    string     `json:"level"`
	Owner    AccountID  `json:"owner,omitempty"`
	Public   *TopicText `json:"public,omitempty"`
	Private  TopicText  `json:"-"`
}

// TopicRetired takes a topic off the list.
type TopicRetired struct{}

// Kind is topic_added.
func (*TopicAdded) Kind() Kind { return KindTopicAdded }

// Sealed is the text of a learner's own topic.
func (b *TopicAdded) Sealed() any { return &b.Private }

func (b *TopicAdded) keyOwner() Aggregate { return topicKeyOwner(b.Owner) }

// Kind is topic_revised.
func (*TopicRevised) Kind() Kind { return KindTopicRevised }

// Sealed is the text of a learner's own topic.
func (b *TopicRevised) Sealed() any { return &b.Private }

func (b *TopicRevised) keyOwner() Aggregate { return topicKeyOwner(b.Owner) }

// Kind is topic_retired.
func (*TopicRetired) Kind() Kind { return KindTopicRetired }

// topicKeyOwner of a catalogue topic is nobody: nothing of it is sealed.
func topicKeyOwner(owner AccountID) Aggregate {
	if owner == "" {
		return Aggregate{}
	}
	return owner.Aggregate()
}

// Topic is what is practised, folded from its events.
type Topic struct {
	ID       TopicID
	Language string
	Level    string
	Owner    AccountID
	Text     TopicText
	Added    bool
	Retired  bool
}

// Evolve takes in the next event.
func (t *Topic) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *TopicAdded:
		t.Added = true
		t.set(b.Language, b.Level, b.Owner, b.Public, b.Private)
	case *TopicRevised:
		t.set(b.Language, b.Level, b.Owner, b.Public, b.Private)
	case *TopicRetired:
		t.Retired = true
	}
}

func (t *Topic) set(language, level string, owner AccountID, public *TopicText, private TopicText) {
	t.Language, t.Level, t.Owner, t.Text = language, level, owner, private
	if public != nil {
		t.Text = *public
	}
}

// Add adds a topic of the catalogue (owner empty) or of a learner. Adding the
// same again drafts nothing; the catalogue's new wording is a revision.
// Errors: CodeInvalid, CodeConflict.
func (t *Topic) Add(language, level string, owner AccountID, text TopicText) ([]Event, error) {
	if err := checkTopic(language, level, text); err != nil {
		return nil, err
	}
	var public *TopicText
	private := text
	if owner == "" {
		public, private = &text, TopicText{}
	}
	switch {
	case !t.Added:
		return Draft(&TopicAdded{language, level, owner, public, private}), nil
	case t.Owner != owner:
		return nil, Errorf(CodeConflict, "this topic id is taken")
	case t.Language == language && t.Level == level && t.Text.equal(text):
		return nil, nil
	}
	return Draft(&TopicRevised{language, level, owner, public, private}), nil
}

func (t TopicText) equal(o TopicText) bool {
	return t.Title == o.Title && t.Scenario == o.Scenario &&
		slices.Equal(t.Goals, o.Goals) && slices.Equal(t.Phrases, o.Phrases)
}

// Limits of a topic's text.
const (
	MaxTopicTitle    = 120  // characters
	MaxTopicScenario = 2000 // characters
	MaxTopicList     = 20   // goals, and phrases
	MaxTopicEntry    = 200  // characters of one goal or phrase
)

var levels = []string{"A1", "A2", "B1", "B2", "C1", "C2"}

// checkTopic names the field that is wrong and never what it holds: somebody may have
// typed into the wrong one.
func checkTopic(language, level string, text TopicText) error {
	switch {
	case len(language) < 2 || len(language) > 35 || strings.ContainsAny(language, " _"):
		return Errorf(CodeInvalid, "language is no BCP 47 tag such as en or pt-BR")
	case !slices.Contains(levels, level):
		return Errorf(CodeInvalid, "level is none of A1, A2, B1, B2, C1, C2")
	case strings.TrimSpace(text.Title) == "":
		return Errorf(CodeInvalid, "title must not be empty")
	case utf8.RuneCountInString(text.Title) > MaxTopicTitle:
		return Errorf(CodeInvalid, "title is longer than %d characters", MaxTopicTitle)
	case utf8.RuneCountInString(text.Scenario) > MaxTopicScenario:
		return Errorf(CodeInvalid, "scenario is longer than %d characters", MaxTopicScenario)
	case len(text.Goals) > MaxTopicList || len(text.Phrases) > MaxTopicList:
		return Errorf(CodeInvalid, "more than %d goals or phrases", MaxTopicList)
	}
	for _, entry := range slices.Concat(text.Goals, text.Phrases) {
		if utf8.RuneCountInString(entry) > MaxTopicEntry {
			return Errorf(CodeInvalid, "a goal or phrase is longer than %d characters", MaxTopicEntry)
		}
	}
	return nil
}
