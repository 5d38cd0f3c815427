package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
)

func TestHangUp(t *testing.T) {
	x := newExchange(t)
	t.Run("ends the call of a session that the server stopped", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "")
		s.decide(func(sn *events.Session) ([]events.Event, error) { return sn.Stop(events.EndedByTimeLimit) })
		if err := x.sideband.HangUp(t.Context(), s.last()); err != nil {
			t.Fatal(err)
		}
		s.caller.Wait(s.caller.Closed)
	})
	t.Run("is over when it is asked for again", func(t *testing.T) {
		x := x.in(t)
		s := x.up("", "")
		s.decide(func(sn *events.Session) ([]events.Event, error) { return sn.Stop(events.EndedIdle) })
		for range 2 {
			if err := x.sideband.HangUp(t.Context(), s.last()); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("follows when the browser is signed out", func(t *testing.T) {
		x := x.in(t)
		browser := events.BrowserID(x.IDs.ULID())
		in := events.SignIn{Account: dora, Browser: browser, BegunAt: time.Now(), EndsAt: time.Now().Add(time.Hour)}
		if err := x.Log.SignIns().Put(t.Context(), sha256.Sum256([]byte("secret")), in, time.Hour); err != nil {
			t.Fatal(err)
		}
		s := x.up(browser, "")
		ended, _ := s.listened(x.sideband)
		if err := x.Log.SignIns().Revoke(t.Context(), dora, browser); err != nil {
			t.Fatal(err)
		}
		_, err := eventstest.FollowUntil(t.Context(), x.Log, func(seen []events.Event) bool {
			end, is := seen[len(seen)-1].Body.(*events.SessionEnded)
			return is && end.Reason == events.EndedBySignOut
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.sideband.HangUp(t.Context(), s.last()); err != nil {
			t.Fatal(err)
		}
		s.caller.Wait(s.caller.Closed)
		if err := s.wait(ended); err != nil {
			t.Error(err)
		}
	})
}

// away is a provider that does not answer who asks it to hang up.
type away struct {
	Lines
	asked chan time.Duration // how long it is waited for
}

func (l away) HangUp(ctx context.Context, _ string) error {
	until, _ := ctx.Deadline()
	l.asked <- time.Until(until)
	<-ctx.Done()
	return ctx.Err()
}

// outOfOrder is a provider that fails to hang up, so many times.
type outOfOrder struct {
	Lines
	left *atomic.Int32
}

func (l outOfOrder) HangUp(ctx context.Context, call string) error {
	if l.left.Add(-1) >= 0 {
		return errors.New("out of order")
	}
	return l.Lines.HangUp(ctx, call)
}

func TestHangUpAll(t *testing.T) {
	x := newExchange(t)
	t.Run("ends the calls of all these sessions, whoever listens", func(t *testing.T) {
		x := x.in(t)
		heard, alone, quiet := x.up("", ""), x.up("", ""), events.SessionID(x.IDs.ULID())
		ended, _ := heard.listened(x.sideband)
		x.Append(t, quiet.Aggregate(), &events.SessionStarted{Learner: dora})
		for range 2 { // a crash may come after it
			if err := x.another().HangUpAll(t.Context(), []events.SessionID{heard.id, quiet, alone.id}); err != nil {
				t.Fatal(err)
			}
		}
		heard.caller.Wait(heard.caller.Closed)
		alone.caller.Wait(alone.caller.Closed)
		if err := heard.wait(ended); err != nil {
			t.Error(err)
		}
	})
	t.Run("waits for a provider that is away no longer than a second in all, and says so", func(t *testing.T) {
		x, log := x.in(t), &bytes.Buffer{}
		sessions, asked := []events.SessionID{x.up("", "").id, x.up("", "").id}, make(chan time.Duration, 2)
		if err := x.by(away{x.client, asked}, log).HangUpAll(t.Context(), sessions); err != nil {
			t.Fatal(err)
		}
		for _, id := range sessions {
			if wait := <-asked; wait <= 0 || wait > hangUpWithin {
				t.Errorf("waits for %v", wait)
			}
			if !strings.Contains(log.String(), string(id)) {
				t.Errorf("says nothing of %s: %s", id, log)
			}
		}
	})
	t.Run("does not say that it is done when it was stopped", func(t *testing.T) {
		x, asked := x.in(t), make(chan time.Duration)
		ctx, stop := context.WithCancel(t.Context())
		go func() { <-asked; stop() }()
		if err := x.by(away{x.client, asked}, io.Discard).HangUpAll(ctx, []events.SessionID{x.up("", "").id}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// What an eraser could not hang up is hung up by whoever hears it, who alone has its id.
func TestDeletedIsHungUpWhenItIsHeard(t *testing.T) {
	x := newExchange(t)
	var left atomic.Int32
	left.Store(1)
	s := x.up("", "")
	ended, _ := s.listened(x.by(outOfOrder{x.client, &left}, io.Discard))
	s.decide(func(sn *events.Session) ([]events.Event, error) { return sn.RequestDelete(dora) })
	if err := x.Vault.Destroy(t.Context(), s.id.Aggregate()); err != nil {
		t.Fatal(err)
	}
	s.caller.Send(`{"type":"response.create"}`)
	s.caller.Wait(s.caller.Closed)
	if err := s.wait(ended); err != nil || left.Load() >= 0 {
		t.Errorf("%v, %d failures are left", err, left.Load()+1)
	}
	if last := s.last().Body.Kind(); last != events.KindSessionDeleteRequested {
		t.Errorf("it went on writing: %s", last)
	}
}
