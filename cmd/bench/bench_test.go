package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// least is the smallest plan that measures anything.
func least() plan {
	return plan{rounds: 1, round: 20 * time.Millisecond, events: 10 * wholeEvents, scales: []int{10}}
}

func TestMeasurementsGiveTheirFigures(t *testing.T) {
	figures := newLines(io.Discard)
	b := &bench{plan: least(), report: figures, logger: slog.New(slog.DiscardHandler)}
	chosen, err := choose("disk,append,visible,rebuild")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.take(t.Context(), chosen, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("fsync append_1 append_1_p50 append_16_p99 append_256 append_conflicts append_1024" +
		" visible_100_p50 visible_100_p99 visible_2000_p50 visible_2000_p99 rebuild_0k") {
		if _, there := figures.kept[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestUnknownMeasurementsAreNamed(t *testing.T) {
	if _, err := choose("append,speed"); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Fatalf("%v", err)
	}
}
