package main

import (
	"errors"
	"strings"
	"testing"

	"parley/events"
	door "parley/http"
	"parley/projections"
)

func TestWhatBecomesOfTheLag(t *testing.T) {
	for want, s := range map[string]door.Condition{
		"up to date": {},
		"the oldest for 2.5s, growing by 5 events a second":   {Lag: 9, Behind: 2.5, Trend: 5.4},
		"the oldest for 2.5s, shrinking by 5 events a second": {Lag: 9, Behind: 2.5, Trend: -4.5},
		"the oldest for 0.0s, shrinking by 1 events a second": {Lag: 9, Trend: -0.5},
		"the oldest for 2.5s, neither growing nor shrinking":  {Lag: 9, Behind: 2.5},
		"the oldest for 3.0s, neither growing nor shrinking":  {Lag: 9, Behind: 3, Trend: -0.49},
		"the oldest for 60.0s, neither growing nor shrinking": {Lag: 9, Behind: 60, Trend: 0.49},
		"the oldest for 12.0s, and the mark does not move":    {Lag: 9, Behind: 12, Standing: true},
		"no projector is there":                               {Lag: 9, Behind: 12, Standing: true, Dead: true},
		"made from another log":                               {Mismatch: "forked", Dead: true},
	} {
		if got := (state{s}).moving(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOnlyAnotherLogIsAMismatch(t *testing.T) {
	says, err := mismatchOf(&projections.Mismatch{Finding: projections.TailLost})
	if err != nil || !strings.Contains(says, "tail_lost") {
		t.Errorf("got %q, %v", says, err)
	}
	late := events.Errorf(events.CodeUnavailable, "the event log did not answer in time")
	if says, err := mismatchOf(late); says != "" || !errors.Is(err, late) {
		t.Errorf("got %q, %v", says, err)
	}
}
