package http

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/events"
)

const (
	// hangUpWithin is how long a deletion waits for the provider.
	hangUpWithin = time.Second
	// looksAtOnce is how many sessions of an account are looked at together.
	looksAtOnce = 16
)

// HangUpKinds are the events after which no call of a session may go on. A deletion
// is none of them: whoever destroys the key that the calls' ids are sealed under
// asks for HangUpAll first.
func (*Sideband) HangUpKinds() []events.Kind { return []events.Kind{events.KindSessionEnded} }

// HangUp ends the calls of the session of such an event. A learner who has ended
// her session is left a moment for the last texts. Nil means that none is up;
// after an error the same hint should be handled again. Errors: those of the log
// and of the provider.
func (b *Sideband) HangUp(ctx context.Context, hint events.Event) error {
	if !b.doors.Lines.Follows() {
		return nil
	}
	up, err := b.running(ctx, events.SessionID(hint.Aggregate.ID))
	if err != nil || len(up) == 0 {
		return err
	}
	if ended, is := hint.Body.(*events.SessionEnded); is && ended.Reason == events.EndedByLearner && !rested(ctx, lastWords) {
		return ctx.Err()
	}
	return b.hangUp(ctx, up)
}

// HangUpAll ends the calls of sessions that are about to be unreadable. It waits for
// the provider no longer than hangUpWithin: a provider that is away must not keep
// words readable. What is up then is ended by the instance that listens to it, when
// the next is said in it (see ear); where that is not to be, the provider ends it at
// its own limit. Errors: those of the log; that of ctx.
func (b *Sideband) HangUpAll(ctx context.Context, sessions []events.SessionID) error {
	if !b.doors.Lines.Follows() {
		return nil
	}
	up := make([][]string, len(sessions))
	looks, looking := errgroup.WithContext(ctx)
	looks.SetLimit(looksAtOnce)
	for i, id := range sessions {
		looks.Go(func() (err error) {
			up[i], err = b.running(looking, id)
			return err
		})
	}
	if err := looks.Wait(); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, hangUpWithin)
	defer cancel()
	var all sync.WaitGroup
	for i, id := range sessions {
		all.Go(func() {
			if err := b.hangUp(within, up[i]); err != nil {
				b.logger.WarnContext(ctx, "a call goes on although its session is deleted", "session", id, "error", err)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// hangUp ends these calls, all at the same time.
func (b *Sideband) hangUp(ctx context.Context, calls []string) error {
	failed := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { failed[i] = b.doors.Lines.HangUp(ctx, call) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// running are the provider's ids of a session's calls that are up, as the log tells.
func (b *Sideband) running(ctx context.Context, id events.SessionID) (up []string, err error) {
	session := events.NewSession(id)
	if _, err := events.Execute(ctx, b.doors.Log, id.Aggregate(), session, b.stamp(), nothing); err != nil {
		return nil, err
	}
	for _, call := range session.Running() {
		if b.doors.Now().Sub(call.IssuedAt) <= longestCall {
			up = append(up, call.Provider)
		}
	}
	return up, nil
}
