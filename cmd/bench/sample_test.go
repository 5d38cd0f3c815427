package main

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		name    string
		sorted  []time.Duration
		percent int
		want    time.Duration
	}{
		{"none is zero", nil, 50, 0},
		{"one is all", []time.Duration{7}, 99, 7},
		{"half of two is the first", []time.Duration{3, 9}, 50, 3},
		{"more than half of two is the second", []time.Duration{3, 9}, 51, 9},
		{"99 of a hundred", hundred, 99, 99},
		{"all of a hundred", hundred, 100, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := percentile(c.sorted, c.percent); got != c.want {
				t.Fatalf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestMedianTakesEachNumberByItself(t *testing.T) {
	got := median([]sample{
		{rate: 1, p50: 30, p99: 300, bytes: 5},
		{rate: 3, p50: 10, p99: 200, bytes: 4},
		{rate: 2, p50: 20, p99: 100, bytes: 6},
	})
	if want := (sample{rate: 2, p50: 20, p99: 200, bytes: 5}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func TestSightingsCountWhatWasAcknowledgedAndSeen(t *testing.T) {
	found := newSightings()
	found.see(1) // before its acknowledgement
	found.ack(1)
	found.ack(2)
	found.see(2)
	found.ack(3) // never seen
	found.see(4) // somebody else's
	delays := found.delays()
	if len(delays) != 2 {
		t.Fatalf("%d delays, want 2", len(delays))
	}
	for _, d := range delays {
		if d < 0 {
			t.Errorf("a delay of %v", d)
		}
	}
}
