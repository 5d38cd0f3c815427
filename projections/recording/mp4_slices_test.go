package recording

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

// fragmentsOf gives where the fragments of a file begin, and where the last one ends.
func fragmentsOf(file []byte) (begins []int) {
	for at := 0; at < len(file); at += int(beUint(file[at : at+4])) {
		switch string(file[at+4 : at+8]) {
		case "moof", "mfra":
			begins = append(begins, at)
		}
	}
	return begins
}

// What is lost in a file is left out by whole fragments, and the rest stays as it was. A
// fragment is whole when the head of a box follows it.
func TestMP4LostSlice(t *testing.T) {
	file := fixture(t, "ffmpeg-aac-stereo-5s-relative.mp4")
	whole := inspected(t, file)
	begins := fragmentsOf(file)
	last := len(begins) - 2
	for _, lost := range []int{1, 4, 8, 97, 700, 3400, 5000, 9000} {
		for from := begins[0]; from+lost <= begins[last]; from += 17 {
			to, want, dropped := from+lost, file[:begins[0]:begins[0]], int64(0)
			for i, at := range begins[:last+1] {
				end := begins[i+1]
				if from < end+8 && to > at && i < last {
					dropped++
				} else {
					want = append(want, file[at:end]...)
				}
			}
			given := slices.Concat(file[:from], file[to:])
			plan, out := rewritten(t, given, claimMP4(given))
			if !bytes.Equal(out, want) {
				t.Fatalf("without %d to %d: %d bytes are left, want %d", from, to, len(out), len(want))
			}
			missing := length(dropped*44*1024, 44100)
			if off := (plan.Repair.Missing - missing).Abs(); plan.Duration != whole.Duration || plan.Repair.Gaps != 1 || off > time.Millisecond || plan.Repair.DroppedBytes != int64(len(given)-len(want)) {
				t.Fatalf("without %d to %d: %v, %+v, want a gap of %v", from, to, plan.Duration, plan.Repair, missing)
			}
		}
	}
}

func TestMP4LostSlices(t *testing.T) {
	one, two, three := fragment(0, 500, 500), fragment(24000, 600), fragment(48000, 700)
	cut := func(file []byte, n int) []byte { return file[:len(file)-n] }
	index := boxOf("mfra", make([]byte, 40))
	head := recorderHead()
	for _, given := range []struct {
		name    string
		file    []byte
		want    []byte
		dropped int64
		gaps    int
	}{
		{"nothing lost", slices.Concat(one, two, three, index), slices.Concat(one, two, three, index), 0, 2},
		{"the end of the first", slices.Concat(cut(one, 300), two, three), slices.Concat(two, three), int64(len(one) - 300), 2},
		{"the sound of one and no byte more", slices.Concat(one, cut(two, 608), three), slices.Concat(one, three), int64(len(two) - 608), 1},
		{"one byte of the sound", slices.Concat(one, cut(two, 1), three), slices.Concat(one, three), int64(len(two) - 1), 1},
		{"the ends of two that follow each other", slices.Concat(cut(one, 1), cut(two, 1), three), three, int64(len(one) + len(two) - 2), 1},
		{"the end of one, and the index", slices.Concat(one, cut(two, 1), three, index), slices.Concat(one, three), int64(len(two) - 1 + len(index)), 1},
		{"half a head, where the next begins", slices.Concat(one, two[:50], three), slices.Concat(one, three), 50, 1},
	} {
		t.Run(given.name, func(t *testing.T) {
			file := slices.Concat(head, given.file)
			plan, out := rewritten(t, file, claimMP4(file))
			if !bytes.Equal(out, slices.Concat(head, given.want)) {
				t.Errorf("%d bytes are left, want %d", len(out), len(head)+len(given.want))
			}
			if plan.Repair.DroppedBytes != given.dropped || plan.Repair.Gaps != given.gaps || plan.Repair.MissingBytes != 0 {
				t.Errorf("repair = %+v", plan.Repair)
			}
		})
	}
	t.Run("is refused of fragments that name their places in the file", func(t *testing.T) {
		traf := boxOf("traf", boxOf("tfhd", words4(0x000001, 1, 0, 900)), boxOf("trun", words4(0, 0)))
		file := slices.Concat(head, one, cut(two, 1), boxOf("moof", boxOf("mfhd", words4(0, 1)), traf))
		if _, err := Inspect(bytes.NewReader(file), claimMP4(file)); reasonOf(err) != ReasonFormat {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a broken connection is no lost slice", func(t *testing.T) {
		file := slices.Concat(head, one, []byte("\x00\x00\x00\x01"), make([]byte, 80<<10))
		broken := iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(file)))
		if _, err := Inspect(broken, claimMP4(file)); !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

func TestMP4LostSlicesLimit(t *testing.T) {
	good, bad := fragment(0, 1), fragment(0, 2)
	pair := slices.Concat(bad[:len(bad)-1], good)
	file := slices.Concat(recorderHead(), slices.Repeat(pair, maxClusters))
	if plan := inspected(t, file); plan.Repair.DroppedBytes != int64(maxClusters*(len(bad)-1)) {
		t.Errorf("%+v", plan.Repair)
	}
	file = append(file, pair...)
	if _, err := Inspect(bytes.NewReader(file), claimMP4(file)); reasonOf(err) != ReasonTooComplex {
		t.Errorf("got %v", err)
	}
}
