package main

import (
	"context"

	"parley/events"
	"parley/events/jetstream"
)

// sweepShown shows how far a sweep is, by the events that the log still holds.
type sweepShown struct {
	log   *jetstream.Log
	shown *progress
	left  []events.Aggregate // not looked at, or not swept when they were
	held  map[events.Aggregate]uint64
	all   uint64
}

// sweeping counts what every stream holds before anything is asked for: an eraser may
// be done by the first look.
func (e *erasing) sweeping(ctx context.Context) (*sweepShown, error) {
	s := &sweepShown{log: e.log, shown: e.t.progress("sweeping"), left: e.sweeps, held: map[events.Aggregate]uint64{}}
	if e.flags.wait != waitSwept || s.shown.w == nil {
		s.left = nil // nobody looks
	}
	for _, of := range s.left {
		if err := s.count(ctx, of); err != nil {
			return nil, err
		}
		s.all += s.held[of]
	}
	return s, nil
}

// look asks of the first stream that is not swept: so a look is one read however much
// is swept, and the bar is never ahead of the sweep.
func (s *sweepShown) look(ctx context.Context) error {
	for len(s.left) > 0 {
		of := s.left[0]
		if err := s.count(ctx, of); err != nil {
			return err
		}
		if s.held[of] > 0 {
			break
		}
		s.left = s.left[1:]
	}
	still := uint64(0)
	for _, n := range s.held {
		still += n
	}
	s.shown.at(s.all-min(still, s.all), s.all)
	return nil
}

// count notes how many events of a stream are to be swept: all but tombstones.
func (s *sweepShown) count(ctx context.Context, of events.Aggregate) error {
	evs, err := s.log.Load(ctx, of, 0)
	n := uint64(0)
	for _, e := range evs {
		if _, is := e.Body.(events.Tombstone); !is {
			n++
		}
	}
	s.held[of] = n
	return err
}
