package http

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// standsFor is how long an admission holds while nothing is told of its end: an
// end that is told while the log is out of reach is missed.
const standsFor = 5 * time.Second

// mostStanding bounds the sign-ins that are held.
const mostStanding = 10_000

// standing knows the sign-ins that report. A page in a conversation does so twice
// a second, and what ends its right, signing out or the closing of its account, is
// told by [SignIns.Watch] wherever it happens: the log need not be asked each time.
type standing struct {
	signIns interface {
		Watch(context.Context, events.AccountID, events.BrowserID) (<-chan struct{}, func(), error)
	}
	now func() time.Time

	mu     sync.Mutex
	known  map[[sha256.Size]byte]*admitted // by the whole cookie's hash
	pruned time.Time
}

// admitted is a sign-in as it was when the log was last asked.
type admitted struct {
	in      events.SignIn
	at      time.Time
	ended   <-chan struct{}
	unwatch func()
}

func newStanding(signIns SignIns, now func() time.Time) *standing {
	return &standing{signIns: signIns, now: now, known: map[[sha256.Size]byte]*admitted{}}
}

// find gives the sign-in of a cookie that still stands.
func (st *standing) find(token string) (events.SignIn, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	a := st.known[hashToken(token)]
	if a == nil || a.over() || st.now().Sub(a.at) >= standsFor {
		return events.SignIn{}, false
	}
	return a.in, true
}

// keep lets a sign-in stand that was admitted just now. Watching begins with a look,
// so that an end since then is not missed. Errors: CodeUnavailable.
func (st *standing) keep(ctx context.Context, token string, in events.SignIn) error {
	if st.again(token) {
		return nil
	}
	ended, unwatch, err := st.signIns.Watch(ctx, in.Account, in.Browser)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	key := hashToken(token)
	st.drop(key) // another request was as quick
	st.prune()
	st.known[key] = &admitted{in, st.now(), ended, unwatch}
	return nil
}

// again lets one stand on that is watched already.
func (st *standing) again(token string) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	a := st.known[hashToken(token)]
	if a == nil || a.over() {
		return false
	}
	a.at = st.now()
	return true
}

// prune lets go, now and then, what was not asked for any more, and everything
// when there is too much.
func (st *standing) prune() {
	now, full := st.now(), len(st.known) >= mostStanding
	if now.Sub(st.pruned) < standsFor && !full {
		return
	}
	st.pruned = now
	for key, a := range st.known {
		if full || a.over() || now.Sub(a.at) >= 2*standsFor {
			st.drop(key)
		}
	}
}

func (st *standing) drop(key [sha256.Size]byte) {
	if a := st.known[key]; a != nil {
		a.unwatch()
		delete(st.known, key)
	}
}

func (a *admitted) over() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// admitStanding is admit for what a page in a conversation asks over and over.
func (s *Server) admitStanding(ctx context.Context, token string) (context.Context, error) {
	if in, stands := s.standing.find(token); stands {
		return context.WithValue(ctx, callerKey{}, in), nil
	}
	known, err := s.admit(ctx, toOwner, token)
	if err != nil {
		return ctx, err
	}
	return known, s.standing.keep(ctx, token, callerIn(known))
}

// overAndOver registers an operation on an object of the caller's that a page in a
// conversation asks for all the time.
func overAndOver[I, O any](s *Server, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	registered(s, toOwner, op, s.admitStanding, operate)
}
