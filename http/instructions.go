package http

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"parley/events"
	"parley/http/realtime"
)

// mintRequest describes the call that a session is about.
func (s *Server) mintRequest(ctx context.Context, next nextCall, choice *talkChoice) (realtime.MintRequest, error) {
	topic, err := s.topic(ctx, next.topic)
	if err != nil {
		return realtime.MintRequest{}, err
	}
	if choice == nil {
		choice = &talkChoice{}
	}
	return realtime.MintRequest{
		Instructions: instructions(topic, choice, next.goesOn), Language: topic.Language, Speed: choice.Speed,
		Turns: realtime.TurnDetection{Mode: turnMode[choice.Turns], Eagerness: eagerness[choice.Patience]}, Hold: next.goesOn,
		SafetyIdentifier: safetyIdentifier(next.learner), TTL: tokenLife, PromptID: string(next.topic),
	}, nil
}

// turnMode is the provider's word for how a turn ends.
var turnMode = map[string]realtime.TurnMode{
	"": realtime.TurnsSemantic, "hands_free": realtime.TurnsSemantic, "push_to_talk": realtime.TurnsByHand,
}

// eagerness is the provider's word for the opposite of patience.
var eagerness = map[string]string{"low": "high", "normal": "auto", "high": "low", "": "auto"}

// safetyIdentifier lets the provider tell accounts apart without knowing them.
func safetyIdentifier(learner events.AccountID) string {
	sum := sha256.Sum256([]byte("parley safety " + learner))
	return hex.EncodeToString(sum[:16])
}

// topic is read from the log: a topic just added must be there at once.
func (s *Server) topic(ctx context.Context, id events.TopicID) (*events.Topic, error) {
	evs, err := s.doors.Log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	topic := &events.Topic{ID: id}
	for _, e := range evs {
		topic.Evolve(e)
	}
	if !topic.Added {
		return nil, events.Errorf(events.CodeNotFound, "there is no such topic")
	}
	return topic, nil
}

// slow is the speed from which on the tutor is asked to take its time, too:
// a voice that is only slowed down still runs its words together.
const slow = 0.9

// instructions tell the model how to be the tutor. A call that goes on says
// once more which language and role it is to keep: a model that reads a
// history easily falls back into introducing itself.
func instructions(t *events.Topic, choice *talkChoice, goesOn bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "You are a patient tutor for spoken practice. Speak only %s (BCP 47), at CEFR level %s: "+
		"words and sentences that a learner of that level follows.\n", t.Language, t.Level)
	fmt.Fprintf(&b, "The situation: %s. %s\n", t.Text.Title, t.Text.Scenario)
	list(&b, "The learner wants to:", t.Text.Goals)
	list(&b, "Phrases she is practising; give her occasion to use them:", t.Text.Phrases)
	if choice.Speed != 0 && choice.Speed < slow {
		b.WriteString("Speak slowly and clearly, in short sentences, with a pause after each. ")
	}
	if choice.Patience == "high" {
		b.WriteString("She takes her time to think: never press her, and never finish her sentences. ")
	}
	if goesOn {
		fmt.Fprintf(&b, "The conversation is under way and was only interrupted by the line. Go on where it stopped, "+
			"in the same role and the same language (%s). Do not introduce yourself again, do not greet again, do not sum up. ", t.Language)
	} else {
		b.WriteString("Open the conversation yourself, in one or two short sentences. ")
	}
	b.WriteString("Keep each turn under three sentences " +
		"and end most of them with a question. When she makes a mistake that matters, say the right form once, in " +
		"passing, and go on. If she is stuck, offer her a beginning of a sentence. Stay in the situation.")
	return b.String()
}

func list(b *strings.Builder, title string, entries []string) {
	if len(entries) == 0 {
		return
	}
	b.WriteString(title)
	for _, e := range entries {
		b.WriteString("\n- " + e)
	}
	b.WriteByte('\n')
}
