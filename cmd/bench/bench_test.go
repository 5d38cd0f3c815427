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
	return plan{rounds: 1, round: 20 * time.Millisecond, events: 10 * wholeEvents, scales: []int{10},
		sealed: 10 * wholeEvents, own: 2 * searchPage}
}

func TestMeasurementsGiveTheirFigures(t *testing.T) {
	figures := newLines(io.Discard)
	b := &bench{plan: least(), report: figures, logger: slog.New(slog.DiscardHandler)}
	chosen, err := choose("disk,append,visible,rebuild,sealing,search")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.take(t.Context(), chosen, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("fsync append_1 append_1_p50 append_16_p99 append_256 append_conflicts append_1024" +
		" visible_100_p50 visible_100_p99 visible_2000_p50 visible_2000_p99 rebuild_0k" +
		" append_sealed sealing_of_append sealing_alone sealing_of_append_at_most rebuild_sealed sealing_of_rebuild search_60_p50 search_60_p99") {
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

func TestClearAndSealedBodiesAreAsLong(t *testing.T) {
	own, err := newWriter(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := newWriter(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err1 := stored(own.body)
	clear, err2 := stored(catalogue.body)
	// sentences have as many characters, not as many bytes
	if err1 != nil || err2 != nil || clear < sealed-textLength || clear > sealed+textLength {
		t.Errorf("%d bytes sealed, %d clear: %v %v", sealed, clear, err1, err2)
	}
}
