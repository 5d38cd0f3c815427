package erasure

import (
	"context"
	"time"

	"parley/events"
)

// deletion is a session with when its deletion was asked for.
type deletion struct {
	*events.Session
	requestedAt time.Time          // zero when nobody did
	calls       []events.Aggregate // the claims on its calls at the provider
}

func newDeletion(id events.SessionID) *deletion { return &deletion{Session: events.NewSession(id)} }

// Evolve takes in the next event.
func (d *deletion) Evolve(e events.Event) {
	d.Session.Evolve(e)
	switch b := e.Body.(type) {
	case *events.SessionDeleteRequested:
		d.requestedAt = e.Time
	case *events.CallConnected:
		if b.ProviderCall != "" {
			d.calls = append(d.calls, events.CallAggregate(b.ProviderCall))
		}
	}
}

// stored is how many objects the log knows to have been in the store.
func (d *deletion) stored() int {
	switch {
	case d.Audio != nil && d.Measured != nil:
		return 2
	case d.Audio != nil, d.Completed != nil && d.Rejected == nil:
		return 1
	}
	return 0
}

// session does one piece of work on a session.
func (t task) session(ctx context.Context, id events.SessionID, sweeps bool) error {
	s := newDeletion(id)
	if _, err := look(ctx, t, id.Aggregate(), s); err != nil {
		return err
	}
	switch {
	case s.Erased == nil && s.Deleted != nil:
		_, err := t.bury(ctx, id)
		return err
	case s.Erased != nil && s.Erased.SweptAt == nil && sweeps:
		return t.sweep(ctx, s)
	}
	return nil
}

// bury makes the session unreadable, sets the tombstone and gives it. One session at a
// time: its own hint and its account's meet here, and the one that removes the objects
// is to count them. A run that was interrupted took its count along; what the log knows
// of is counted all the same.
func (t task) bury(ctx context.Context, id events.SessionID) (*events.SessionErased, error) {
	// Not under the lock: other sessions need not wait for the provider too.
	if err := t.doors.Calls.HangUpAll(ctx, []events.SessionID{id}); err != nil {
		return nil, err
	}
	t.one.Lock()
	defer t.one.Unlock()
	s := newDeletion(id)
	if _, err := look(ctx, t, id.Aggregate(), s); err != nil || s.Erased != nil {
		return s.Erased, err
	}
	if err := t.doors.Vault.Destroy(ctx, id.Aggregate()); err != nil {
		return nil, err
	}
	unreadableAt := t.moment()
	objects, err := t.doors.Objects.RemoveSession(ctx, id)
	if err != nil {
		return nil, err
	}
	claims, err := t.buryCalls(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := t.doors.Ledger.Record(ctx, id.Aggregate(), unreadableAt); err != nil {
		return nil, err
	}
	key, err := t.doors.Vault.Keyed(ctx, events.OwnerKey)
	if err != nil {
		return nil, err
	}
	s = newDeletion(id)
	_, err = decide(ctx, t, id.Aggregate(), s, func(s *deletion) ([]events.Event, error) {
		positions := s.ToSweep()
		tombstone := &events.SessionErased{
			Positions:    positions,
			Events:       int(positions.Count()) + claims,
			Claims:       claims,
			Objects:      max(objects, s.stored()),
			UnreadableAt: unreadableAt,
		}
		if !s.requestedAt.IsZero() {
			tombstone.RequestedAt = &s.requestedAt
		}
		if s.Learner != "" {
			tombstone.Owner = events.OwnerOf(key, id, s.Learner)
		}
		return s.Erase(tombstone)
	})
	return s.Erased, err
}

// buryCalls sets the tombstones of the session's claims on calls, and tells how many
// there are. Each of them is one event.
func (t task) buryCalls(ctx context.Context, s *deletion) (claims int, err error) {
	for _, call := range s.calls {
		buried, err := t.buryClaim(ctx, call, string(s.ID))
		if err != nil {
			return 0, err
		}
		if buried {
			claims++
		}
	}
	return claims, nil
}

// sweep overwrites what the tombstone lists, looks whether it is gone, and says so.
// The session's own events go last: they list its calls. The objects are removed once
// more: a finalizer that was at work while the tombstone was set may have placed one
// after.
func (t task) sweep(ctx context.Context, session *deletion) error {
	swept := *session.Erased
	var copies []events.Copy
	for _, call := range session.calls {
		claim, err := t.sweepClaim(ctx, call)
		if err != nil {
			return err
		}
		copies = events.JoinCopies(copies, claim.Copies)
	}
	own, err := t.sweepAll(ctx, session.ID.Aggregate(), swept.Positions)
	if err != nil {
		return err
	}
	late, err := t.doors.Objects.RemoveSession(ctx, session.ID)
	if err != nil {
		return err
	}
	swept.Copies = events.JoinCopies(copies, own)
	swept.Objects += late
	_, err = decide(ctx, t, session.ID.Aggregate(), events.NewSession(session.ID), func(s *events.Session) ([]events.Event, error) {
		sweptAt := t.moment()
		swept.SweptAt = &sweptAt
		return s.Erase(&swept)
	})
	return err
}
