package recording

import (
	"context"
	"log/slog"
	"time"

	"parley/events"
)

// Lying is something in the store: an object, or an upload that was begun.
type Lying struct {
	Key        string
	Unfinished string // the store's name of an upload in parts; empty for an object
	Size       int64  // bytes; 0 for what is unfinished
	Since      time.Time
}

// Shelf is what a sweeper needs of the store. Its one implementation is
// projections/s3.
type Shelf interface {
	// Each visits all objects and all unfinished uploads, and ends with the first
	// error of visit. Errors: CodeUnavailable.
	Each(ctx context.Context, visit func(Lying) error) error
	// Discard removes what Each told of; that it is gone is no error.
	// Errors: CodeUnavailable.
	Discard(ctx context.Context, l Lying) error
}

// Verdict is what becomes of something in the store.
type Verdict string

// The verdicts.
const (
	Needed  Verdict = "needed"  // an event points at it, or is about to
	Young   Verdict = "young"   // no event points at it yet
	Orphan  Verdict = "orphan"  // no event points at it any more
	Foreign Verdict = "foreign" // the log knows no session of that key; never removed
)

// Sweeper removes from the store what no event points at and none ever will: what is an
// orphan once stays one, so that nothing can happen between judging and removing. What
// belongs to a session that the log does not know it leaves alone, since that log may be
// the wrong one.
type Sweeper struct {
	log    events.Loader
	shelf  Shelf
	age    time.Duration
	now    func() time.Time
	logger *slog.Logger
}

// NewSweeper makes a sweeper of what is older than age.
func NewSweeper(log events.Loader, shelf Shelf, age time.Duration, now func() time.Time, logger *slog.Logger) *Sweeper {
	return &Sweeper{log, shelf, age, now, logger}
}

// Run sweeps at once and then four times within the age, until the context ends.
// Errors: CodeUnavailable; then it should be begun again.
func (s *Sweeper) Run(ctx context.Context) error {
	look := time.NewTicker(s.age / 4)
	defer look.Stop()
	for {
		if _, err := s.Sweep(ctx); err != nil {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Sweep lists the orphans, and then removes each that still is one. It tells what it
// removed. Errors: CodeUnavailable.
func (s *Sweeper) Sweep(ctx context.Context) (removed []Lying, err error) {
	var orphans []Lying
	err = s.Look(ctx, func(l Lying, v Verdict) error {
		if v == Orphan {
			orphans = append(orphans, l)
		}
		return nil
	})
	if err != nil || len(orphans) == 0 {
		return nil, err
	}
	s.logger.InfoContext(ctx, "orphans in the store", "found", len(orphans), "older_than", s.age)
	for _, l := range orphans {
		gone, err := s.Remove(ctx, l)
		if err != nil {
			return removed, err
		}
		if gone {
			removed = append(removed, l)
		}
	}
	return removed, nil
}

// Look judges everything in the store. Errors: CodeUnavailable, and those of visit.
func (s *Sweeper) Look(ctx context.Context, visit func(Lying, Verdict) error) error {
	return s.shelf.Each(ctx, func(l Lying) error {
		v, err := s.judge(ctx, l)
		if err != nil {
			return err
		}
		return visit(l, v)
	})
}

// Remove discards an orphan. It asks the log once more, right before; false means that
// it is none, although it was taken for one. Errors: CodeUnavailable.
func (s *Sweeper) Remove(ctx context.Context, l Lying) (bool, error) {
	v, err := s.judge(ctx, l)
	if err != nil || v != Orphan {
		return false, err
	}
	if err := s.shelf.Discard(ctx, l); err != nil {
		return false, err
	}
	s.logger.InfoContext(ctx, "orphan removed", "key", l.Key, "unfinished", l.Unfinished != "", "since", l.Since)
	return true, nil
}

func (s *Sweeper) judge(ctx context.Context, l Lying) (Verdict, error) {
	id, ours := SessionOf(l.Key)
	if !ours {
		return Foreign, nil
	}
	evs, err := s.log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return "", err
	}
	needs := NewNeeds()
	for _, e := range evs {
		needs.Evolve(e)
	}
	switch {
	case !needs.known:
		return Foreign, nil
	case l.Unfinished == "" && needs.points(l.Key):
		return Needed, nil
	case s.now().Sub(l.Since) < s.age, needs.awaits(l.Key, s.now(), s.age):
		return Young, nil
	}
	return Orphan, nil
}
