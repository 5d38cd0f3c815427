package eventstest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/events"
)

// Case is a test of one decision: given what happened, when a command comes,
// then these events are drafted, or it is refused.
//
//	eventstest.Given(session, started, issued).
//		When(func(s *events.Session) ([]events.Event, error) { return s.End(end) }).
//		Then(t, &events.SessionEnded{…})
type Case[S events.State] struct {
	state  S
	drafts []events.Event
	err    error
}

// Given folds what happened into a fresh state, one millisecond and one
// position after the other.
func Given[S events.State](state S, happened ...events.Body) *Case[S] {
	clock := NewClock()
	for i, body := range happened {
		state.Evolve(events.Event{Body: body, Time: clock.Now(), Position: events.Position(i + 1)})
	}
	return &Case[S]{state: state}
}

// When lets the command decide.
func (c *Case[S]) When(decide func(S) ([]events.Event, error)) *Case[S] {
	c.drafts, c.err = decide(c.state)
	return c
}

// Then expects these drafts, and none other.
func (c *Case[S]) Then(t testing.TB, want ...events.Body) {
	t.Helper()
	if c.err != nil {
		t.Fatalf("refused: %v", c.err)
	}
	var got []events.Body
	for _, draft := range c.drafts {
		got = append(got, draft.Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drafts (-want +got):\n%s", diff)
	}
}

// Refused expects an error of this code.
func (c *Case[S]) Refused(t testing.TB, want events.Code) {
	t.Helper()
	if got := events.CodeOf(c.err); got != want {
		t.Errorf("got code %q (%v), want %q", got, c.err, want)
	}
}
