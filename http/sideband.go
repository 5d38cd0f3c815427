package http

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley/events"
	"parley/http/realtime"
)

// Lines are the server's own to calls at the provider; realtime.Client is one.
type Lines interface {
	// Follows is false where the provider has none: then nothing here is done.
	Follows() bool
	// Listen hands over what is said in a call until it is over. Errors:
	// realtime.ErrNotOurs, the receiver's, *realtime.Error, that of ctx.
	Listen(ctx context.Context, call realtime.Call, to realtime.Receiver) error
	// HangUp ends a call. One that is over is no error. Errors: *realtime.Error.
	HangUp(ctx context.Context, call string) error
}

// How long the server holds a line.
const (
	// longestCall is when any call is over, whatever anybody says: the
	// provider's own limit is an hour.
	longestCall = 2 * time.Hour
	// lastWords is how long the page of a learner who has ended her session may
	// keep the call up for the texts that are on their way.
	lastWords = 5 * time.Second
)

// Watcher tells when a browser is signed out.
type Watcher interface {
	// Watch closes ended when a sign-in is ended, by whatever instance; at once
	// when it is over. Errors: CodeUnavailable; then there is nothing to cancel.
	Watch(ctx context.Context, account events.AccountID, browser events.BrowserID) (ended <-chan struct{}, cancel func(), err error)
}

// Sideband is the worker that listens to the calls that are up, so that a
// transcript is whole although the tab died, and hangs up those that must not go
// on. What the log holds of a call is all that it needs to take it up again.
type Sideband struct {
	doors  SidebandDoors
	logger *slog.Logger
}

// SidebandDoors are the rooms behind a sideband.
type SidebandDoors struct {
	Log     events.LoadAppender
	Keys    Keyring
	SignIns Watcher
	Lines   Lines
	Audit   *Auditor
	Tally   *realtime.Tally // of what the provider says and nobody knows here
	Now     func() time.Time
	NewID   func() string // a ULID
}

// NewSideband wires it.
func NewSideband(doors SidebandDoors, logger *slog.Logger) *Sideband {
	return &Sideband{doors: doors, logger: logger}
}

// markOf is the mark of the call that a token opens. It derives from the event
// that notes the token and a key of the vault, so that nobody can guess it and
// it need not be kept.
func markOf(ctx context.Context, keys Keyring, token events.EventID) (string, error) {
	key, err := keys.Keyed(ctx, "mark")
	if err != nil {
		return "", err
	}
	return keyedHash(key, string(token)), nil
}

// ListenKinds are the events after which there is a call to listen to.
func (*Sideband) ListenKinds() []events.Kind { return []events.Kind{events.KindCallFollowed} }

// Listen listens to the call of such an event until it is over. After an error
// it should be called again. Errors: those of the log and of the provider.
func (b *Sideband) Listen(ctx context.Context, hint events.Event) error {
	followed, is := hint.Body.(*events.CallFollowed)
	if !is || !b.doors.Lines.Follows() {
		return nil
	}
	session := events.NewSession(events.SessionID(hint.Aggregate.ID))
	at, err := events.Execute(ctx, b.doors.Log, hint.Aggregate, session, b.stamp(), nothing)
	if err != nil {
		return err
	}
	call := session.Calls[followed.Call]
	if call == nil || call.Provider == "" || call.Dropped || call.Refused || b.doors.Now().Sub(call.IssuedAt) > longestCall {
		return nil
	}
	mark, err := markOf(ctx, b.doors.Keys, call.Token)
	if err != nil {
		return err
	}
	unwatch, err := b.watch(ctx, session, call)
	if err != nil {
		return err
	}
	defer unwatch()
	ear := &ear{sideband: b, session: session, at: at, call: call.Number, provider: call.Provider}
	err = b.doors.Lines.Listen(ctx, realtime.Call{ID: call.Provider, Mark: mark}, ear)
	return b.heard(ctx, ear, err)
}

func nothing(*events.Session) ([]events.Event, error) { return nil, nil }

