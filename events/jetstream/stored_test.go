package jetstream_test

import (
	"context"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
)

func TestStoredAfter(t *testing.T) {
	b := eventstest.NewBundle(t)
	began := time.Now()
	first := b.Append(t, annas, &events.SegmentPlaced{Call: 1, Item: "a"})
	between := time.Now()
	last := b.Append(t, annas, &events.SegmentPlaced{Call: 1, Item: "b"})
	stored := func(after events.Position) time.Time {
		t.Helper()
		at, err := b.Log.StoredAfter(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := stored(first - 1); at.Before(began) || at.After(between) {
		t.Errorf("the first was stored at %s, not between %s and %s", at, began, between)
	}
	if at := stored(first); at.Before(between) || at.After(time.Now()) {
		t.Errorf("the last was stored at %s", at)
	}
	if at := stored(last); !at.IsZero() {
		t.Errorf("behind the last something was stored at %s", at)
	}
	t.Run("of what is erased the next one counts", func(t *testing.T) {
		if err := b.Log.SecureDelete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if at := stored(first - 1); !at.Equal(stored(first)) {
			t.Errorf("stored at %s", at)
		}
	})
	t.Run("a log that is away is no empty log", func(t *testing.T) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Log.StoredAfter(ended, 0); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}
