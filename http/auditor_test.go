package http

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

const (
	dora = events.AccountID("01KKNQ5E480000000000ACC0DA")
	emil = events.AccountID("01KKNQ5E480000000000ACC0EA")
)

func auditorOn(b *eventstest.Bundle) *Auditor {
	return NewAuditor(b.Log, 3, b.Clock.Now, b.IDs.ULID, slog.New(slog.DiscardHandler))
}

// ran runs an auditor until what was noted is stored.
func ran(t *testing.T, a *Auditor) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	stop()
	<-done
}

func trailBodies(evs []events.Event) []events.Body {
	var all []events.Body
	for _, e := range evs {
		all = append(all, e.Body)
	}
	return all
}

func trail(t *testing.T, b *eventstest.Bundle, of events.Aggregate, want ...events.Body) {
	t.Helper()
	if diff := cmp.Diff(want, trailBodies(b.Load(t, of))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", of, diff)
	}
}

func TestAuditor(t *testing.T) {
	b := eventstest.NewBundle(t)
	t.Run("stores what waits, in order, before it stops", func(t *testing.T) {
		a := auditorOn(b)
		in, out := &events.SignedIn{Method: "password"}, &events.Exported{What: "transcript-vtt"}
		a.Note(events.Actor(dora), dora, in)
		a.Note(events.Actor(dora), dora, out)
		ran(t, a)
		trail(t, b, events.AuditOf(dora), in, out)
	})
	t.Run("goes on behind what another instance has stored", func(t *testing.T) {
		one, other := auditorOn(b), auditorOn(b)
		read := &events.ContentRead{Session: "01KKNQ5E48000000000SESS1AA", Reason: "r"}
		for _, a := range []*Auditor{one, other, one, other} {
			if _, err := a.Keep(t.Context(), events.Actor(dora), emil, read); err != nil {
				t.Fatal(err)
			}
		}
		trail(t, b, events.AuditOf(emil), read, read, read, read)
	})
	t.Run("goes on where what it knew last was swept", func(t *testing.T) {
		a := auditorOn(b)
		const fay = events.AccountID("01KKNQ5E480000000000ACC0FA")
		in := &events.SignedIn{Method: "password"}
		var at []events.Position
		for range 2 {
			kept, err := a.Keep(t.Context(), events.Actor(fay), fay, in)
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, kept)
		}
		if err := b.Log.SecureDelete(t.Context(), at[1]); err != nil {
			t.Fatal(err)
		}
		a.Note(events.Actor(fay), fay, in)
		ran(t, a)
		trail(t, b, events.AuditOf(fay), in, in)
	})
	t.Run("counts the failures after the first of a minute", func(t *testing.T) {
		a := auditorOn(b)
		hour := events.AuditOfHour(b.Clock.Now(), 3)
		for range 5 {
			a.Failed("", "password", "198.51.100.0/24")
		}
		a.Failed("", "password", "203.0.113.0/24")
		ran(t, a)
		trail(t, b, hour,
			&events.SignInFailed{Method: "password", Address: "198.51.100.0/24", Count: 1},
			&events.SignInFailed{Method: "password", Address: "203.0.113.0/24", Count: 1},
			&events.SignInFailed{Method: "password", Address: "198.51.100.0/24", Count: 4})
	})
}

func TestAuditorLosesNothingSilently(t *testing.T) {
	b := eventstest.NewBundle(t)
	a := auditorOn(b)
	for range auditQueue {
		a.Note(events.Actor(dora), dora, &events.SignedIn{Method: "password"})
	}
	if a.Missed() != 0 {
		t.Fatalf("%d are missed while there is room", a.Missed())
	}
	for range 2 {
		a.Note(events.Actor(dora), dora, &events.SignedIn{Method: "password"})
	}
	a.Note(events.Actor(dora), dora, &events.Exported{What: "transcript-txt"})
	ran(t, a)
	t.Run("what waited is stored", func(t *testing.T) {
		if stored := len(b.Load(t, events.AuditOf(dora))); stored != auditQueue {
			t.Errorf("%d are stored", stored)
		}
	})
	t.Run("what did not find room is counted, and the log says so", func(t *testing.T) {
		found := trailBodies(b.Load(t, events.AuditOfHour(b.Clock.Now(), 3)))
		if len(found) != 1 || a.Missed() != 3 {
			t.Fatalf("%v, %d missed", found, a.Missed())
		}
		gap := found[0].(*events.AuditInterrupted)
		want := map[events.Kind]int{events.KindSignedIn: 2, events.KindExported: 1}
		if diff := cmp.Diff(want, gap.Missed); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("failures at too many places are counted together", func(t *testing.T) {
		a := auditorOn(b)
		for i := range failingPlaces {
			a.Failed(events.AccountID(time.Duration(i).String()), "password", "")
		}
		missed := a.Missed()
		a.Failed("one more", "password", "")
		if a.Missed() != missed+1 {
			t.Errorf("%d, then %d missed", missed, a.Missed())
		}
	})
}

func TestAuditorWithoutALog(t *testing.T) {
	b := eventstest.NewBundle(t)
	a := auditorOn(b)
	b.NATS.Stop()
	t.Run("keeps nothing, and says so", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Keep(ctx, events.Actor(dora), emil, &events.ContentRead{Reason: "r"}); err == nil {
			t.Error("it is not stored, but may be acted on")
		}
	})
	t.Run("stores what was noted once the log is back", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.Run(ctx) }()
		a.Note(events.Actor(dora), dora, &events.SignedIn{Method: "password"})
		b.NATS.Start()
		back := eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{})
		_, err := eventstest.FollowUntil(t.Context(), back, func(evs []events.Event) bool {
			return len(evs) > 0 && evs[len(evs)-1].Aggregate == events.AuditOf(dora)
		})
		stop()
		<-done
		if err != nil {
			t.Fatal(err)
		}
		trail(t, b, events.AuditOf(dora), &events.SignedIn{Method: "password"})
	})
}
