package main

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/cmd/parley/embedded"
)

// beside starts a second instance on the servers of one that runs.
func (p *program) beside(t *testing.T) *program {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := url.Parse(at.NATS.URL)
	if err != nil {
		t.Fatal(err)
	}
	log.User = url.UserPassword(at.NATS.User, at.NATS.Password)
	return startWith(t, t.TempDir(), []string{"--roles", "web"},
		"PARLEY_NATS_URL="+log.String(), "PARLEY_ACCEPT_UNKNOWN_DURABILITY=1", "PARLEY_POSTGRES_URL="+at.Postgres.URL,
		"PARLEY_S3_ENDPOINT="+at.S3.Endpoint, "PARLEY_S3_REGION="+at.S3.Region, "PARLEY_S3_ACCESS_KEY="+at.S3.AccessKey, "PARLEY_S3_SECRET_KEY="+at.S3.SecretKey,
		"PARLEY_MASTER_KEY_FILE="+masterFile(p.dir))
}

// soon is less than a live stream's heartbeat, at which it would end anyway.
const soon = 10 * time.Second

// stream is a browser's live stream.
type stream struct {
	t     *testing.T
	lines <-chan string // closed at its end
}

// listen opens the live stream of a browser at an instance, and has its first message.
func (b *browser) listen(at *program) stream {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.base+"/api/live", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Cookie", rename(b.cookie, at.base))
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(r)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("live: %v %v", response, err)
	}
	lines, done := make(chan string, 1000), make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		defer response.Body.Close()
		for text := bufio.NewScanner(response.Body); text.Scan(); {
			lines <- text.Text()
		}
	}()
	b.t.Cleanup(func() { cancel(); <-done })
	s := stream{b.t, lines}
	s.until("alive")
	return s
}

// until reads up to a line that holds a word.
func (s stream) until(word string) {
	s.t.Helper()
	s.untilOne(word, func(line string) bool { return strings.Contains(line, word) })
}

// untilOne reads up to such a line.
func (s stream) untilOne(what string, is func(line string) bool) {
	s.t.Helper()
	late := time.After(soon)
	for {
		select {
		case line, open := <-s.lines:
			if is(line) {
				return
			}
			if !open {
				s.t.Errorf("the stream ended before %q", what)
				return
			}
		case <-late:
			s.t.Errorf("no %q in time", what)
			return
		}
	}
}

// ends reads the last message, and the end.
func (s stream) ends(because string) {
	s.t.Helper()
	s.until(because)
	late := time.After(soon)
	for {
		select {
		case line, open := <-s.lines:
			if !open {
				return
			}
			if strings.HasPrefix(line, "data:") {
				s.t.Errorf("behind its last message: %s", line)
			}
		case <-late:
			s.t.Error("the stream does not end")
			return
		}
	}
}

// TestLiveEndsWithItsSignIn ends sign-ins at one instance while their live streams are
// open at both.
func TestLiveEndsWithItsSignIn(t *testing.T) {
	here := start(t, t.TempDir())
	there := here.beside(t)
	ada := here.setUp(t)
	addAccount(t, here.dir, "lea@example.org", "learner")
	enter := func() *browser { return signIn(t, here.base, "lea@example.org") }
	const out = "this browser was signed out"
	others := ada.listen(there)

	t.Run("by signing out", func(t *testing.T) {
		desk := enter()
		near, far := desk.listen(here), desk.listen(there)
		desk.must(http.StatusNoContent, "POST", "/api/sign-out", nil)
		near.ends(out)
		far.ends(out)
	})
	t.Run("by signing in anew", func(t *testing.T) {
		desk := enter()
		far := desk.listen(there)
		desk.must(http.StatusOK, "POST", "/api/sign-in", map[string]string{"email": "lea@example.org", "password": password})
		far.ends(out)
	})
	desk, phone := enter(), enter()
	t.Run("from another browser, which stays", func(t *testing.T) {
		far, mine := phone.listen(there), desk.listen(there)
		list := phone.must(http.StatusOK, "GET", "/api/me/browsers", nil).json["browsers"].([]any)
		for _, each := range list {
			if b := each.(map[string]any); b["this"] == true {
				desk.must(http.StatusNoContent, "DELETE", "/api/me/browsers/"+b["id"].(string), nil)
			}
		}
		far.ends(out)
		last := enter().listen(there)
		desk.must(http.StatusNoContent, "DELETE", "/api/me/browsers", nil)
		last.ends(out)
		desk.startSession()
		mine.until("event: session")
	})
	t.Run("by a new password", func(t *testing.T) {
		far := desk.listen(there)
		said, errs, code := invoke(t, "", "account", "reset", "--data", here.dir, "--email", "lea@example.org")
		_, token, found := strings.Cut(strings.TrimSpace(said), "token=")
		if code != exitOK || !found {
			t.Fatalf("%s%s", said, errs)
		}
		newBrowser(t, here.base).must(http.StatusOK, "POST", "/api/reset", map[string]string{"token": token, "password": password})
		far.ends(out)
	})
	t.Run("by the erasure of the account", func(t *testing.T) {
		desk = enter()
		near, far := desk.listen(here), desk.listen(there)
		desk.must(http.StatusAccepted, "DELETE", "/api/me", nil)
		near.ends("this account was closed")
		far.ends("this account was closed")
	})
	t.Run("and nobody else's", func(t *testing.T) {
		ada.startSession()
		others.until("event: session")
	})
}

// TestLiveTellsOfDeletion deletes a session at one instance while its learner's live
// streams are open at both: each page that shows it hears that it is gone.
func TestLiveTellsOfDeletion(t *testing.T) {
	here := start(t, t.TempDir())
	there := here.beside(t)
	ada := here.setUp(t)
	addAccount(t, here.dir, "lea@example.org", "learner")
	lea := signIn(t, here.base, "lea@example.org")
	for name, remove := range map[string]func(c *conversation){
		"by its learner": func(c *conversation) { c.must(http.StatusAccepted, "DELETE", c.path(""), nil) },
		"by an operator": func(c *conversation) {
			if _, errs, code := invoke(t, "", "erase", c.id, "--data", here.dir, "--yes"); code != exitOK {
				t.Error(errs)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := lea.silentSession()
			near, far, others := lea.listen(here), lea.listen(there), ada.listen(here)
			remove(c)
			for _, s := range []stream{near, far} {
				s.untilOne("deletion", func(line string) bool {
					return strings.Contains(line, c.id) && strings.Contains(line, `"deleted":true`)
				})
			}
			mine := ada.startSession()
			others.untilOne("session of Ada's", func(line string) bool {
				if strings.Contains(line, c.id) {
					t.Errorf("another hears of it: %s", line)
				}
				return strings.Contains(line, mine.id)
			})
		})
	}
	there.stop()
	here.stop()
}
