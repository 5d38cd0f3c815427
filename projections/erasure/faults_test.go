package erasure_test

import (
	"context"
	"errors"
	"time"

	"parley/events"
	"parley/projections/erasure"
)

// fault breaks the connection at one step: before it, or after it took effect.
type fault struct {
	at, steps int
	took      bool
	sound     bool // the sweeper never fails
}

var errBroken = errors.New("connection lost")

func (f *fault) step(do func() error) error {
	f.steps++
	if f.steps != f.at {
		return do()
	}
	if f.took {
		return errors.Join(errBroken, do())
	}
	return errBroken
}

// shelves hold how many objects each session has.
type shelves struct{ objects map[events.SessionID]int }

func (s *shelves) RemoveSession(_ context.Context, id events.SessionID) (int, error) {
	n := s.objects[id]
	delete(s.objects, id)
	return n, nil
}

// door notes who was signed out.
type door map[events.AccountID]bool

func (d door) RevokeAll(_ context.Context, of events.AccountID) error {
	d[of] = true
	return nil
}

// line notes which calls were hung up. As the real one it finds their ids in the log,
// where they are sealed.
type line struct {
	erasure.Log
	hungUp map[string]int
}

func (l line) HangUpAll(ctx context.Context, sessions []events.SessionID) error {
	for _, id := range sessions {
		session, stamp := events.NewSession(id), events.Stamp{Actor: "system:test"}
		if _, err := events.Execute(ctx, l.Log, id.Aggregate(), session, stamp, func(*events.Session) ([]events.Event, error) { return nil, nil }); err != nil {
			return err
		}
		for _, call := range session.Running() {
			l.hungUp[call.Provider]++
		}
	}
	return nil
}

type faultyCalls struct {
	erasure.Calls
	fault *fault
}

func (f faultyCalls) HangUpAll(ctx context.Context, sessions []events.SessionID) error {
	return f.fault.step(func() error { return f.Calls.HangUpAll(ctx, sessions) })
}

type faultyObjects struct {
	erasure.Objects
	fault *fault
}

func (f faultyObjects) RemoveSession(ctx context.Context, id events.SessionID) (n int, err error) {
	err = f.fault.step(func() error { n, err = f.Objects.RemoveSession(ctx, id); return err })
	return n, err
}

type faultyVault struct {
	erasure.Vault
	fault *fault
}

func (f faultyVault) Destroy(ctx context.Context, owner events.Aggregate) error {
	return f.fault.step(func() error { return f.Vault.Destroy(ctx, owner) })
}

type faultyLedger struct {
	erasure.Ledger
	fault *fault
}

func (f faultyLedger) Record(ctx context.Context, of events.Aggregate, at time.Time) error {
	return f.fault.step(func() error { return f.Ledger.Record(ctx, of, at) })
}

type faultyCopies struct {
	erasure.Copies
	fault *fault
}

func (f faultyCopies) Clean(ctx context.Context, of events.Aggregate, positions events.Numbers, turn func(context.Context) error) (copies []events.Copy, err error) {
	err = f.fault.step(func() error { copies, err = f.Copies.Clean(ctx, of, positions, turn); return err })
	return copies, err
}

type faultyRegister struct {
	erasure.Register
	fault *fault
}

func (f faultyRegister) Belongings(ctx context.Context, of events.AccountID, through events.Position) (b events.Belongings, err error) {
	err = f.fault.step(func() error { b, err = f.Register.Belongings(ctx, of, through); return err })
	return b, err
}

func (f faultyRegister) Claims(ctx context.Context, of map[string]bool) (naming map[events.Aggregate][]string, err error) {
	err = f.fault.step(func() error { naming, err = f.Register.Claims(ctx, of); return err })
	return naming, err
}

type faultySignIns struct {
	erasure.SignIns
	fault *fault
}

func (f faultySignIns) RevokeAll(ctx context.Context, of events.AccountID) error {
	return f.fault.step(func() error { return f.SignIns.RevokeAll(ctx, of) })
}

type faultySweeper struct {
	erasure.Sweeper
	fault *fault
}

func (f faultyVault) Keyed(ctx context.Context, name string) (key [32]byte, err error) {
	err = f.fault.step(func() error { key, err = f.Vault.Keyed(ctx, name); return err })
	return key, err
}

func (f faultySweeper) SecureDelete(ctx context.Context, at events.Position) error {
	if f.fault.sound {
		return f.Sweeper.SecureDelete(ctx, at)
	}
	return f.fault.step(func() error { return f.Sweeper.SecureDelete(ctx, at) })
}

func (f faultySweeper) Has(ctx context.Context, at events.Position) (there bool, err error) {
	if f.fault.sound {
		return f.Sweeper.Has(ctx, at)
	}
	err = f.fault.step(func() error { there, err = f.Sweeper.Has(ctx, at); return err })
	return there, err
}

type faultyLog struct {
	erasure.Log
	fault *fault
}

func (f faultyLog) Append(ctx context.Context, to events.Aggregate, expected events.Expected, evs ...events.Event) (at events.Position, err error) {
	err = f.fault.step(func() error { at, err = f.Log.Append(ctx, to, expected, evs...); return err })
	return at, err
}
