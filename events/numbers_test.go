package events_test

import (
	"testing"

	"pgregory.net/rapid"

	"parley/events"
)

// A set of numbers behaves like a map of them, whatever came in which order.
func TestNumbersWithout(t *testing.T) {
	for _, c := range []struct{ from, out, want string }{
		{"1-9", "", "1-9"}, {"", "1-9", ""}, {"1-9", "1-9", ""}, {"1-9", "4-5", "1-3,6-9"},
		{"1-9", "1,9", "2-8"}, {"1-3,7-9", "3-7", "1-2,8-9"}, {"1-3", "4-9", "1-3"}, {"1-9", "0-20", ""}, {"5", "4,6", "5"},
	} {
		if got := numbers(t, c.from).Without(numbers(t, c.out)).String(); got != c.want {
			t.Errorf("%q without %q = %q, want %q", c.from, c.out, got, c.want)
		}
	}
}

func numbers(t *testing.T, text string) events.Numbers {
	t.Helper()
	n, err := events.ParseNumbers(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNumbersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set events.Numbers
		model := map[int64]bool{}
		for range rapid.IntRange(0, 30).Draw(t, "ranges") {
			first := rapid.Int64Range(0, 60).Draw(t, "first")
			last := first + rapid.Int64Range(0, 5).Draw(t, "length")
			set = set.With(events.Range{First: first, Last: last})
			for n := first; n <= last; n++ {
				model[n] = true
			}
		}
		for n := int64(0); n < 70; n++ {
			if set.Has(n) != model[n] {
				t.Fatalf("%d in %s: %v", n, set, set.Has(n))
			}
		}
		through := int64(0)
		for model[through+1] {
			through++
		}
		if set.Through() != through && !model[0] {
			t.Fatalf("%s is whole through %d, not %d", set, through, set.Through())
		}
		if set.Count() != int64(len(model)) {
			t.Fatalf("%s counts %d, not %d", set, len(model), set.Count())
		}
		back, err := events.ParseNumbers(set.String())
		if err != nil || !back.Equal(set) {
			t.Fatalf("%s reads back as %s (%v)", set, back, err)
		}
	})
}

func TestParseNumbersRefuses(t *testing.T) {
	for _, text := range []string{"1-", "-1", "5-3", "a", "1,,2"} {
		if set, err := events.ParseNumbers(text); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("%q reads as %s (%v)", text, set, err)
		}
	}
}
