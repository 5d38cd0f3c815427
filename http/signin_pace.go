package http

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"parley/events"
)

// Guessing is slowed down where it comes from, never for the account that is
// guessed at: whoever fails on purpose slows down herself and not the owner.
// Failures count for the pair of account and network, and for the network in all.
// A browser in which this person signed in before has a count of its own, so that
// strangers behind the same address do not hold her up.
const (
	freeFailures   = 5  // of one account from one network, or in one known browser
	freeFromOne    = 40 // from one network, whichever accounts
	leastWait      = time.Second
	mostWait       = 15 * time.Minute
	forgottenAfter = time.Hour
	rememberedPace = 10_000 // places in each of two generations: about 3 MB
)

// knownLasts is how long a browser is known after its last sign-in.
const knownLasts = 365 * 24 * time.Hour

// place is where sign-ins fail. Two of its fields may be empty.
type place struct {
	account string // hash of the address
	from    netip.Prefix
	browser string
}

// failed is what is known of a place.
type failed struct {
	count int
	last  time.Time
	until time.Time // nothing is tried before
}

// pace remembers failures, in memory only and bounded; forgetting one costs a
// guesser nothing but has her start over at five.
type pace struct {
	now        func() time.Time
	mu         sync.Mutex
	young, old map[place]*failed // old is dropped whole when young is full
}

func newPace(now func() time.Time) *pace { return &pace{now: now, young: map[place]*failed{}} }

// attempt is a sign-in that is being tried. It counts as failed from the start,
// so that many at once do not pass together.
type attempt struct {
	pace   *pace
	places []place
}

// begin counts an attempt at all its places.
// Errors: CodeLimited, with the time to wait; then nothing is counted.
func (p *pace) begin(places ...place) (*attempt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	var wait time.Duration
	for _, at := range places {
		wait = max(wait, p.of(at, now).until.Sub(now))
	}
	if wait > 0 {
		return nil, limited(events.CodeLimited, wait, "too many sign-ins failed; wait a little")
	}
	for _, at := range places {
		p.of(at, now).more(at.free(), now)
	}
	return &attempt{p, places}, nil
}

// of finds a place's failures, and makes it young.
func (p *pace) of(at place, now time.Time) *failed {
	found, known := p.young[at]
	if !known {
		if found, known = p.old[at]; !known {
			found = &failed{}
		}
		if len(p.young) >= rememberedPace {
			p.old, p.young = p.young, map[place]*failed{}
		}
		p.young[at] = found
	}
	if now.Sub(found.last) > forgottenAfter && !found.until.After(now) {
		*found = failed{}
	}
	return found
}

// more counts one failure more; past those that are free each doubles the wait.
func (f *failed) more(free int, now time.Time) {
	f.count++
	f.last = now
	if over := f.count - free; over >= 0 {
		f.until = now.Add(min(leastWait<<min(over, 20), mostWait))
	}
}

func (at place) free() int {
	if at.account == "" {
		return freeFromOne
	}
	return freeFailures
}

// forgive takes the attempt back: it was right, or was not tried for a reason of
// ours. What this account failed before is forgiven with it; what others failed
// from the same network is not.
func (a *attempt) forgive() {
	a.pace.mu.Lock()
	defer a.pace.mu.Unlock()
	for _, at := range a.places {
		found := a.pace.of(at, a.pace.now())
		if at.account != "" {
			*found = failed{}
			continue
		}
		found.count = max(found.count-1, 0)
		if found.count < at.free() {
			found.until = time.Time{}
		}
	}
}

// network is the smallest piece of address space that one guesser has.
func network(from netip.Addr) netip.Prefix {
	bits := 64
	if from.Is4() {
		bits = 32
	}
	prefix, err := from.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // requests without an address count together
	}
	return prefix
}

// trySignIn counts an attempt at an e-mail address. Errors: CodeLimited.
func (s *Server) trySignIn(ctx context.Context, from *Asking, email string) (*attempt, error) {
	aggregate, err := s.doors.Accounts.email(ctx, email)
	if err != nil {
		return nil, err
	}
	browser, err := s.knownBrowser(ctx, from, aggregate.ID)
	if err != nil {
		return nil, err
	}
	if browser != "" {
		return s.pace.begin(place{account: aggregate.ID, browser: browser})
	}
	where := network(address(ctx))
	return s.pace.begin(place{account: aggregate.ID, from: where}, place{from: where})
}

func (s *Server) knownName() string { return s.cookieName + "_known" }

// knownCookie says that the owner of an address signed in with this browser. It
// opens nothing: its value is "<random>.<keyed hash>".
func (s *Server) knownCookie(ctx context.Context, email string) (*http.Cookie, error) {
	aggregate, err := s.doors.Accounts.email(ctx, email)
	if err != nil {
		return nil, err
	}
	mark, err := s.knownMark(ctx, rand.Text(), aggregate.ID)
	return s.keep(s.knownName(), mark, knownLasts), err
}

// knownBrowser tells a browser by its cookie; empty when it is not known for this
// account.
func (s *Server) knownBrowser(ctx context.Context, from *Asking, account string) (string, error) {
	value := from.cookie(s.knownName())
	browser, _, _ := strings.Cut(value, ".")
	want, err := s.knownMark(ctx, browser, account)
	if err != nil || !hmac.Equal([]byte(want), []byte(value)) {
		return "", err
	}
	return browser, nil
}

func (s *Server) knownMark(ctx context.Context, browser, account string) (string, error) {
	key, err := s.doors.Keys.Keyed(ctx, "browser")
	return browser + "." + keyedHash(key, browser+"."+account), err
}
