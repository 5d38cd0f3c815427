package http

import (
	"strings"
	"testing"

	"parley/events"
)

func TestInstructions(t *testing.T) {
	topic := &events.Topic{Language: "es", Level: "A2", Text: events.TopicText{Title: "En la cafetería", Scenario: "You are the waiter."}}
	const opens, goesOn, slowly, thinks = "Open the conversation yourself", "Do not introduce yourself again", "Speak slowly", "takes her time to think"
	for name, test := range map[string]struct {
		choice talkChoice
		later  bool
		says   []string
		not    []string
	}{
		"a first call is opened by the tutor":          {talkChoice{}, false, []string{opens, "Speak only es", "the waiter"}, []string{goesOn, slowly, thinks}},
		"a later one goes on, language and role again": {talkChoice{}, true, []string{goesOn, "(es)", "the waiter"}, []string{opens}},
		"a slower tutor is asked to take its time":     {talkChoice{Speed: 0.89}, false, []string{slowly}, nil},
		"one that is hardly slower is not":             {talkChoice{Speed: 0.9}, false, nil, []string{slowly}},
		"a learner who thinks is not pressed":          {talkChoice{Patience: "high"}, true, []string{thinks}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := instructions(topic, &test.choice, test.later)
			for _, part := range test.says {
				if !strings.Contains(got, part) {
					t.Errorf("%q is not in %q", part, got)
				}
			}
			for _, part := range test.not {
				if strings.Contains(got, part) {
					t.Errorf("%q is in %q", part, got)
				}
			}
		})
	}
}
