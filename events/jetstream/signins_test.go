package jetstream_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func token(text string) jetstream.TokenHash { return sha256.Sum256([]byte(text)) }

const day = 24 * time.Hour

func TestSignIns(t *testing.T) {
	const ana, ben = events.AccountID("01KKNQ5E4800000000000000AA"), events.AccountID("01KKNQ5E4800000000000000BB")
	b := eventstest.NewBundle(t)
	s := b.Log.SignIns()
	in := func(account events.AccountID, browser events.BrowserID, lasts time.Duration) events.SignIn {
		now := b.Clock.Now()
		return events.SignIn{Account: account, Browser: browser, Name: "Firefox on Linux", BegunAt: now, EndsAt: now.Add(lasts)}
	}
	put := func(account events.AccountID, browser events.BrowserID) {
		t.Helper()
		once := in(account, browser, 30*day)
		for range 2 { // again is the same: the first answer may have been lost
			if err := s.Put(t.Context(), token(string(browser)), once, 7*day); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(t *testing.T, account events.AccountID, browser events.BrowserID, code events.Code) {
		t.Helper()
		got, err := s.Use(t.Context(), account, browser, token(string(browser)))
		if events.CodeOf(err) != code || err == nil && (got.Account != account || got.Browser != browser) {
			t.Errorf("%s: got %+v, %v; want code %q", browser, got, err, code)
		}
	}
	ttl := func(t *testing.T, seq uint64) string {
		t.Helper()
		return rawAt(t, b.Conn, "PARLEY_SIGNINS", seq).Header.Get("Nats-TTL")
	}
	put(ana, "desk")
	put(ana, "phone")
	put(ana, "tablet")
	put(ben, "bens")

	t.Run("a secret signs its browser in", func(t *testing.T) { expect(t, ana, "desk", "") })
	t.Run("another secret, browser or account does not", func(t *testing.T) {
		for _, guess := range []struct {
			account events.AccountID
			browser events.BrowserID
			secret  string
		}{{ana, "desk", "phone"}, {ana, "bens", "bens"}, {ben, "desk", "desk"}, {ana, "*", "desk"}, {"*", "desk", "desk"}, {"", "", ""}} {
			if _, err := s.Use(t.Context(), guess.account, guess.browser, token(guess.secret)); events.CodeOf(err) != events.CodeUnauthenticated {
				t.Errorf("%+v: %v", guess, err)
			}
		}
	})
	t.Run("a browser in use is nobody else's", func(t *testing.T) {
		if err := s.Put(t.Context(), token("other"), in(ana, "desk", day), day); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("got %v, want %s", err, events.CodeConflict)
		}
		expect(t, ana, "desk", "")
	})
	t.Run("it outlives the server", func(t *testing.T) {
		restart(b.NATS, b.Conn)
		expect(t, ana, "desk", "")
	})
	t.Run("the server ends it when it is idle", func(t *testing.T) {
		if got := ttl(t, 1); got != "168h0m0s" {
			t.Errorf("time to live is %q", got)
		}
	})
	t.Run("no name is kept in the clear", func(t *testing.T) {
		if got := string(rawAt(t, b.Conn, "PARLEY_SIGNINS", 1).Data); strings.Contains(got, "Firefox") || !strings.Contains(got, `"name":`) {
			t.Errorf("kept %s", got)
		}
	})
	t.Run("its owner sees where she is signed in", func(t *testing.T) {
		all, err := s.Of(t.Context(), ana)
		if err != nil || len(all) != 3 || all[0].Browser != "desk" || all[0].Name != "Firefox on Linux" || all[0].BegunAt.IsZero() {
			t.Errorf("%+v, %v", all, err)
		}
	})
	t.Run("a use is noted once an hour, and counts on", func(t *testing.T) {
		before, _ := s.Use(t.Context(), ben, "bens", token("bens"))
		b.Clock.Advance(time.Hour)
		if _, err := s.Use(t.Context(), ben, "bens", token("bens")); err != nil {
			t.Fatal(err)
		}
		after, err := s.Use(t.Context(), ben, "bens", token("bens"))
		if err != nil || after.UsedAt.Sub(before.UsedAt) < time.Hour || !after.BegunAt.Equal(before.BegunAt) {
			t.Errorf("%+v became %+v, %v", before, after, err)
		}
		if all, err := s.Of(t.Context(), ben); err != nil || len(all) != 1 || all[0].Name == "" {
			t.Errorf("%+v, %v", all, err)
		}
	})
	t.Run("however much it is used, it ends", func(t *testing.T) {
		if err := s.Put(t.Context(), token("short"), in(ben, "short", 2*time.Hour), 7*day); err != nil {
			t.Fatal(err)
		}
		b.Clock.Advance(90 * time.Minute)
		expect(t, ben, "short", "") // noted anew, for the half hour that is left
		last, err := rawStream(t, b.Conn, "PARLEY_SIGNINS").GetLastMsgForSubject(t.Context(), "parley_signins."+string(ben)+".short")
		if err != nil {
			t.Fatal(err)
		}
		if left := last.Header.Get("Nats-TTL"); left != "29m59s" {
			t.Errorf("time to live is %q", left)
		}
		b.Clock.Advance(time.Hour)
		expect(t, ben, "short", events.CodeUnauthenticated)
	})
	t.Run("one revoked is over, twice too", func(t *testing.T) {
		for range 2 {
			if err := s.Revoke(t.Context(), ana, "desk"); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, ana, "desk", events.CodeUnauthenticated)
		expect(t, ana, "phone", "")
	})
	t.Run("all others of one account are over", func(t *testing.T) {
		if err := s.RevokeOthers(t.Context(), ana, "phone"); err != nil {
			t.Fatal(err)
		}
		expect(t, ana, "tablet", events.CodeUnauthenticated)
		expect(t, ana, "phone", "")
	})
	t.Run("all of one account are over, others stay", func(t *testing.T) {
		if err := s.RevokeAll(t.Context(), ana); err != nil {
			t.Fatal(err)
		}
		expect(t, ana, "phone", events.CodeUnauthenticated)
		expect(t, ben, "bens", "")
	})
	t.Run("nobody, and no time at all, are refused", func(t *testing.T) {
		for _, err := range []error{
			s.Put(t.Context(), token("x"), in("", "x", day), day),
			s.Put(t.Context(), token("x"), in(ana, "", day), day),
			s.Put(t.Context(), token("x"), in(ana, "x", day), time.Second-1),
			s.Put(t.Context(), token("x"), in(ana, "x", time.Second), day),
		} {
			if events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("got %v, want %s", err, events.CodeInvalid)
			}
		}
	})
}

