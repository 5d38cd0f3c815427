package jetstream_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func token(text string) jetstream.TokenHash { return sha256.Sum256([]byte(text)) }

func TestSignIns(t *testing.T) {
	const ana, ben = events.AccountID("01KKNQ5E4800000000000000AA"), events.AccountID("01KKNQ5E4800000000000000BB")
	b := eventstest.NewBundle(t)
	s := b.Log.SignIns()
	put := func(text string, account events.AccountID) {
		t.Helper()
		for range 2 { // again is the same: the first answer may have been lost
			if err := s.Put(t.Context(), token(text), account, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(t *testing.T, text string, account events.AccountID, code events.Code) {
		t.Helper()
		got, err := s.Get(t.Context(), token(text))
		if got != account || events.CodeOf(err) != code {
			t.Errorf("%s: got %q, %v; want %q, code %q", text, got, err, account, code)
		}
	}
	put("desk", ana)
	put("phone", ana)
	put("tablet", ana)
	put("ben's", ben)

	t.Run("a token tells whose it is", func(t *testing.T) { expect(t, "desk", ana, "") })
	t.Run("an unknown one tells nothing", func(t *testing.T) { expect(t, "guess", "", events.CodeUnauthenticated) })
	t.Run("a token in use is nobody else's", func(t *testing.T) {
		if err := s.Put(t.Context(), token("desk"), ben, time.Hour); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("got %v, want %s", err, events.CodeConflict)
		}
		expect(t, "desk", ana, "")
	})
	t.Run("it outlives the server", func(t *testing.T) {
		restart(b.NATS, b.Conn)
		expect(t, "desk", ana, "")
	})
	t.Run("the server ends it in time", func(t *testing.T) {
		if ttl := rawAt(t, b.Conn, "PARLEY_SIGNINS", 1).Header.Get("Nats-TTL"); ttl != "1h0m0s" {
			t.Errorf("time to live is %q", ttl)
		}
	})
	t.Run("nothing but account and time is kept", func(t *testing.T) {
		want := `{"account":"` + string(ana) + `","created_at":"2026-03-14T09:26:53.`
		if got := string(rawAt(t, b.Conn, "PARLEY_SIGNINS", 1).Data); !strings.HasPrefix(got, want) {
			t.Errorf("kept %s", got)
		}
	})
	t.Run("one revoked is over, twice too", func(t *testing.T) {
		for range 2 {
			if err := s.Revoke(t.Context(), token("desk")); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, "desk", "", events.CodeUnauthenticated)
		expect(t, "phone", ana, "")
	})
	t.Run("all of one account are over, others stay", func(t *testing.T) {
		if err := s.RevokeAll(t.Context(), ana); err != nil {
			t.Fatal(err)
		}
		expect(t, "phone", "", events.CodeUnauthenticated)
		expect(t, "tablet", "", events.CodeUnauthenticated)
		expect(t, "ben's", ben, "")
	})
	t.Run("nobody, and no time at all, are refused", func(t *testing.T) {
		for _, err := range []error{
			s.Put(t.Context(), token("x"), "", time.Hour),
			s.Put(t.Context(), token("x"), ana, time.Second-1),
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
