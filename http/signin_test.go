package http

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/events/eventstest"
)

func TestSignIn(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	desk := d.visitor("198.51.100.7")

	t.Run("cookies that only this host and no script sees", func(t *testing.T) {
		cookies := desk.signIn(http.StatusOK, " ANA@example.org ", herPassword).header.Values("Set-Cookie")
		if len(cookies) != 2 {
			t.Fatalf("%q", cookies)
		}
		for i, name := range []string{"__Host-parley=", "__Host-parley_known="} {
			for _, part := range []string{name, "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
				if !strings.Contains(cookies[i], part) {
					t.Errorf("%q is not in %q", part, cookies[i])
				}
			}
		}
		desk.isSignedIn(true)
	})
	t.Run("an unknown address and a wrong password answer the same", func(t *testing.T) {
		wrong := d.visitor("198.51.100.8").signIn(http.StatusUnauthorized, "ana@example.org", "seven loud rivers")
		unknown := d.visitor("198.51.100.8").signIn(http.StatusUnauthorized, "nobody@example.org", herPassword)
		if wrong.body["detail"] != unknown.body["detail"] || wrong.body["code"] != "unauthenticated" || len(wrong.header) != len(unknown.header) {
			t.Errorf("%v, %v", wrong, unknown)
		}
	})
	t.Run("signing in again leaves one sign-in of this browser", func(t *testing.T) {
		desk.signIn(http.StatusOK, "ana@example.org", herPassword)
		browsers := desk.want(http.StatusOK, http.MethodGet, "/api/me/browsers", nil).body["browsers"].([]any)
		if len(browsers) != 1 {
			t.Errorf("%v", browsers)
		}
	})
	t.Run("signed out is signed out, with the old cookie too", func(t *testing.T) {
		kept := desk.client.Jar.Cookies(d.public)
		desk.want(http.StatusNoContent, http.MethodPost, "/api/sign-out", nil)
		desk.client.Jar.SetCookies(d.public, kept)
		desk.isSignedIn(false)
	})
	t.Run("idle too long is over", func(t *testing.T) {
		desk.signIn(http.StatusOK, "ana@example.org", herPassword)
		d.Clock.Advance(signInLasts)
		desk.isSignedIn(false)
	})
}

func TestBrowsers(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	d.registered("ben@example.org")
	desk, phone, ben := d.visitor("198.51.100.7"), d.visitor("198.51.100.7"), d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	phone.signIn(http.StatusOK, "ana@example.org", herPassword)
	ben.signIn(http.StatusOK, "ben@example.org", herPassword)
	list := func(v *visitor) (this, others []string) {
		for _, b := range v.want(http.StatusOK, http.MethodGet, "/api/me/browsers", nil).body["browsers"].([]any) {
			browser := b.(map[string]any)
			if browser["name"] != "Firefox on Linux" {
				t.Errorf("%v", browser)
			}
			if browser["this"] == true {
				this = append(this, browser["id"].(string))
			} else {
				others = append(others, browser["id"].(string))
			}
		}
		return this, others
	}
	this, others := list(desk)
	if len(this) != 1 || len(others) != 1 {
		t.Fatalf("%v, %v", this, others)
	}
	t.Run("another's is not hers to end", func(t *testing.T) {
		ben.want(http.StatusNoContent, http.MethodDelete, "/api/me/browsers/"+this[0], nil)
		desk.isSignedIn(true)
	})
	t.Run("one is ended by name", func(t *testing.T) {
		desk.want(http.StatusNoContent, http.MethodDelete, "/api/me/browsers/"+others[0], nil)
		phone.isSignedIn(false)
		desk.isSignedIn(true)
	})
	t.Run("all others are ended at once", func(t *testing.T) {
		phone.signIn(http.StatusOK, "ana@example.org", herPassword)
		desk.want(http.StatusNoContent, http.MethodDelete, "/api/me/browsers", nil)
		phone.isSignedIn(false)
		desk.isSignedIn(true)
		ben.isSignedIn(true)
	})
}

func TestChangePassword(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	desk, phone := d.visitor("198.51.100.7"), d.visitor("198.51.100.7")
	desk.signIn(http.StatusOK, "ana@example.org", herPassword)
	phone.signIn(http.StatusOK, "ana@example.org", herPassword)
	change := func(status int, old, new string) {
		t.Helper()
		desk.want(status, http.MethodPut, "/api/me/password", map[string]string{"old": old, "new": new})
	}
	const next = "eight quiet rivers"

	change(http.StatusForbidden, "", next)
	change(http.StatusForbidden, "a wrong one", next)
	change(http.StatusUnprocessableEntity, herPassword, "password12")
	phone.isSignedIn(true)

	change(http.StatusNoContent, herPassword, next)
	desk.isSignedIn(true)
	phone.isSignedIn(false)
	phone.signIn(http.StatusUnauthorized, "ana@example.org", herPassword)
	phone.signIn(http.StatusOK, "ana@example.org", next)

	t.Run("guessing the old one is slowed down", func(t *testing.T) {
		for range freeFailures {
			change(http.StatusForbidden, "a guess", herPassword)
		}
		change(http.StatusTooManyRequests, next, herPassword)
	})
}

