package eventstest_test

import (
	"testing"

	"go.uber.org/goleak"

	"parley/events"
	"parley/events/eventstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failures counts what a helper would fail a test for.
type failures struct {
	testing.TB
	count int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.count++ }
func (f *failures) Fatalf(string, ...any) { f.count++ }

func TestGivenWhenThen(t *testing.T) {
	const id = events.SessionID("01KKNQ5E4800000000000000AA")
	started := &events.SessionStarted{Learner: "anna", Topic: "café"}
	end := &events.SessionEnded{Reason: events.EndedByLearner, LastN: 3}
	ending := func(s *events.Session) ([]events.Event, error) { return s.End(end) }
	negative := func(s *events.Session) ([]events.Event, error) { return s.End(&events.SessionEnded{LastN: -1}) }

	given := func() *eventstest.Case[*events.Session] {
		return eventstest.Given(events.NewSession(id), started)
	}
	for name, c := range map[string]struct {
		check func(testing.TB)
		fails int
	}{
		"what was expected passes":          {func(t testing.TB) { given().When(ending).Then(t, end) }, 0},
		"another draft fails":               {func(t testing.TB) { given().When(ending).Then(t, started) }, 1},
		"a missing draft fails":             {func(t testing.TB) { given().When(ending).Then(t, end, end) }, 1},
		"an unexpected draft fails":         {func(t testing.TB) { given().When(ending).Then(t) }, 1},
		"an expected refusal passes":        {func(t testing.TB) { given().When(negative).Refused(t, events.CodeInvalid) }, 0},
		"another refusal fails":             {func(t testing.TB) { given().When(negative).Refused(t, events.CodeEnded) }, 1},
		"a refusal that did not come fails": {func(t testing.TB) { given().When(ending).Refused(t, events.CodeEnded) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &failures{TB: t}
			c.check(seen)
			if seen.count != c.fails {
				t.Errorf("failed %d times, want %d", seen.count, c.fails)
			}
		})
	}
}

func TestBundleIsTheSameInEachRun(t *testing.T) {
	one, two := eventstest.NewIDs(eventstest.NewClock(), "seed"), eventstest.NewIDs(eventstest.NewClock(), "seed")
	other := eventstest.NewIDs(eventstest.NewClock(), "another")
	first := one.Event()
	if again := two.Event(); again != first {
		t.Errorf("got %s and %s for one seed", first, again)
	}
	if next := one.Event(); next <= first {
		t.Errorf("%s came after %s", next, first)
	}
	if other.Event() == first {
		t.Error("one id for two seeds")
	}
}

func TestEveryKindHasASample(t *testing.T) {
	seen := map[events.EventID]events.Kind{}
	for _, kind := range events.Kinds() {
		sample := eventstest.Sample(kind)
		if sample.Body.Kind() != kind {
			t.Errorf("the sample of %s is of %s", kind, sample.Body.Kind())
		}
		if before, taken := seen[sample.ID]; taken {
			t.Errorf("%s and %s have one id", before, kind)
		}
		seen[sample.ID] = kind
	}
}
