package main

import (
	"bytes"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/projections/recording"
)

// least is the smallest plan that measures anything.
func least() plan {
	return plan{rounds: 1, round: 20 * time.Millisecond, events: 10 * wholeEvents, scales: []int{10, 20},
		sealed: 10 * wholeEvents, own: 2 * searchPage, pages: 4, calls: 2, erased: briefEvents + exchangeEvents, others: 3,
		recorded: 25 * time.Minute, saved: 10 * time.Second, heard: 10 * time.Second}
}

// browsersRecording is what the recordings that are measured are made of.
const browsersRecording = "../../projections/recording/testdata/chromium-156-stereo-5s.webm"

func TestMeasurementsGiveTheirFigures(t *testing.T) {
	figures := newLines(io.Discard)
	b := &bench{plan: least(), sample: browsersRecording, report: figures, logger: slog.New(slog.DiscardHandler)}
	chosen, err := choose("disk,append,visible,rebuild,sealing,search,levels")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.take(t.Context(), chosen, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("fsync append_1 append_1_p50 append_16_p99 append_256 append_conflicts append_1024" +
		" visible_100_p50 visible_100_p99 visible_2000_p50 visible_2000_p99 rebuild_0k" +
		" append_sealed sealing_of_append sealing_alone sealing_of_append_at_most rebuild_sealed sealing_of_rebuild search_60_p50 search_60_p99 levels_hour") {
		if _, there := figures.kept[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestMeasurementsOfTheProgramGiveTheirFigures(t *testing.T) {
	program := filepath.Join(t.TempDir(), "parley")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "parley/cmd/parley").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	figures := newLines(io.Discard)
	b := &bench{plan: least(), program: program, sample: browsersRecording, report: figures, logger: slog.New(slog.DiscardHandler)}
	chosen, err := choose("http,growth,erase,sign_in,mint,relay,calls,upload,save,seek")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.take(t.Context(), chosen, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("append_http_256 append_http_256_p50 append_http_256_p99" +
		" restart_ready_0 memory_0 append_at_10 load_session_10 restart_ready_10 memory_10 memory_per_session_10 append_at_20 load_session_20 restart_ready_20 memory_20" +
		" erase_15_unreadable erase_15_swept append_while_sweeping sign_in_p50 mint_p50 mint_p99 mint_added_p50 mint_added_p99 relay_4_p50 relay_4_p99 relay_4_reached relay_4_memory_each" +
		" call_connected_p50 call_connected_p99 calls_2_core calls_2_late_p50 calls_2_late_p99 upload_whole upload_parts save_0min seek_p50 seek_p99") {
		if _, there := figures.kept[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestARecordingLastsAsLongAsItIsAskedTo(t *testing.T) {
	tape, err := readTape(browsersRecording)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []time.Duration{tape.length(), time.Minute} {
		file, err := tape.lasting(length)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := recording.Inspect(bytes.NewReader(file), recording.Claim{ContentType: "audio/webm", Size: int64(len(file)), SHA256: checksum(file)})
		if err != nil {
			t.Fatal(err)
		}
		if longer := plan.Duration - length; longer < -packetLength || longer > tape.length() || len(plan.Repair.Notes()) != 0 {
			t.Errorf("%v instead of %v, repaired: %v", plan.Duration, length, plan.Repair.Notes())
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