func TestFailuresSlowDownWhoFails(t *testing.T) {
	d := newDesk(t)
	d.registered("ana@example.org")
	owner := d.visitor("198.51.100.7")
	owner.signIn(http.StatusOK, "ana@example.org", herPassword)
	guesser := d.visitor("203.0.113.5")
	for range freeFailures {
		guesser.signIn(http.StatusUnauthorized, "ana@example.org", "a guess of mine")
	}
	t.Run("the guesser waits, even when the guess is right", func(t *testing.T) {
		refused := guesser.signIn(http.StatusTooManyRequests, "ana@example.org", herPassword)
		if refused.header.Get("Retry-After") != "1" || refused.body["code"] != "rate_limited" {
			t.Errorf("%v", refused)
		}
	})
	t.Run("an address that nobody has is slowed down alike", func(t *testing.T) {
		for range freeFailures {
			guesser.signIn(http.StatusUnauthorized, "nobody@example.org", "a guess of mine")
		}
		guesser.signIn(http.StatusTooManyRequests, "nobody@example.org", "a guess of mine")
	})
	t.Run("the owner does not, where she is", func(t *testing.T) {
		owner.signIn(http.StatusOK, "ana@example.org", herPassword)
	})
	t.Run("nor in her browser beside the guesser", func(t *testing.T) {
		owner.at = guesser.at
		owner.signIn(http.StatusOK, "ana@example.org", herPassword)
	})
	t.Run("nor in a new browser elsewhere", func(t *testing.T) {
		d.visitor("192.0.2.1").signIn(http.StatusOK, "ana@example.org", herPassword)
	})
	t.Run("her browser is not known for another's account", func(t *testing.T) {
		d.registered("ben@example.org")
		for range freeFailures {
			guesser.signIn(http.StatusUnauthorized, "ben@example.org", "a guess of mine")
		}
		owner.signIn(http.StatusTooManyRequests, "ben@example.org", herPassword)
	})
	t.Run("a cookie that was made up is no known browser", func(t *testing.T) {
		guesser.client.Jar.SetCookies(d.public, []*http.Cookie{{Name: "__Host-parley_known", Value: "me.00000000000000000000000000000000", Path: "/", Secure: true}})
		guesser.signIn(http.StatusTooManyRequests, "ben@example.org", herPassword)
	})
	t.Run("who waited may try again", func(t *testing.T) {
		d.Clock.Advance(2 * time.Second)
		guesser.signIn(http.StatusOK, "ana@example.org", herPassword)
	})
}

func TestPace(t *testing.T) {
	clock := eventstest.NewClock()
	now := clock.Now()
	p := newPace(func() time.Time { return now })
	from := network(netip.MustParseAddr("203.0.113.5"))
	pair := func(account string) []place { return []place{{account: account, from: from}, {from: from}} }
	try := func(places ...place) bool { _, err := p.begin(places...); return err == nil }
	wait := func(at place) time.Duration { return p.of(at, now).until.Sub(now) }

	t.Run("the wait doubles up to its most", func(t *testing.T) {
		at := pair("doubling")
		for i := range freeFailures {
			if !try(at...) {
				t.Fatalf("attempt %d waits", i+1)
			}
		}
		for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if got := wait(at[0]); got != want {
				t.Fatalf("waits %s, want %s", got, want)
			}
			now = now.Add(want - 1)
			if try(at...) {
				t.Fatal("tried too early")
			}
			now = now.Add(1)
			if !try(at...) {
				t.Fatal("refused in time")
			}
		}
		for range 20 {
			now = now.Add(mostWait)
			try(at...)
		}
		if got := wait(at[0]); got != mostWait {
			t.Fatalf("waits %s, want %s", got, mostWait)
		}
	})
	t.Run("after an hour of quiet all is forgotten", func(t *testing.T) {
		now = now.Add(forgottenAfter + 1)
		if !try(pair("doubling")...) || wait(pair("doubling")[0]) > 0 {
			t.Fatal("remembered")
		}
	})
	t.Run("success forgives the account's failures and its own of the network", func(t *testing.T) {
		now = now.Add(2 * forgottenAfter)
		for range freeFailures - 1 {
			try(pair("forgiven")...)
		}
		last, err := p.begin(pair("forgiven")...)
		if err != nil {
			t.Fatal(err)
		}
		last.forgive()
		if own := p.of(pair("forgiven")[0], now).count; own != 0 {
			t.Errorf("%d failures of the account", own)
		}
		if all := p.of(place{from: from}, now).count; all != freeFailures-1 {
			t.Errorf("%d failures of the network", all)
		}
	})
	t.Run("a network that tries many accounts waits for all of them", func(t *testing.T) {
		now = now.Add(2 * forgottenAfter)
		for i := range freeFromOne {
			if !try(pair(string(rune('A' + i)))...) {
				t.Fatalf("account %d waits", i)
			}
		}
		if try(pair("one more")...) {
			t.Fatal("does not wait")
		}
	})
	t.Run("memory is bounded", func(t *testing.T) {
		for i := range 5 * rememberedPace {
			p.of(place{account: time.Duration(i).String()}, now)
		}
		if n := len(p.young) + len(p.old); n > 2*rememberedPace {
			t.Fatalf("%d places", n)
		}
	})
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0": "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":     "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":     "Safari on macOS",
		"curl/8.5.0": "",
		"":           "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
