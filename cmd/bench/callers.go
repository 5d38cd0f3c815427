package main

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// step does one thing and waits for the answer; it tells how many events that
// made durable.
type step func(context.Context) (stored int, err error)

// together lets all callers repeat their step for that long, each one after its
// own answer. The round ends with the last answer.
func together(ctx context.Context, length time.Duration, callers []step) (sample, error) {
	ends := time.Now().Add(length)
	return repeat(ctx, callers, func(now time.Time) bool { return now.Before(ends) })
}

// repeat is together for as long as goOn says.
func repeat(ctx context.Context, callers []step, goOn func(now time.Time) bool) (sample, error) {
	began := time.Now()
	stored := make([]int, len(callers))
	answers := make([][]time.Duration, len(callers))
	group, ctx := errgroup.WithContext(ctx)
	for i, call := range callers {
		group.Go(func() error {
			for asked := time.Now(); goOn(asked); asked = time.Now() {
				n, err := call(ctx)
				if err != nil {
					return err
				}
				stored[i] += n
				answers[i] = append(answers[i], time.Since(asked))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	done := 0
	for _, n := range stored {
		done += n
	}
	return sampleOf(done, took, slices.Concat(answers...)), nil
}

// startsAtOnce is how many first times run side by side: enough for the log to
// group them.
const startsAtOnce = 256

// once lets each caller do its step one time: what a first time costs stays out
// of the rounds.
func once(ctx context.Context, callers []step) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(startsAtOnce)
	for _, call := range callers {
		group.Go(func() error {
			_, err := call(ctx)
			return err
		})
	}
	return group.Wait()
}
