package events_test

import (
	"testing"

	"parley/events"
)

// Positions and ranges come back from browsers and from backups: each text is
// refused, or means one thing.
func FuzzPosition(f *testing.F) {
	f.Add("12")
	f.Add("-1")
	f.Add("18446744073709551616")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := events.ParsePosition(text)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		if again, err := events.ParsePosition(at.String()); err != nil || again != at {
			t.Fatalf("%q is %v, and that %v, %v", text, at, again, err)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add("1-7,9")
	f.Add("9-1")
	f.Add("1-9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := events.ParseNumbers(text)
		if err != nil {
			return
		}
		if again, err := events.ParseNumbers(n.String()); err != nil || again.String() != n.String() {
			t.Fatalf("%q is %v, and that %v, %v", text, n, again, err)
		}
		for k := int64(1); k < 9; k++ {
			if with := n.With(events.Range{k, k}); !with.Has(k) {
				t.Fatalf("%v with %d is %v", n, k, with)
			}
		}
	})
}