// heard settles how listening to a call ended.
func (b *Sideband) heard(ctx context.Context, ear *ear, err error) error {
	switch {
	case errors.Is(err, realtime.ErrNotOurs):
		b.logger.WarnContext(ctx, "a call that was claimed does not carry our mark", "session", ear.session.ID, "call", ear.call)
		b.doors.Audit.Note(events.System("sideband"), ear.session.Learner, &events.CallRefused{Session: ear.session.ID, Call: ear.call, Why: events.RefusedUnmarked})
		return ear.write(ctx, func(s *events.Session) ([]events.Event, error) { return s.Refuse(ear.call) })
	case err != nil:
		return err
	}
	return ear.write(ctx, func(s *events.Session) ([]events.Event, error) { return s.Lost(ear.call, "closed") })
}

// watch ends the session when the browser that it is talked in is signed out:
// its page can neither report nor end it any more.
func (b *Sideband) watch(ctx context.Context, session *events.Session, call *events.Call) (unwatch func(), err error) {
	if call.Browser == "" {
		return func() {}, nil
	}
	out, forget, err := b.doors.SignIns.Watch(ctx, session.Learner, call.Browser)
	if err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	var watched sync.WaitGroup
	watched.Go(func() {
		select {
		case <-watching.Done():
			return
		case <-out:
		}
		_, err := events.Execute(watching, b.doors.Log, session.ID.Aggregate(), events.NewSession(session.ID), b.stamp(), func(s *events.Session) ([]events.Event, error) {
			return s.Stop(events.EndedBySignOut)
		})
		if err != nil && watching.Err() == nil {
			b.logger.WarnContext(ctx, "a session goes on although its browser is signed out", "session", session.ID, "error", err)
		}
	})
	return func() { forget(); stop(); watched.Wait() }, nil
}

// stamp says who decides, and when.
func (b *Sideband) stamp() events.Stamp {
	return events.Stamp{
		Actor: events.System("sideband"), Time: b.doors.Now(), Correlation: b.doors.NewID(),
		NewID: func() events.EventID { return events.EventID(b.doors.NewID()) },
	}
}

// ear hears one call for one session.
type ear struct {
	sideband *Sideband
	session  *events.Session
	at       events.Position
	call     int
	provider string // its id of the call
	deleted  bool   // the session is
}

// Hear keeps what is said. Nobody is to be heard any more once the session is
// deleted; and nobody but the ear may know the call's id then, so it goes on until
// it has hung up. Errors: those of the log.
func (e *ear) Hear(ctx context.Context, said realtime.Event) error {
	e.sideband.doors.Tally.Add(said)
	kept := overheard(bodiesOf(heard{call: e.call}, said.Body))
	if len(kept) == 0 {
		return nil
	}
	if !e.deleted {
		err := e.write(ctx, func(s *events.Session) ([]events.Event, error) { return s.Hear(e.call, kept) })
		if events.CodeOf(err) != events.CodeErased {
			return err
		}
		e.deleted = true
	}
	if err := e.sideband.doors.Lines.HangUp(ctx, e.provider); err != nil {
		e.sideband.logger.WarnContext(ctx, "a call goes on although its session is deleted", "session", e.session.ID, "error", err)
	}
	return nil
}

// write goes on from the session as it was left.
func (e *ear) write(ctx context.Context, decide func(*events.Session) ([]events.Event, error)) error {
	at, err := events.Continue(ctx, e.sideband.doors.Log, e.session.ID.Aggregate(), e.session, e.at, e.sideband.stamp(), decide)
	if err == nil {
		e.at = at
	}
	return err
}

// overheard leaves out what only the browser can tell: when a sound was there.
// The provider's own count of the learner's audio is the same for both.
func overheard(said []events.Body) (kept []events.Body) {
	for _, body := range said {
		timed, is := body.(*events.SegmentTimed)
		if !is {
			kept = append(kept, body)
			continue
		}
		timed.StartedRecMS, timed.EndedRecMS = nil, nil
		if timed.StartedCallMS != nil || timed.EndedCallMS != nil {
			kept = append(kept, timed)
		}
	}
	return kept
}
