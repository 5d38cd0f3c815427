package jetstream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// listen runs a worker on the timers and passes on whose rang.
func listen(t *testing.T, timers *jetstream.Timers, handle func(events.SessionID) error) (rang <-chan events.SessionID, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard, done := make(chan events.SessionID, 100), make(chan error, 1)
	go func() {
		done <- timers.Ring(ctx, jetstream.Worker{
			Name: "timekeeper", Delay: atOnce,
			Handle: func(_ context.Context, e events.Event) error {
				id := events.SessionID(e.Aggregate.ID)
				if err := handle(id); err != nil {
					return err
				}
				heard <- id
				return nil
			},
		})
	}()
	t.Cleanup(cancel)
	return heard, func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ringing ended with %v", err)
		}
	}
}

func fine(events.SessionID) error { return nil }

func arm(t *testing.T, timers *jetstream.Timers, session events.SessionID, at time.Time) {
	t.Helper()
	if err := timers.Arm(t.Context(), session, at); err != nil {
		t.Fatal(err)
	}
}

func TestTimers(t *testing.T) {
	b := eventstest.NewBundle(t)
	timers := b.Log.Timers()
	rang, end := listen(t, timers, fine)
	t.Run("a moment that has passed rings at once", func(t *testing.T) {
		arm(t, timers, anna, time.Now().Add(-time.Hour))
		if got := <-rang; got != anna {
			t.Errorf("%s rang", got)
		}
	})
	t.Run("rings when it is time, and not before", func(t *testing.T) {
		at := time.Now().Add(time.Second)
		arm(t, timers, anna, at)
		if <-rang; time.Now().Before(at.Add(-time.Second)) {
			t.Errorf("rang %s early", time.Until(at))
		}
	})
	t.Run("a later one takes an earlier one's place", func(t *testing.T) {
		arm(t, timers, anna, time.Now().Add(time.Hour))
		arm(t, timers, anna, time.Now())
		<-rang
	})
	t.Run("one that was taken back does not ring", func(t *testing.T) {
		soon := time.Now().Add(time.Second)
		arm(t, timers, anna, soon)
		if err := timers.Cancel(t.Context(), anna); err != nil {
			t.Fatal(err)
		}
		arm(t, timers, bea, soon.Add(time.Second))
		if got := <-rang; got != bea {
			t.Errorf("%s rang", got)
		}
	})
	end()
	t.Run("nothing is left of what has rung", func(t *testing.T) {
		if held := rawStream(t, b.Conn, "PARLEY_TIMERS").CachedInfo().State.Msgs; held != 0 {
			t.Errorf("%d messages are left", held)
		}
	})
}

func TestTimersOverARestart(t *testing.T) {
	b := eventstest.NewBundle(t)
	arm(t, b.Log.Timers(), anna, time.Now().Add(time.Second))
	restart(b.NATS, b.Conn)
	rang, end := listen(t, b.Log.Timers(), fine)
	<-rang
	end()
}

func TestTimerThatIsNotHandled(t *testing.T) {
	b := eventstest.NewBundle(t)
	arm(t, b.Log.Timers(), anna, time.Now())
	tries := 0
	rang, end := listen(t, b.Log.Timers(), func(events.SessionID) error {
		if tries++; tries < 3 {
			return errSick
		}
		return nil
	})
	<-rang
	end()
	if tries != 3 {
		t.Errorf("tried %d times, want 3", tries)
	}
}

func TestTimerThatMakesNoSense(t *testing.T) {
	timers := eventstest.NewBundle(t).Log.Timers()
	for name, err := range map[string]error{
		"armed for no session":  timers.Arm(t.Context(), "", time.Now()),
		"armed for a wide name": timers.Arm(t.Context(), "*", time.Now()),
		"taken back for many":   timers.Cancel(t.Context(), ">"),
		"rung for nobody":       timers.Ring(t.Context(), jetstream.Worker{Name: "w"}),
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v, want %s", err, events.CodeInvalid)
			}
		})
	}
}
