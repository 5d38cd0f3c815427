package main

import (
	"cmp"
	"slices"
	"time"
)

// sample is what one round measured; what it did not is zero.
type sample struct {
	rate     float64       // per second
	p50, p99 time.Duration // of one answer
	bytes    float64       // of memory
}

// median takes the middle of each number by itself.
func median(rounds []sample) sample {
	return sample{
		rate:  middle(rounds, func(s sample) float64 { return s.rate }),
		p50:   middle(rounds, func(s sample) time.Duration { return s.p50 }),
		p99:   middle(rounds, func(s sample) time.Duration { return s.p99 }),
		bytes: middle(rounds, func(s sample) float64 { return s.bytes }),
	}
}

func middle[N cmp.Ordered](rounds []sample, of func(sample) N) N {
	numbers := make([]N, len(rounds))
	for i, s := range rounds {
		numbers[i] = of(s)
	}
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}

// sampleOf sums up a round: how many were done in which time, and how long each
// answer took.
func sampleOf(done int, in time.Duration, answers []time.Duration) sample {
	slices.Sort(answers)
	return sample{rate: float64(done) / in.Seconds(), p50: percentile(answers, 50), p99: percentile(answers, 99)}
}

// percentile is the smallest of the sorted durations that at least that many
// percent do not exceed; of none it is zero.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
