package erasure

import (
	"context"

	"parley/events"
)

// account does one piece of work on an account.
func (t task) account(ctx context.Context, id events.AccountID, sweeps bool) error {
	a := &events.AccountErasure{}
	at, err := look(ctx, t, id.Aggregate(), a)
	switch {
	case err != nil:
		return err
	case a.Erased == nil && a.Requested != nil:
		return t.buryAccount(ctx, id, at)
	case a.Erased != nil && a.Erased.SweptAt == nil && sweeps:
		return t.sweepAccount(ctx, id, a, at)
	}
	return nil
}

// buryAccount makes all of an account unreadable, and sets the tombstones.
func (t task) buryAccount(ctx context.Context, id events.AccountID, at events.Position) error {
	if err := t.doors.SignIns.RevokeAll(ctx, id); err != nil {
		return err
	}
	belongings, err := t.plan(ctx, id, at)
	if err != nil {
		return err
	}
	if err := t.destroyKeys(ctx, id, belongings.Sessions); err != nil {
		return err
	}
	tombstone := events.AccountErased{
		UnreadableAt: t.moment(), Sessions: len(belongings.Sessions), Topics: len(belongings.Topics),
		Claims: len(belongings.Emails) + len(belongings.Identities),
	}
	for _, session := range belongings.Sessions {
		objects, err := t.burySession(ctx, session, id)
		if err != nil {
			return err
		}
		tombstone.Objects += objects
	}
	if err := t.buryRest(ctx, id, belongings); err != nil {
		return err
	}
	if err := t.doors.Ledger.Record(ctx, id.Aggregate(), tombstone.UnreadableAt); err != nil {
		return err
	}
	_, err = decide(ctx, t, id.Aggregate(), &events.AccountErasure{}, func(a *events.AccountErasure) ([]events.Event, error) {
		if a.Requested != nil {
			tombstone.RequestedAt, tombstone.Receipt = &a.RequestedAt, a.Requested.Receipt
		}
		return a.Erase(&tombstone)
	})
	return err
}

// plan lists what belongs to the account, as an event, and gives it. One that was
// listed before is taken as it stands: the sweep may have begun on it.
func (t task) plan(ctx context.Context, id events.AccountID, at events.Position) (events.Belongings, error) {
	found, err := t.doors.Register.Belongings(ctx, id, at)
	if err != nil {
		return found, err
	}
	a := &events.AccountErasure{}
	_, err = decide(ctx, t, id.Aggregate(), a, func(a *events.AccountErasure) ([]events.Event, error) { return a.Plan(found) })
	return a.Belongings.With(found), err
}

// destroyKeys makes everything unreadable before anything slower begins.
func (t task) destroyKeys(ctx context.Context, id events.AccountID, sessions []events.SessionID) error {
	if err := t.doors.Vault.Destroy(ctx, id.Aggregate()); err != nil {
		return err
	}
	for _, session := range sessions {
		if err := t.doors.Vault.Destroy(ctx, session.Aggregate()); err != nil {
			return err
		}
	}
	return nil
}

// burySession asks for the deletion of a session, does it, and tells how many objects
// there were. From the request on its own hints lead to its sweep too.
func (t task) burySession(ctx context.Context, id events.SessionID, by events.AccountID) (objects int, err error) {
	s := events.NewSession(id)
	_, err = decide(ctx, t, id.Aggregate(), s, func(s *events.Session) ([]events.Event, error) { return s.RequestDelete(by) })
	if err != nil {
		return 0, err
	}
	if s.Erased == nil {
		if s.Erased, err = t.bury(ctx, id); err != nil {
			return 0, err
		}
	}
	return s.Erased.Objects, nil
}

// buryRest sets the tombstones of topics and of the audit trail, and frees what
// the account claims.
func (t task) buryRest(ctx context.Context, id events.AccountID, b events.Belongings) error {
	for _, topic := range b.Topics {
		if err := t.doors.Ledger.Record(ctx, topic.Aggregate(), t.moment()); err != nil {
			return err
		}
		if err := t.buryRemains(ctx, topic.Aggregate()); err != nil {
			return err
		}
	}
	if err := t.buryRemains(ctx, events.AuditOf(id)); err != nil {
		return err
	}
	for _, hash := range b.Emails {
		release := func(c *events.EmailClaim) ([]events.Event, error) { return c.Release(id) }
		if _, err := decide(ctx, t, events.EmailAggregate(hash), &events.EmailClaim{}, release); err != nil {
			return err
		}
	}
	for _, hash := range b.Identities {
		release := func(c *events.IdentityClaim) ([]events.Event, error) { return c.Release(id) }
		if _, err := decide(ctx, t, events.IdentityAggregate(hash), &events.IdentityClaim{}, release); err != nil {
			return err
		}
	}
	return nil
}

// sweepAccount sweeps all that was the account's, its own events last: they list the
// rest. What a request that was under way at the deletion has begun since is buried
// first.
func (t task) sweepAccount(ctx context.Context, id events.AccountID, a *events.AccountErasure, at events.Position) error {
	late, err := t.doors.Register.Belongings(ctx, id, at)
	if err != nil {
		return err
	}
	all := a.Belongings.With(late)
	if err := t.buryRest(ctx, id, late); err != nil {
		return err
	}
	for _, session := range all.Sessions {
		if _, err := t.burySession(ctx, session, id); err != nil {
			return err
		}
		if err := t.session(ctx, session, true); err != nil {
			return err
		}
	}
	for _, topic := range all.Topics {
		if err := t.sweepRemains(ctx, topic.Aggregate()); err != nil {
			return err
		}
	}
	if err := t.sweepRemains(ctx, events.AuditOf(id)); err != nil {
		return err
	}
	copies, err := t.sweepAll(ctx, id.Aggregate(), a.Positions)
	if err != nil {
		return err
	}
	swept := *a.Erased
	swept.Copies = copies
	_, err = decide(ctx, t, id.Aggregate(), &events.AccountErasure{}, func(a *events.AccountErasure) ([]events.Event, error) {
		sweptAt := t.moment()
		swept.SweptAt = &sweptAt
		return a.Erase(&swept)
	})
	return err
}
