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
		Claims: len(belongings.Claims()),
	}
	for _, session := range belongings.Sessions {
		erased, err := t.burySession(ctx, session, id)
		if err != nil {
			return err
		}
		tombstone.Objects += erased.Objects
		tombstone.Claims += erased.Claims
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

// destroyKeys makes everything unreadable before anything slower begins, but for the
// calls that only these keys lead to.
func (t task) destroyKeys(ctx context.Context, id events.AccountID, sessions []events.SessionID) error {
	if err := t.doors.Vault.Destroy(ctx, id.Aggregate()); err != nil {
		return err
	}
	if err := t.doors.Calls.HangUpAll(ctx, sessions); err != nil {
		return err
	}
	for _, session := range sessions {
		if err := t.doors.Vault.Destroy(ctx, session.Aggregate()); err != nil {
			return err
		}
	}
	return nil
}

// burySession asks for the deletion of a session, does it, and gives its tombstone.
// From the request on its own hints lead to its sweep too.
func (t task) burySession(ctx context.Context, id events.SessionID, by events.AccountID) (*events.SessionErased, error) {
	s := events.NewSession(id)
	_, err := decide(ctx, t, id.Aggregate(), s, func(s *events.Session) ([]events.Event, error) { return s.RequestDelete(by) })
	if err != nil || s.Erased != nil {
		return s.Erased, err
	}
	return t.bury(ctx, id)
}

// buryRest sets the tombstones of topics and of the audit trail, and of what claims
// say of the account: they are free for others then.
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
	for _, claim := range b.Claims() {
		if _, err := t.buryClaim(ctx, claim, string(id)); err != nil {
			return err
		}
	}
	return nil
}

// sweepAccount sweeps all that was the account's, its own events last: they list the
// rest. What that came to is noted before the list is gone.
func (t task) sweepAccount(ctx context.Context, id events.AccountID, a *events.AccountErasure, at events.Position) error {
	if !a.Erased.Counted {
		counted, err := t.sweepBelongings(ctx, id, a, at)
		if err != nil {
			return err
		}
		a = &events.AccountErasure{}
		_, err = decide(ctx, t, id.Aggregate(), a, func(a *events.AccountErasure) ([]events.Event, error) { return a.Erase(counted) })
		if err != nil {
			return err
		}
	}
	copies, err := t.sweepAll(ctx, id.Aggregate(), a.Positions)
	if err != nil {
		return err
	}
	swept := *a.Erased
	swept.Copies = events.JoinCopies(swept.Copies, copies)
	_, err = decide(ctx, t, id.Aggregate(), &events.AccountErasure{}, func(a *events.AccountErasure) ([]events.Event, error) {
		sweptAt := t.moment()
		swept.SweptAt = &sweptAt
		return a.Erase(&swept)
	})
	return err
}

// sweepBelongings sweeps what belongs to the account, and gives the tombstone that
// counts it. What a request that was under way at the deletion has begun since is
// buried first.
func (t task) sweepBelongings(ctx context.Context, id events.AccountID, a *events.AccountErasure, at events.Position) (*events.AccountErased, error) {
	late, err := t.doors.Register.Belongings(ctx, id, at)
	if err != nil {
		return nil, err
	}
	all := a.Belongings.With(late)
	if err := t.buryRest(ctx, id, late); err != nil {
		return nil, err
	}
	counted := *a.Erased
	counted.Counted, counted.Sessions, counted.Topics = true, len(all.Sessions), len(all.Topics)
	counted.Claims, counted.Objects = len(all.Claims()), 0
	counted.Events, counted.Copies = int(all.Claimed.Count()), nil
	for _, session := range all.Sessions {
		erased, err := t.sweepSession(ctx, session, id)
		if err != nil {
			return nil, err
		}
		counted.Objects += erased.Objects
		counted.Claims += erased.Claims
		counted.Events += erased.Events
		counted.Copies = events.JoinCopies(counted.Copies, erased.Copies)
	}
	remains := []events.Aggregate{events.AuditOf(id)}
	for _, topic := range all.Topics {
		remains = append(remains, topic.Aggregate())
	}
	for _, of := range remains {
		swept, err := t.sweepRemains(ctx, of)
		if err != nil {
			return nil, err
		}
		counted.Events += int(swept.Positions.Count())
		counted.Copies = events.JoinCopies(counted.Copies, swept.Copies)
	}
	for _, claim := range all.Claims() {
		swept, err := t.sweepClaim(ctx, claim)
		if err != nil {
			return nil, err
		}
		counted.Copies = events.JoinCopies(counted.Copies, swept.Copies)
	}
	return &counted, nil
}

// sweepSession buries and sweeps a session, and gives its tombstone.
func (t task) sweepSession(ctx context.Context, id events.SessionID, by events.AccountID) (*events.SessionErased, error) {
	if _, err := t.burySession(ctx, id, by); err != nil {
		return nil, err
	}
	if err := t.session(ctx, id, true); err != nil {
		return nil, err
	}
	s := events.NewSession(id)
	_, err := look(ctx, t, id.Aggregate(), s)
	return s.Erased, err
}
