package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"parley/events"
)

// tinyLimits leave each row of the table below its own one to run into: it is
// an account's, and each row has an account.
var tinyLimits = []string{
	"PARLEY_LIMIT_TOKENS=4/1h", "PARLEY_LIMIT_CALLS=2", "PARLEY_LIMIT_UPLOADS=2/1h", "PARLEY_LIMIT_REPORTS=3/1h",
	"PARLEY_UPLOAD_MAX=1048576", "PARLEY_LIMIT_UPLOAD_BYTES=1048576/1h", "PARLEY_LIMIT_REPORT_BYTES=1048576/1h",
}

// TestLimits uses up what each limit allows, and asks once more.
func TestLimits(t *testing.T) {
	p := start(t, t.TempDir(), tinyLimits...)
	p.setUp(t)
	for name, row := range map[string]struct {
		code events.Code
		ask  func(*testing.T, *browser) (allowed []answer, over answer)
	}{
		"tokens":                       {events.CodeLimited, askTokens},
		"calls at once":                {events.CodeTooManyCalls, askCalls},
		"uploads announced":            {events.CodeLimited, askUploads},
		"uploads put through us":       {events.CodeLimited, askPuts},
		"bytes of uploads":             {events.CodeUsedUp, askUploadBytes},
		"batches of reports":           {events.CodeLimited, askReports},
		"bytes of reports":             {events.CodeLimited, askReportBytes},
		"sign-ins from one network":    {events.CodeLimited, askSignIns},
		"sign-ins in a known browser":  {events.CodeLimited, askKnownSignIns},
		"old passwords while changing": {events.CodeLimited, askPasswords},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@example.org"
			addAccount(t, p.dir, email, "learner")
			allowed, over := row.ask(t, signIn(t, p.base, email))
			for i, a := range allowed {
				if a.status == http.StatusTooManyRequests {
					t.Errorf("number %d is within the limit: %s", i+1, a)
				}
			}
			wantLimited(t, over, row.code)
		})
	}
	t.Run("talk of a day", func(t *testing.T) {
		p := start(t, t.TempDir(), "PARLEY_LIMIT_TALK=1ns")
		c := p.setUp(t).startSession()
		c.token()
		wantLimited(t, c.do("POST", c.path("/token"), nil), events.CodeUsedUp)
	})
}

// wantLimited wants a refusal that names itself and says when to come again.
func wantLimited(t *testing.T, a answer, code events.Code) {
	t.Helper()
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || a.code() != string(code) || err != nil || wait < 1 {
		t.Errorf("got %s, Retry-After %q, want %s", a, a.header.Get("Retry-After"), code)
	}
}

func askTokens(_ *testing.T, b *browser) (allowed []answer, over answer) {
	c := b.startSession()
	return times(4, func(int) answer { return c.do("POST", c.path("/token"), nil) })
}

// askCalls ends one call in between: then there is room again.
func askCalls(t *testing.T, b *browser) (allowed []answer, over answer) {
	token := func(c *conversation) answer { return c.do("POST", c.path("/token"), nil) }
	first, second, third := b.startSession(), b.startSession(), b.startSession()
	allowed = []answer{token(first), token(second)}
	over = token(third)
	first.must(http.StatusOK, "POST", first.path("/end"), map[string]any{"reason": "learner", "recording_expected": false, "last_n": 0})
	if a := token(third); a.status != http.StatusOK {
		t.Errorf("with one call less: %s", a)
	}
	return allowed, over
}

func announcement(size int) map[string]any {
	return map[string]any{"size": size, "sha256": strings.Repeat("ab", 32), "content_type": "audio/webm", "duration_ms": 1}
}

func askUploads(_ *testing.T, b *browser) (allowed []answer, over answer) {
	c := b.silentSession()
	return times(2, func(int) answer { return c.do("POST", c.path("/upload"), announcement(5000)) })
}

func askPuts(_ *testing.T, b *browser) (allowed []answer, over answer) {
	c := b.silentSession()
	announced := c.must(http.StatusOK, "POST", c.path("/upload"), announcement(5000))
	return times(1, func(int) answer {
		return c.do("PUT", c.path("/upload/"+announced.text("upload_id")+"/1"), []byte("{}")) // as JSON: refused after it was counted
	})
}

// askUploadBytes announces all the bytes that are allowed, and then the fewest.
func askUploadBytes(_ *testing.T, b *browser) (allowed []answer, over answer) {
	first, second := b.silentSession(), b.silentSession()
	whole := first.do("POST", first.path("/upload"), announcement(1<<20))
	return []answer{whole}, second.do("POST", second.path("/upload"), announcement(5000))
}

func askReports(_ *testing.T, b *browser) (allowed []answer, over answer) {
	c := b.startSession()
	c.token()
	return times(3, func(int) answer { return c.do("POST", c.path("/events"), map[string]any{"events": reports()}) })
}

// askReportBytes stays below a batch's own bound each time.
func askReportBytes(_ *testing.T, b *browser) (allowed []answer, over answer) {
	c := b.startSession()
	c.token()
	batch := func(n int) answer {
		long := map[string]any{"n": n, "call": 1, "at_ms": 1, "rec_ms": nil, "event": map[string]any{"type": "unknown", "pad": strings.Repeat("x", 60<<10)}}
		many := make([]any, 8)
		for i := range many {
			many[i] = long
		}
		return c.do("POST", c.path("/events"), map[string]any{"events": many})
	}
	return times(2, batch)
}

// askSignIns guesses in browsers that nobody knows.
func askSignIns(t *testing.T, b *browser) (allowed []answer, over answer) {
	email := b.must(http.StatusOK, "GET", "/api/me", nil).text("account", "email")
	return guesses(func() answer {
		return newBrowser(t, b.base).do("POST", "/api/sign-in", map[string]string{"email": email, "password": "wrong"})
	})
}

// askKnownSignIns guesses where she signed in before: that has a count of its own.
func askKnownSignIns(t *testing.T, b *browser) (allowed []answer, over answer) {
	email := b.must(http.StatusOK, "GET", "/api/me", nil).text("account", "email")
	known := newBrowser(t, b.base)
	for _, set := range known.must(http.StatusOK, "POST", "/api/sign-in", map[string]string{"email": email, "password": password}).header.Values("Set-Cookie") {
		if cookie, _, _ := strings.Cut(set, ";"); strings.Contains(cookie, "_known=") {
			known.cookie = cookie
		}
	}
	return guesses(func() answer {
		return known.do("POST", "/api/sign-in", map[string]string{"email": email, "password": "wrong"})
	})
}

func askPasswords(_ *testing.T, b *browser) (allowed []answer, over answer) {
	return guesses(func() answer {
		return b.do("PUT", "/api/me/password", map[string]string{"old": "wrong", "new": "another horse battery"})
	})
}

// times asks as often as is allowed, and once more.
func times(most int, ask func(n int) answer) (allowed []answer, over answer) {
	for n := range most {
		allowed = append(allowed, ask(n+1))
	}
	return allowed, ask(most + 1)
}

// guesses are the five that are free. The wait after them is a second, and doubles
// each time: on a machine that is slower than that a later guess meets it.
func guesses(ask func() answer) (free []answer, over answer) {
	for len(free) < 5 {
		free = append(free, ask())
	}
	for range 6 {
		if over = ask(); over.status == http.StatusTooManyRequests {
			break
		}
	}
	return free, over
}
