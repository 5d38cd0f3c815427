package postgres

import (
	"context"
	"errors"
	"time"

	"parley/events"
	"parley/projections"
)

// Rebuilder makes versions of the read models from the log, beside the live
// one, which is read and written on meanwhile. Rebuilding has no effects: a
// projection has none.
type Rebuilder struct {
	db      *Database
	deriver Deriver
	log     projections.Source
	stream  string
	now     func() time.Time
}

// NewRebuilder makes a rebuilder of one stream's read models.
func NewRebuilder(db *Database, deriver Deriver, log projections.Source, stream string, now func() time.Time) *Rebuilder {
	return &Rebuilder{db, deriver, log, stream, now}
}

// Rebuilt says what a rebuild did.
type Rebuilt struct {
	From, To    int             // versions: live before, and the new one
	Position    events.Position // up to which To holds the log; From too, when it is of the same log
	Differences []Difference    // between their rows, at most MaxDifferences a table
	Switched    bool            // To is live now
	Same        bool            // From was made from this log, too
}

// Rebuild fills a new version from the log's start, compares it with the live
// one at the same position, and makes it live. When rows differ it does so only
// if accept says that the operator wants the new ones; else it leaves the new
// version as it is, so that a second call, with accept, just goes on with it.
// An interrupted rebuild goes on where it stood. The version that was live
// stays, for SwitchBack; older ones leave.
//
// Errors: CodeInvalid with fewer connections than it needs;
// CodeConflict when rows differ and that is not accepted (Rebuilt holds
// the differences), when the live version was made from another log and that is
// not accepted (with a *projections.Mismatch), or while another rebuild or
// verification runs; CodeUnavailable.
func (r *Rebuilder) Rebuild(ctx context.Context, accept bool, report func(Progress)) (done Rebuilt, err error) {
	err = r.alone(ctx, func() error {
		version, err := r.begin(ctx, stateBuilding)
		if err != nil {
			return err
		}
		done, err = r.bring(ctx, version, accept, report)
		return err
	})
	return done, translate(err, "rebuild")
}

// SwitchBack makes the version that was live before live again, once it has
// taken in what came since. The two need not be alike.
// Errors: CodeNotFound when there is none; CodeConflict and CodeUnavailable as
// of Rebuild.
func (r *Rebuilder) SwitchBack(ctx context.Context, report func(Progress)) (done Rebuilt, err error) {
	err = r.alone(ctx, func() error {
		version, err := r.previous(ctx)
		if err == nil {
			done, err = r.bring(ctx, version, true, report)
		}
		return err
	})
	return done, translate(err, "switch back")
}

// Verified says what a verification found.
type Verified struct {
	Position    events.Position // at which the rows were compared
	Differences []Difference    // at most MaxDifferences a table; none: the read models are what the log says
}

// Verify fills a scratch version from the log's start, compares the live one
// with it and drops it. Errors: as of Rebuild, but differences are none.
func (r *Rebuilder) Verify(ctx context.Context, report func(Progress)) (found Verified, err error) {
	err = r.alone(ctx, func() error {
		version, err := r.begin(ctx, stateScratch)
		if err != nil {
			return err
		}
		same, err := r.prepare(ctx, false)
		if err == nil {
			err = r.fill(ctx, version, same, report)
		}
		if err == nil {
			report(Progress{Step: StepComparing})
			found.Position, found.Differences, err = r.compare(ctx, version, true)
		}
		return errors.Join(err, r.drop(ctx, "version = $1", version))
	})
	return found, translate(err, "verify")
}

// bring fills a version up to the live one, compares and switches.
func (r *Rebuilder) bring(ctx context.Context, version int, accept bool, report func(Progress)) (done Rebuilt, err error) {
	same, err := r.prepare(ctx, accept)
	if err != nil {
		return done, err
	}
	done.Same = same
	if accept {
		err = r.acceptHead(ctx, version)
	}
	if err != nil {
		return done, err
	}
	if err := r.fill(ctx, version, same, report); err != nil {
		return done, err
	}
	report(Progress{Step: StepIndexing})
	if err := r.index(ctx, version); err != nil {
		return done, err
	}
	report(Progress{Step: StepComparing})
	done.To = version
	if done.Position, done.Differences, err = r.compare(ctx, version, same); err != nil {
		return done, err
	}
	if len(done.Differences) > 0 && !accept {
		return done, events.Errorf(events.CodeConflict, "the rebuilt rows are not the live ones; accept them to switch")
	}
	report(Progress{Step: StepSwitching})
	if done.From, err = r.switchTo(ctx, version, same); err != nil {
		return done, err
	}
	done.Switched = true
	return done, r.drop(ctx, "state = $1 and version <> $2", statePrevious, done.From)
}

// prepare tells whether the live version was made from this log, so that both
// can be compared at one position. Errors: CodeConflict with a
// *projections.Mismatch when it was not and that is not accepted.
func (r *Rebuilder) prepare(ctx context.Context, accept bool) (same bool, err error) {
	live, err := NewStore(r.db, r.deriver).Look(ctx, r.stream)
	if err != nil {
		return false, err
	}
	err = r.check(ctx, live)
	if accept && isMismatch(err) {
		return false, nil
	}
	return err == nil, err
}

// acceptHead lets a version begin where the log does, when its head was purged.
func (r *Rebuilder) acceptHead(ctx context.Context, version int) error {
	built, err := r.store(version).Claim(ctx, r.stream)
	if err != nil {
		return err
	}
	err = r.check(ctx, built)
	var mismatch *projections.Mismatch
	if !errors.As(err, &mismatch) || mismatch.Finding != projections.HeadPurged {
		return nil // filling answers for the rest
	}
	_, err = r.db.pool.Exec(ctx, "update "+r.db.table(version, "checkpoints")+" set position = $2 where stream = $1",
		r.stream, uint64(mismatch.Log.First-1))
	return err
}

// check holds a checkpoint against the log. Errors: as of projections.Check.
func (r *Rebuilder) check(ctx context.Context, c projections.Checkpoint) error {
	now, err := r.log.Identity(ctx)
	if err != nil {
		return err
	}
	return projections.Check(ctx, r.log, c, now)
}

func isMismatch(err error) bool {
	var mismatch *projections.Mismatch
	return errors.As(err, &mismatch)
}

// fill carries the log into a version, as far as it may go now.
func (r *Rebuilder) fill(ctx context.Context, version int, same bool, report func(Progress)) error {
	live, err := NewStore(r.db, r.deriver).Look(ctx, r.stream)
	if err != nil {
		return err
	}
	upTo, err := r.target(ctx, live, same)
	if err == nil {
		_, err = projections.Fill(ctx, r.log, r.watched(version, upTo, report), r.stream, upTo)
	}
	return err
}

// store writes one version, live or not.
func (r *Rebuilder) store(version int) *Store {
	store := NewStore(r.db, r.deriver)
	store.version = version
	return store
}
