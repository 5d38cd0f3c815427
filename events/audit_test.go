package events_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/events"
)

func TestAddressPrefix(t *testing.T) {
	for from, want := range map[string]string{
		"198.51.100.7":         "198.51.100.0/24",
		"::ffff:198.51.100.7":  "198.51.100.0/24",
		"2001:db8:7:1:2:3:4:5": "2001:db8:7::/48",
		"fe80::1%eth0":         "fe80::/48",
		"127.0.0.1":            "127.0.0.0/24",
	} {
		if got := events.AddressPrefix(netip.MustParseAddr(from)); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	if got := events.AddressPrefix(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}

func TestCheckReason(t *testing.T) {
	for name, test := range map[string]struct {
		reason string
		code   events.Code
	}{
		"none":            {"", events.CodeInvalid},
		"only space":      {" \u00a0", events.CodeInvalid},
		"two lines":       {"a\nb", events.CodeInvalid},
		"no text":         {"a\xff", events.CodeInvalid},
		"a word":          {"débogage", ""},
		"just long":       {strings.Repeat("x", events.MaxReason), ""},
		"one byte longer": {strings.Repeat("x", events.MaxReason+1), events.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, events.CheckReason(test.reason), test.code) })
	}
}

func TestAuditOfHour(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 59, 0, 0, time.FixedZone("", 3600))
	if got := events.AuditOfHour(at, 3).String(); got != "audit/2026112219.3" {
		t.Error(got)
	}
}

func TestDisclosure(t *testing.T) {
	now := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	granted := func(bodies ...events.Body) *events.Disclosure {
		d := events.NewDisclosure("01KKNQ5E48000000000SESS1AA")
		for _, b := range append([]events.Body{&events.SessionStarted{Learner: ada}}, bodies...) {
			d.Evolve(events.Event{Body: b})
		}
		return d
	}
	hour := &events.ContentGranted{Until: now.Add(time.Hour)}

	t.Run("its learner opens it until an end", func(t *testing.T) {
		drafts, err := granted().Grant(ada, now.Add(time.Hour), now)
		wantCode(t, err, "")
		wantKinds(t, drafts, events.KindContentGranted)
		drafts, err = granted(hour).Grant(ada, hour.Until, now)
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("nobody else does", func(t *testing.T) {
		_, err := granted().Grant("01KKNQ5E480000000000ACC0BB", now.Add(time.Hour), now)
		wantCode(t, err, events.CodeNotFound)
		_, err = granted(hour).Withdraw("01KKNQ5E480000000000ACC0BB")
		wantCode(t, err, events.CodeNotFound)
	})
	t.Run("not without an end that is near", func(t *testing.T) {
		for until, code := range map[time.Time]events.Code{
			now:                      events.CodeInvalid,
			now.Add(time.Second):     "",
			now.Add(events.MaxGrant): "",
			now.Add(events.MaxGrant + time.Nanosecond): events.CodeInvalid,
			{}: events.CodeInvalid,
		} {
			_, err := granted().Grant(ada, until, now)
			wantCode(t, err, code)
		}
	})
	t.Run("is readable while the grant holds", func(t *testing.T) {
		wantCode(t, granted().Readable(now), events.CodeForbidden)
		wantCode(t, granted(hour).Readable(now), "")
		wantCode(t, granted(hour).Readable(hour.Until), events.CodeForbidden)
		wantCode(t, granted(hour, &events.ContentGrantWithdrawn{}).Readable(now), events.CodeForbidden)
		wantCode(t, granted(hour, &events.SessionDeleteRequested{By: ada}).Readable(now), events.CodeNotFound)
		wantCode(t, events.NewDisclosure("x").Readable(now), events.CodeNotFound)
	})
	t.Run("is withdrawn once", func(t *testing.T) {
		drafts, err := granted(hour).Withdraw(ada)
		wantCode(t, err, "")
		wantKinds(t, drafts, events.KindContentGrantWithdrawn)
		drafts, err = granted().Withdraw(ada)
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("what is deleted takes no grant", func(t *testing.T) {
		_, err := granted(&events.SessionDeleteRequested{By: ada}).Grant(ada, now.Add(time.Hour), now)
		wantCode(t, err, events.CodeErased)
	})
}
