package events

import "testing"

// Know adds a kind to the table while a test runs.
func Know(t *testing.T, kind Kind, make func() Body) {
	t.Helper()
	if _, known := blank[kind]; known {
		t.Fatalf("%s is known", kind)
	}
	blank[kind] = make
	t.Cleanup(func() { delete(blank, kind) })
}
