package jetstream

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"parley/events"
)

// endPrefix is where the end of a sign-in is told to whoever listens at that moment.
// No stream keeps it: who was not reached finds that the sign-in is not there.
const endPrefix = "parley_signed_out."

func endSubject(account events.AccountID, browser events.BrowserID) string {
	return endPrefix + string(account) + "." + string(browser)
}

// watches are those who wait at this instance for the end of sign-ins.
type watches struct {
	mu    sync.Mutex
	heard *nats.Subscription
	ended map[string]map[chan struct{}]bool // by the subject of the end
}

// listen hears, from the first watch on, what other instances end.
func (w *watches) listen(nc *nats.Conn) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heard == nil || !w.heard.IsValid() {
		w.heard, err = nc.Subscribe(endPrefix+">", func(m *nats.Msg) { w.end(m.Subject) })
	}
	return err
}

func (w *watches) add(subject string) (ended chan struct{}, cancel func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ended = make(chan struct{})
	if w.ended == nil {
		w.ended = map[string]map[chan struct{}]bool{}
	}
	if w.ended[subject] == nil {
		w.ended[subject] = map[chan struct{}]bool{}
	}
	w.ended[subject][ended] = true
	return ended, func() { w.drop(subject, ended) }
}

func (w *watches) drop(subject string, ended chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ended[subject], ended)
	if len(w.ended[subject]) == 0 {
		delete(w.ended, subject)
	}
}

// end tells everybody who waits for it.
func (w *watches) end(subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ended := range w.ended[subject] {
		close(ended)
	}
	delete(w.ended, subject)
}

// end erases a sign-in and then tells of it: here before it returns, and elsewhere.
func (s *SignIns) end(ctx context.Context, account events.AccountID, browser events.BrowserID, at uint64) error {
	if err := s.leader.erase(ctx, at); err != nil {
		return err
	}
	s.watches.end(endSubject(account, browser))
	if err := s.publisher.nc.Publish(endSubject(account, browser), nil); err != nil {
		return unavailable(err, "the end of a sign-in could not be told")
	}
	return nil
}

// Watch closes ended when the sign-in is ended, by this instance or another; at once
// when it is not there. Cancel frees what it took. An end that is told while the log
// is out of reach is missed, as is one by time: ask [SignIns.Has] now and then.
// Errors: CodeUnavailable; then there is nothing to cancel.
func (s *SignIns) Watch(ctx context.Context, account events.AccountID, browser events.BrowserID) (ended <-chan struct{}, cancel func(), err error) {
	if _, err := signInSubject(account, browser); err != nil {
		return nil, nil, err
	}
	if err := s.watches.listen(s.publisher.nc); err != nil {
		return nil, nil, unavailable(err, "the end of a sign-in cannot be waited for")
	}
	told, cancel := s.watches.add(endSubject(account, browser))
	there, err := s.hasOnceHeard(ctx, account, browser)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if !there {
		s.watches.end(endSubject(account, browser))
	}
	return told, cancel, nil
}

// hasOnceHeard looks when the server knows of the subscription, so that no end falls
// between the two.
func (s *SignIns) hasOnceHeard(ctx context.Context, account events.AccountID, browser events.BrowserID) (bool, error) {
	soon, done := context.WithTimeout(ctx, s.publisher.wait)
	defer done()
	if err := s.publisher.nc.FlushWithContext(soon); err != nil {
		return false, unavailable(err, "the end of a sign-in cannot be waited for")
	}
	return s.Has(ctx, account, browser)
}

// Has tells whether a sign-in is still there. It does not count as a use.
// Errors: CodeUnavailable.
func (s *SignIns) Has(ctx context.Context, account events.AccountID, browser events.BrowserID) (bool, error) {
	subject, err := signInSubject(account, browser)
	if err != nil {
		return false, nil // nobody's
	}
	m, err := s.leader.last(ctx, subject)
	if err != nil || m == nil {
		return false, err
	}
	found, err := signInOf(m)
	return err == nil && s.now().Before(found.EndsAt), nil
}
