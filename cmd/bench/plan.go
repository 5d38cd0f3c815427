package main

import (
	"context"
	"time"
)

// plan says how much is measured.
type plan struct {
	rounds int           // of each number
	round  time.Duration // how long one round of appending takes
	events int           // of the log that is rebuilt
	scales []int         // sessions at which the cost of growth is looked at
	sealed int           // events of the log in which sealing is looked at
	erased int           // events of the session that is erased
	others int           // sessions that are in the log beside it
	own    int           // sessions of the learner who searches
	pages  int           // that relay at the same time
	calls  int           // with one partner at the same time

	recorded time.Duration // length of the recording that is rewritten and uploaded
	saved    time.Duration // of the one that is saved
	heard    time.Duration // of the one whose levels are made
}

// whole takes its time: six minutes on two cores without what needs 300,000 sessions,
// and more than a quarter of an hour for those.
func whole() plan {
	return plan{rounds: 5, round: time.Second, events: 1_000_000, scales: []int{1_000, 30_000, 300_000},
		sealed: 200_000, erased: 501, others: 300_000, own: 500, pages: 1_000, calls: 80,
		recorded: time.Hour, saved: 10 * time.Minute, heard: 10 * time.Minute}
}

// small takes some three minutes.
func small() plan {
	return plan{rounds: 5, round: 250 * time.Millisecond, events: 50_000, scales: []int{1_000, 10_000},
		sealed: 10_000, erased: 33, others: 1_000, own: 500, pages: 200, calls: 20,
		recorded: time.Hour, saved: 10 * time.Minute, heard: time.Minute}
}

// side measures one round of a subject or of a baseline.
type side func(context.Context) (sample, error)

// measure lets the sides take turns, each round beginning with another one, and
// gives the median of each.
func (p plan) measure(ctx context.Context, sides ...side) ([]sample, error) {
	taken := make([][]sample, len(sides))
	for round := range p.rounds {
		for turn := range sides {
			i := (round + turn) % len(sides)
			one, err := sides[i](ctx)
			if err != nil {
				return nil, err
			}
			taken[i] = append(taken[i], one)
		}
	}
	medians := make([]sample, len(sides))
	for i := range taken {
		medians[i] = median(taken[i])
	}
	return medians, nil
}
