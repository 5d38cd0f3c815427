package recording

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

// words4 writes numbers of four bytes.
func words4(numbers ...uint32) (b []byte) {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// fragment writes samples of 1024 units and the sizes, from a moment on, as recorders
// do: their places count from the fragment.
func fragment(at uint32, sizes ...uint32) []byte {
	run := words4(0x201, uint32(len(sizes)), 0)
	var sound uint32
	for _, size := range sizes {
		run, sound = append(run, words4(size)...), sound+size
	}
	moof := func(offset uint32) []byte {
		binary.BigEndian.PutUint32(run[8:], offset)
		return boxOf("moof", boxOf("mfhd", words4(0, 1)), boxOf("traf",
			boxOf("tfhd", words4(0x020008, 1, 1024)), boxOf("tfdt", words4(0, at)), boxOf("trun", run)))
	}
	return slices.Concat(moof(uint32(len(moof(0))+8)), boxOf("mdat", make([]byte, sound)))
}

// recorderHead is what a recorder writes before it knows anything: 48000 units a second.
func recorderHead() []byte {
	return slices.Concat(boxOf("ftyp", []byte("iso5")), boxOf("moov", header("mvhd", 1000, 0), soundTrack("soun", "mp4a", 2),
		boxOf("mvex", boxOf("trex", words4(0, 1, 1, 2048, 7, 0)))))
}

func inspected(t *testing.T, file []byte) *Plan {
	t.Helper()
	plan, err := Inspect(bytes.NewReader(file), claimMP4(file))
	if err != nil {
		t.Fatalf("of %d bytes: %v", len(file), err)
	}
	return plan
}

// units is so much time of the recorder's.
func units(n int64) time.Duration { return length(n, 48000) }

func TestMP4Fragments(t *testing.T) {
	three := fragment(0, 5, 6, 7)
	bare := func(flags uint32, fields ...uint32) []byte { // of two samples that lie behind it
		traf := boxOf("traf", boxOf("tfhd", words4(append([]uint32{flags, 1}, fields...)...)), boxOf("trun", words4(0, 2)))
		return slices.Concat(boxOf("moof", traf), boxOf("mdat", make([]byte, 60)))
	}
	for _, given := range []struct {
		name string
		file []byte
		want time.Duration
		lack Repair
	}{
		{"one fragment", three, units(3 * 1024), Repair{}},
		{"two, to the end of the last", slices.Concat(three, fragment(3*1024, 8, 9)), units(5 * 1024), Repair{}},
		{"one missing between two", slices.Concat(three, fragment(48000, 8)), units(48000 + 1024), Repair{Gaps: 1, Missing: units(48000 - 3*1024)}},
		{"one missing in front", fragment(12000, 8), units(12000 + 1024), Repair{Gaps: 1, Missing: 250 * time.Millisecond}},
		{"a gap too short to count", fragment(12000-48, 8), units(12000 - 48 + 1024), Repair{}},
		{"the last sample cut", three[:len(three)-1], units(2 * 1024), Repair{MissingBytes: 1}},
		{"all but the first cut", three[:len(three)-13], units(1024), Repair{MissingBytes: 13}},
		{"samples as long and large as the file says", bare(0x020000), units(2 * 2048), Repair{}},
		{"samples as long and large as the fragment says", bare(0x02001A, 1, 1000, 30), units(2 * 1000), Repair{}},
		{"a head cut off", append(slices.Clone(three), 0, 0, 0), units(3 * 1024), Repair{MissingBytes: 1}},
		{"a fragment cut in its head", append(slices.Clone(three), fragment(3*1024, 9)[:20]...), units(3 * 1024), Repair{MissingBytes: 72}},
	} {
		t.Run(given.name, func(t *testing.T) {
			plan := inspected(t, append(recorderHead(), given.file...))
			if plan.Duration != given.want || plan.Repair != given.lack {
				t.Errorf("%v, %+v, want %v, %+v", plan.Duration, plan.Repair, given.want, given.lack)
			}
		})
	}
	t.Run("behind samples that are listed in front", func(t *testing.T) {
		file := slices.Concat(boxOf("ftyp"), boxOf("moov", header("mvhd", 1000, 2000), soundTrack("soun", "mp4a", 2, 8)), boxOf("mdat", make([]byte, 8)), fragment(96000, 5))
		if plan := inspected(t, file); plan.Duration != units(96000+1024) || plan.Repair != (Repair{}) {
			t.Errorf("%v, %+v", plan.Duration, plan.Repair)
		}
	})
	for _, given := range []struct {
		name string
		file []byte
	}{
		{"no fragment", nil},
		{"no sample whole", three[:len(three)-14]},
		{"a fragment whose sound lies elsewhere", bare(0x000001, 0, 1<<20)},
	} {
		t.Run(given.name+" is no sound", func(t *testing.T) {
			file := append(recorderHead(), given.file...)
			if _, err := Inspect(bytes.NewReader(file), claimMP4(file)); reasonOf(err) != ReasonSilent {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A file is cut at each of its bytes: what is left of it is told to the sample, and that
// something is missing wherever no box ends.
func TestMP4Cut(t *testing.T) {
	file := fixture(t, "ffmpeg-aac-stereo-5s-fragments.mp4")
	whole := inspected(t, file)
	var lengths []time.Duration
	complete := 0
	for end := range file {
		cut := file[:end]
		plan, err := inspectMP4(newSource(bytes.NewReader(cut)), int64(end))
		if err != nil {
			if reasonOf(err) == "" || len(lengths) > 0 {
				t.Fatalf("of %d bytes: %v", end, err)
			}
			continue
		}
		if len(lengths) == 0 || lengths[len(lengths)-1] != plan.Duration {
			lengths = append(lengths, plan.Duration)
		}
		if plan.Repair == (Repair{}) {
			complete++
		}
	}
	const samples = 4*44 + 41
	frame := length(1024, 44100)
	for i, got := range lengths {
		if want := min(time.Duration(i+1)*frame, whole.Duration); (got - want).Abs() > time.Millisecond {
			t.Fatalf("after %d samples %v, want %v", i+1, got, want)
		}
	}
	const ends = 4 + 4 + 1 // of sound, of the heads of more, of all sound
	if len(lengths) != samples || complete != ends {
		t.Errorf("%d lengths, want %d; %d times nothing was missing", len(lengths), samples, complete)
	}
}

func TestMP4CutBehindItsHeads(t *testing.T) {
	file := slices.Concat(boxOf("ftyp"), boxOf("moov", header("mvhd", 1000, 60_000), soundTrack("soun", "mp4a", 2, 400, 600)), boxOf("mdat", make([]byte, 1000)))
	for lack, want := range map[int]time.Duration{0: time.Minute, 250: 45 * time.Second, 999: 60 * time.Millisecond} {
		plan := inspected(t, file[:len(file)-lack])
		if plan.Duration != want || plan.Repair.MissingBytes != int64(lack) {
			t.Errorf("without %d bytes: %v, %+v", lack, plan.Duration, plan.Repair)
		}
		less := slices.Concat(file[:len(file)-1008], boxOf("mdat", make([]byte, 1000-lack)))
		if plan := inspected(t, less); plan.Duration != want || plan.Repair.MissingBytes != int64(lack) {
			t.Errorf("with %d bytes fewer than are listed: %v, %+v", lack, plan.Duration, plan.Repair)
		}
	}
}
