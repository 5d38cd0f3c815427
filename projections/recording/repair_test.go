package recording

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

func TestCutFile(t *testing.T) {
	tape := newTape(2)
	for range 3 {
		tape.cluster().simple(tape.at, 4)
	}
	tape.group(tape.at-4*frameMS, 0)
	whole := secondOpinion(t, tape.b).packets

	for n := tape.blocks[0]; n < len(tape.b); n++ {
		file := tape.b[:n]
		kept, _ := slices.BinarySearch(tape.blocks, n+1)
		plan, out := rewritten(t, file, claimOf(file, 0))
		if got := secondOpinion(t, out).packets; !slices.Equal(got, whole[:kept]) {
			t.Fatalf("cut after %d bytes: %d packets, want the first %d", n, len(got), kept)
		}
		if wantLoss := n - lastBefore(n, tape); plan.Repair.DroppedBytes != int64(wantLoss) {
			t.Fatalf("cut after %d bytes: %d bytes told as dropped, want %d", n, plan.Repair.DroppedBytes, wantLoss)
		}
	}
	for n := range tape.marks[0] {
		file := tape.b[:n]
		if _, err := Inspect(bytes.NewReader(file), claimOf(file, 0)); reasonOf(err) == "" {
			t.Fatalf("cut in the head after %d bytes: %v, want a rejection", n, err)
		}
	}
}

// lastBefore is where the last whole element ends that a cut after n bytes leaves.
func lastBefore(n int, tape *tape) int {
	const head, timestamp = 12, 6
	last := 0
	for _, end := range tape.blocks {
		if end <= n {
			last = end
		}
	}
	for _, mark := range tape.marks {
		for _, end := range []int{mark + head, mark + head + timestamp} {
			if end <= n {
				last = max(last, end)
			}
		}
	}
	return last
}

func TestGap(t *testing.T) {
	tape := newTape(2)
	for range 6 {
		tape.cluster().simple(tape.at, 20) // 1.2 s each
	}
	file, marks, blocks := tape.b, tape.marks, tape.blocks
	packets := secondOpinion(t, file).packets
	cut := func(from, to int) []byte { return slices.Concat(file[:from], file[to:]) }

	for _, given := range []struct {
		name string
		file []byte
		want []packet
		lack Repair
	}{
		{
			"a whole cluster is missing",
			cut(marks[2], marks[3]),
			slices.Concat(packets[:40], packets[60:]),
			Repair{Gaps: 1, Missing: 1200 * time.Millisecond},
		},
		{
			"a cluster's head is missing: its blocks have no place in time",
			cut(blocks[39], blocks[44]),
			slices.Concat(packets[:40], packets[60:]),
			Repair{DroppedBytes: int64(marks[3] - blocks[44]), DroppedBlocks: 15, Gaps: 1, Missing: 1200 * time.Millisecond},
		},
		{
			"a slice is there twice",
			slices.Concat(file[:marks[3]], file[marks[2]:]),
			packets,
			Repair{DroppedBytes: int64(blocks[59] - blocks[39] - 18), DroppedBlocks: 20},
		},
		{
			"zeros in the middle",
			slices.Concat(file[:blocks[45]], make([]byte, 500), file[blocks[45]:]),
			slices.Concat(packets[:46], packets[60:]),
			Repair{DroppedBytes: int64(500 + marks[3] - blocks[45]), Gaps: 1, Missing: 840 * time.Millisecond},
		},
		{
			"another file behind it",
			slices.Concat(file, newTape(2).cluster().simple(0, 3).b),
			packets,
			Repair{DroppedBytes: int64(len(newTape(2).b) + 3*(blocks[0]-marks[0]-18)), DroppedBlocks: 3},
		},
		{
			"an archive behind it",
			slices.Concat(file, []byte("PK\x03\x04 not sound at all")),
			packets,
			Repair{DroppedBytes: 21},
		},
	} {
		t.Run(given.name, func(t *testing.T) {
			plan, out := rewritten(t, given.file, claimOf(given.file, 0))
			if got := secondOpinion(t, out).packets; !slices.Equal(got, given.want) {
				t.Errorf("%d packets, want %d", len(got), len(given.want))
			}
			if plan.Repair != given.lack {
				t.Errorf("repair = %+v, want %+v", plan.Repair, given.lack)
			}
		})
	}
}

func TestGapLimit(t *testing.T) {
	for lost, want := range map[int64]int{249: 0, 250: 1} {
		tape := newTape(2).cluster().simple(0, 1)
		tape.at += lost
		file := tape.simple(0, 1).b
		plan, _ := rewritten(t, file, claimOf(file, 0))
		if plan.Repair.Gaps != want {
			t.Errorf("%d ms of silence: %d gaps, want %d", lost, plan.Repair.Gaps, want)
		}
	}
}

func TestNotes(t *testing.T) {
	got := Repair{DroppedBytes: 7, Gaps: 1, Missing: 1500 * time.Millisecond}.Notes()
	if want := []string{"dropped_bytes=7", "gaps=1", "missing_ms=1500"}; !slices.Equal(got, want) {
		t.Errorf("notes = %v, want %v", got, want)
	}
}

// FuzzRecording feeds anything to the reader. Whatever it accepts must rewrite to
// the planned size and be accepted again, with the same sound and nothing to repair
// but silence.
func FuzzRecording(f *testing.F) {
	f.Add(minute().b)
	f.Add(laced())
	f.Add(cluttered())
	f.Add(newTape(1).cluster().simple(0, 2).group(0, time.Second).b)
	f.Fuzz(func(t *testing.T, file []byte) {
		plan, err := Inspect(bytes.NewReader(file), claimOf(file, 0))
		if err != nil {
			if reasonOf(err) == "" {
				t.Fatalf("neither accepted nor rejected: %v", err)
			}
			return
		}
		_, out := rewritten(t, file, claimOf(file, 0))
		again, err := Inspect(bytes.NewReader(out), claimOf(out, 0))
		if err != nil {
			t.Fatalf("rewritten file is refused: %v", err)
		}
		if again.Packets != plan.Packets || again.Duration != plan.Duration || again.Repair.DroppedBytes != 0 {
			t.Fatalf("rewritten file reads differently: %+v, before %+v", again, plan)
		}
	})
}
