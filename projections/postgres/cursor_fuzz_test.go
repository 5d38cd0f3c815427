package postgres

import (
	"testing"
	"time"

	"parley/events"
)

// A cursor is refused, or it is one that a page could have given.
func FuzzCursor(f *testing.F) {
	const id = "01KKNQ5E48000000000SESS1AA"
	f.Add(place{time.UnixMilli(1_773_480_414_234), id}.String())
	f.Add(place{time.UnixMilli(-1 << 62), id}.String())
	f.Add("!")
	f.Add("MSAx")
	f.Fuzz(func(t *testing.T, text string) {
		from, err := parseCursor(text)
		if err != nil {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		if text == "" {
			return
		}
		if again, err := parseCursor(from.String()); err != nil || again != from {
			t.Fatalf("%q is read as %v, and that as %v, %v", text, from, again, err)
		}
		if year := from.startedAt.Year(); year < 0 || year > 9999 {
			t.Fatalf("%q names the year %d, which no database knows", text, year)
		}
	})
}
