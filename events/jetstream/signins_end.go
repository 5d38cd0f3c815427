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

// end erases a sign-in and then tells of it.
func (s *SignIns) end(ctx context.Context, account events.AccountID, browser events.BrowserID, at uint64) error {
	if err := s.leader.erase(ctx, at); err != nil {
		return err
	}
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
	told := make(chan struct{})
	end := sync.OnceFunc(func() { close(told) })
	heard, err := s.publisher.nc.Subscribe(endSubject(account, browser), func(*nats.Msg) { end() })
	if err != nil {
		return nil, nil, unavailable(err, "the end of a sign-in cannot be waited for")
	}
	cancel = func() { _ = heard.Unsubscribe() } // a connection that is closed has forgotten it
	there, err := s.hasOnceHeard(ctx, account, browser)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if !there {
		end()
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
