package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/projections"
	"parley/projections/postgres"
)

// talkingAtOnce is how many sessions share a rate of events.
const talkingAtOnce = 32

// visibleRates are the events a second at which visibility is looked at.
var visibleRates = []int{100, 2000}

// visible measures the time from the answer of an append to the moment when
// readers of the read models are told that they see it, under a steady load. The
// baseline is a bare delivery to a plain consumer, and one committed insert of
// what was delivered, by nobody who is late: a message that comes while the
// insert before it is under way is not counted.
func (b *bench) visible(ctx context.Context) (err error) {
	s, err := b.start(ctx, b.folder("visible"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	ours, err := s.speakers(ctx, talkingAtOnce)
	if err != nil {
		return err
	}
	raw, err := s.openRawLog(ctx, ours[0].at)
	if err != nil {
		return err
	}
	defer raw.close()
	plain := make([]*rawSpeaker, talkingAtOnce)
	for i := range plain {
		plain[i] = raw.speaker()
	}
	watcher := postgres.NewWatcher(s.database, b.logger)
	return s.projecting(ctx, watcher, func(ctx context.Context) error {
		for _, rate := range visibleRates {
			reading := func(ctx context.Context) (sample, error) { return s.watched(ctx, watcher, ours, b.pace(rate)) }
			inserting := func(ctx context.Context) (sample, error) { return s.inserted(ctx, raw, plain, b.pace(rate)) }
			medians, err := b.plan.measure(ctx, reading, inserting)
			if err != nil {
				return err
			}
			b.compareVisible(rate, medians[0], medians[1])
		}
		return nil
	})
}

func (b *bench) compareVisible(rate int, subject, baseline sample) {
	name := fmt.Sprintf("visible_%d", rate)
	b.report.add(
		beside(name+"_p50", ms(subject.p50), milliseconds, ms(baseline.p50)),
		beside(name+"_p99", ms(subject.p99), milliseconds, ms(baseline.p99)),
		beside(name+"_reached", subject.rate, perSecond, baseline.rate))
}

// projecting does something while projector and watcher run.
func (s *system) projecting(ctx context.Context, watcher *postgres.Watcher, do func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	projector := projections.NewProjector(s.log, s.store(), s.log.Stream(), s.bench.logger)
	group.Go(func() error { return projector.Run(running) })
	group.Go(func() error { return watcher.Run(running) })
	group.Go(func() error {
		defer stop()
		return do(running)
	})
	return group.Wait()
}

// watched lets sessions talk and waits for each turn as a request does.
func (s *system) watched(ctx context.Context, watcher *postgres.Watcher, speakers []*speaker, p pace) (sample, error) {
	found := newSightings()
	waiting, whole := errgroup.WithContext(ctx)
	stored, took, err := p.keep(whole, len(speakers), func(ctx context.Context, i int) error {
		if _, err := speakers[i].say(ctx); err != nil {
			return err
		}
		at := speakers[i].at
		found.ack(uint64(at))
		waiting.Go(func() error {
			err := watcher.Wait(whole, at)
			found.see(uint64(at))
			return err
		})
		return nil
	})
	if err := errors.Join(err, waiting.Wait()); err != nil {
		return sample{}, err
	}
	return sampleOf(stored, took, found.delays()), nil
}

// pace is a steady load: events a second, for a while.
type pace struct {
	rate  int
	lasts time.Duration
}

// pace lasts longer than a round, for the sake of its hundredth part.
func (b *bench) pace(rate int) pace { return pace{rate, 2 * b.plan.round} }

// keep does something at the pace, by several callers in turn. One that comes
// late goes on at once until it has caught up.
func (p pace) keep(ctx context.Context, callers int, do func(ctx context.Context, caller int) error) (done int, took time.Duration, err error) {
	began := time.Now()
	total := int(p.lasts.Seconds() * float64(p.rate))
	group, ctx := errgroup.WithContext(ctx)
	for caller := range callers {
		group.Go(func() error {
			for i := caller; i < total; i += callers {
				due := began.Add(time.Duration(i) * time.Second / time.Duration(p.rate))
				if err := until(ctx, due); err != nil {
					return err
				}
				if err := do(ctx, caller); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return total, time.Since(began), err
}

// until waits for a moment. Error: the context's.
func until(ctx context.Context, due time.Time) error {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