func TestLedger(t *testing.T) {
	b := eventstest.NewBundle(t)
	for _, at := range []time.Time{eventstest.Began, eventstest.Began.Add(time.Hour)} {
		if err := b.Log.Ledger().Record(t.Context(), anna.Aggregate(), at); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the first entry stands", func(t *testing.T) {
		m := rawAt(t, b.Conn, "PARLEY_ERASED", 1)
		if m.Subject != "parley_erased."+string(anna) || string(m.Data) != `{"erased_at":"2026-03-14T09:26:53Z"}` {
			t.Errorf("%s: %s", m.Subject, m.Data)
		}
		info, err := rawStream(t, b.Conn, "PARLEY_ERASED").Info(t.Context())
		if err != nil || info.State.Msgs != 1 {
			t.Errorf("%d entries, %v", info.State.Msgs, err)
		}
	})
	t.Run("no session is refused", func(t *testing.T) {
		if err := b.Log.Ledger().Record(t.Context(), events.SessionID("").Aggregate(), eventstest.Began); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v, want %s", err, events.CodeInvalid)
		}
	})
}

// TestSignInWatched ends sign-ins on one log while another watches them.
func TestSignInWatched(t *testing.T) {
	const ana = events.AccountID("01KKNQ5E4800000000000000AA")
	b := eventstest.NewBundle(t)
	here, there := b.Log.SignIns(), eventstest.OpenLog(t, b.NATS.Connect(), jetstream.Config{Now: b.Clock.Now}).SignIns()
	watch := func(t *testing.T, browser events.BrowserID) <-chan struct{} {
		t.Helper()
		now := b.Clock.Now()
		if err := here.Put(t.Context(), token("x"), events.SignIn{Account: ana, Browser: browser, BegunAt: now, EndsAt: now.Add(day)}, day); err != nil {
			t.Fatal(err)
		}
		ended, cancel, err := there.Watch(t.Context(), ana, browser)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cancel)
		return ended
	}
	has := func(t *testing.T, browser events.BrowserID, want bool) {
		t.Helper()
		if got, err := there.Has(t.Context(), ana, browser); err != nil || got != want {
			t.Errorf("%s is there: %t, %v", browser, got, err)
		}
	}
	open := func(t *testing.T, ended <-chan struct{}) {
		t.Helper()
		select {
		case <-ended:
			t.Error("it ended")
		default:
		}
	}
	desk, phone, tablet := watch(t, "desk"), watch(t, "phone"), watch(t, "tablet")

	t.Run("one that is ended elsewhere ends", func(t *testing.T) {
		has(t, "desk", true)
		if err := here.Revoke(t.Context(), ana, "desk"); err != nil {
			t.Fatal(err)
		}
		<-desk
		has(t, "desk", false)
		open(t, phone)
	})
	t.Run("all others end, and the one that is kept does not", func(t *testing.T) {
		if err := here.RevokeOthers(t.Context(), ana, "tablet"); err != nil {
			t.Fatal(err)
		}
		<-phone
		has(t, "tablet", true)
		open(t, tablet)
	})
	t.Run("one that is not there has ended", func(t *testing.T) {
		ended, cancel, err := there.Watch(t.Context(), ana, "desk")
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
		<-ended
	})
	t.Run("one whose time is over is not there", func(t *testing.T) {
		b.Clock.Advance(day - time.Second)
		has(t, "tablet", true)
		b.Clock.Advance(time.Second)
		has(t, "tablet", false)
	})
	t.Run("nobody watches what is no sign-in", func(t *testing.T) {
		for _, account := range []events.AccountID{"", "*", "a.b"} {
			if _, _, err := there.Watch(t.Context(), account, "desk"); events.CodeOf(err) != events.CodeInvalid {
				t.Errorf("%q: %v", account, err)
			}
		}
	})
}

// A sign-in that is used at the moment when it is ended is written anew, to note the
// use; it is ended all the same.
func TestSignInRevokedWhileItIsUsed(t *testing.T) {
	const ana = events.AccountID("01KKNQ5E4800000000000000AA")
	b := eventstest.NewBundle(t)
	s := b.Log.SignIns()
	for range 50 {
		browser, now := events.BrowserID(b.IDs.ULID()), b.Clock.Now()
		if err := s.Put(t.Context(), token("secret"), events.SignIn{Account: ana, Browser: browser, BegunAt: now, EndsAt: now.Add(30 * day)}, 7*day); err != nil {
			t.Fatal(err)
		}
		b.Clock.Advance(time.Hour)
		var both errgroup.Group
		both.Go(func() error {
			_, err := s.Use(t.Context(), ana, browser, token("secret"))
			if events.CodeOf(err) == events.CodeUnauthenticated {
				return nil // it came too late
			}
			return err
		})
		both.Go(func() error { return s.Revoke(t.Context(), ana, browser) })
		if err := both.Wait(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Use(t.Context(), ana, browser, token("secret")); events.CodeOf(err) != events.CodeUnauthenticated {
			t.Fatalf("it is signed in after it was ended: %v", err)
		}
	}
}
