package http

import (
	"context"
	"errors"
	"maps"
	"slices"

	"parley/events"
)

// HangUpKinds are the events after which no call of a session may go on.
func (*Sideband) HangUpKinds() []events.Kind {
	return []events.Kind{events.KindSessionEnded, events.KindSessionDeleteRequested}
}

// HangUp ends the calls of the session of such an event. A learner who has ended
// her session is left a moment for the last texts. Nil means that none is up;
// after an error the same hint should be handled again. Errors: those of the log
// and of the provider.
func (b *Sideband) HangUp(ctx context.Context, hint events.Event) error {
	if !b.doors.Lines.Follows() {
		return nil
	}
	id := events.SessionID(hint.Aggregate.ID)
	session := events.NewSession(id)
	if _, err := events.Execute(ctx, b.doors.Log, hint.Aggregate, session, b.stamp(), nothing); err != nil {
		return err
	}
	if len(b.running(session)) == 0 {
		return nil
	}
	if ended, is := hint.Body.(*events.SessionEnded); is && ended.Reason == events.EndedByLearner && !rested(ctx, lastWords) {
		return ctx.Err()
	}
	return b.hangUp(ctx, session)
}

// hangUp ends what is up of a session.
func (b *Sideband) hangUp(ctx context.Context, session *events.Session) error {
	var failed error
	for _, call := range b.running(session) {
		failed = errors.Join(failed, b.doors.Lines.HangUp(ctx, call))
	}
	return failed
}

// running are the provider's ids of the session's calls that are up, as the log
// tells, and as they are listened to here.
func (b *Sideband) running(session *events.Session) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	up := maps.Clone(b.held[session.ID])
	if up == nil {
		up = map[string]bool{}
	}
	for _, call := range session.Running() {
		if b.doors.Now().Sub(call.IssuedAt) <= longestCall {
			up[call.Provider] = true
		}
	}
	return slices.Sorted(maps.Keys(up))
}
