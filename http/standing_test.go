package http

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/events"
)

// watching is how a sign-in is watched in these tests.
type watching func() (<-chan struct{}, func())

func (w watching) Watch(context.Context, events.AccountID, events.BrowserID) (<-chan struct{}, func(), error) {
	ended, unwatch := w()
	return ended, unwatch, nil
}

func TestStanding(t *testing.T) {
	const cookie = "account.browser.secret"
	in := events.SignIn{Account: "account", Browser: "browser"}
	var now time.Time
	var ended chan struct{}
	var watched, let int
	given := func(t *testing.T) *standing {
		now = time.Date(2026, time.March, 14, 9, 0, 0, 0, time.UTC)
		ended, watched, let = make(chan struct{}), 0, 0
		st := newStanding(nil, func() time.Time { return now })
		st.signIns = watching(func() (<-chan struct{}, func()) {
			watched++
			return ended, func() { let++ }
		})
		if err := st.keep(t.Context(), cookie, in); err != nil {
			t.Fatal(err)
		}
		return st
	}
	stands := func(st *standing, cookie string) bool {
		found, is := st.find(cookie)
		return is && found == in
	}

	t.Run("an admission stands for a moment", func(t *testing.T) {
		st := given(t)
		now = now.Add(standsFor - 1)
		if !stands(st, cookie) {
			t.Error("it was over too early")
		}
		now = now.Add(1)
		if stands(st, cookie) {
			t.Error("it stood too long")
		}
	})
	t.Run("it is of one cookie, whole", func(t *testing.T) {
		if st := given(t); stands(st, "account.browser.guessed") {
			t.Error("another secret was let in")
		}
	})
	t.Run("the end of the sign-in ends it at once", func(t *testing.T) {
		st := given(t)
		close(ended)
		if stands(st, cookie) {
			t.Error("it still stands")
		}
	})
	t.Run("admitted again it stands on, watched once", func(t *testing.T) {
		st := given(t)
		now = now.Add(standsFor)
		if err := st.keep(t.Context(), cookie, in); err != nil {
			t.Fatal(err)
		}
		if !stands(st, cookie) || watched != 1 {
			t.Errorf("watched %d times", watched)
		}
	})
	t.Run("one that nobody asks for any more is let go", func(t *testing.T) {
		st := given(t)
		now = now.Add(2 * standsFor)
		if err := st.keep(t.Context(), "another", in); err != nil {
			t.Fatal(err)
		}
		if let != 1 || len(st.known) != 1 {
			t.Errorf("let go %d, %d held", let, len(st.known))
		}
	})
	t.Run("there are never too many", func(t *testing.T) {
		st := given(t)
		for i := range mostStanding + 1 {
			if err := st.keep(t.Context(), fmt.Sprint(i), in); err != nil {
				t.Fatal(err)
			}
		}
		if len(st.known) > mostStanding || let+len(st.known) != watched {
			t.Errorf("%d held, %d watched, %d let go", len(st.known), watched, let)
		}
	})
}
