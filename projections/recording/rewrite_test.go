package recording

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"
)

func TestRewrite(t *testing.T) {
	chromium, err := os.ReadFile("testdata/chromium-156-stereo-5s.webm")
	if err != nil {
		t.Fatal(err)
	}
	sized := &tape{}
	*sized = *newTape(2)
	sized.sized = true
	sized.cluster().simple(0, 50).cluster().simple(3000, 50).close()

	for _, given := range []struct {
		name     string
		file     []byte
		length   time.Duration
		channels int
	}{
		{"a file of Chromium's MediaRecorder", chromium, 4980 * time.Millisecond, 2},
		{"clusters of unknown size", minute().b, 59800 * time.Millisecond, 2},
		{"clusters of known size", sized.b, 6 * time.Second, 2},
		{"one channel", newTape(1).cluster().simple(0, 5).b, 300 * time.Millisecond, 1},
		{"simple blocks and groups in turn", newTape(2).cluster().simple(0, 2).group(0, 0).simple(0, 2).group(0, 30*time.Millisecond).b, 330 * time.Millisecond, 2},
		{"laced blocks", laced(), 480 * time.Millisecond, 2},
		{"void, checksums, tags and old cues", cluttered(), 300 * time.Millisecond, 2},
	} {
		t.Run(given.name, func(t *testing.T) {
			plan, out := rewritten(t, given.file, claimOf(given.file, 0))
			before, after := secondOpinion(t, given.file), secondOpinion(t, out)

			if !slices.Equal(before.packets, after.packets) {
				t.Errorf("packets differ: %d before, %d after", len(before.packets), len(after.packets))
			}
			if plan.Packets != len(before.packets) || plan.Channels != given.channels || plan.Codec != "opus" {
				t.Errorf("plan = %d packets, %d channels, %s", plan.Packets, plan.Channels, plan.Codec)
			}
			told := time.Duration(after.info.Duration * float64(time.Millisecond))
			if plan.Duration != given.length || told.Round(time.Microsecond) != given.length {
				t.Errorf("duration = %v, told as %v, want %v", plan.Duration, told, given.length)
			}
			if plan.Repair != (Repair{}) {
				t.Errorf("repair = %v", plan.Repair.Notes())
			}
			if len(after.cues) != len(after.clusters) {
				t.Fatalf("%d cues for %d clusters", len(after.cues), len(after.clusters))
			}
			for i, cue := range after.cues {
				if at := cue.CueTrackPositions[0].CueClusterPosition; at != after.clusters[i] {
					t.Errorf("cue %d points at %d, its cluster is at %d", i, at, after.clusters[i])
				}
			}
		})
	}
}

func TestRewriteAgain(t *testing.T) {
	t.Run("a rewritten file stays as it is", func(t *testing.T) {
		_, once := rewritten(t, minute().b, claimOf(minute().b, time.Minute))
		_, twice := rewritten(t, once, claimOf(once, time.Minute))
		if !bytes.Equal(once, twice) {
			t.Error("the second rewrite changed bytes")
		}
	})
	t.Run("another file than was inspected is refused", func(t *testing.T) {
		file := minute().b
		plan, err := Inspect(bytes.NewReader(file), claimOf(file, 0))
		if err != nil {
			t.Fatal(err)
		}
		longer := newTape(2).cluster().simple(0, 200).b
		for name, other := range map[string][]byte{"longer": longer, "cut": file[:len(file)-40], "empty": nil} {
			if err := plan.Rewrite(&bytes.Buffer{}, bytes.NewReader(other)); !errors.Is(err, errChanged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestRewriteOfPolyglots(t *testing.T) {
	const page = "<html><script>alert(1)</script>"
	for _, id := range []uint32{idVoid, idTags, idAttachments, idCues} {
		tape := newTape(2)
		tape.b = appendBytes(tape.b, id, []byte(page))
		tape.cluster().simple(0, 3)
		file := append(appendBytes(tape.b, idVoid, []byte(page)), page...)
		if _, out := rewritten(t, file, claimOf(file, 0)); bytes.Contains(out, []byte("script")) {
			t.Errorf("a web page in element %#x is kept", id)
		}
	}
}

// laced has eight packets in three blocks, one of each kind of lacing.
func laced() []byte {
	a, b, c := frame(1), frame(2), frame(3)
	xiph := slices.Concat([]byte{2, byte(len(a)), byte(len(b))}, a, b, c)
	fixed := slices.Concat([]byte{1}, a, b)
	ebmlLaced := slices.Concat([]byte{2, 0x80 | byte(len(a)), 0x80 | 0x3F}, a, b, c)
	t := newTape(2).cluster()
	t.raw(appendBytes(nil, idSimpleBlock, blockBody(0, lacingXiph<<1, xiph)))
	t.raw(appendBytes(nil, idSimpleBlock, blockBody(180, lacingFixed<<1, fixed)))
	t.raw(appendBytes(nil, idSimpleBlock, blockBody(300, lacingEBML<<1, ebmlLaced)))
	return t.b
}

// cluttered has everything beside sound that a muxer may write.
func cluttered() []byte {
	t := &tape{b: documentHead()}
	t.b = append(appendID(t.b, idSegment), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	t.b = append(t.b, seekHead(1, 2, 3)...)
	t.b = appendBytes(t.b, idVoid, make([]byte, 200))
	t.b = appendBytes(t.b, idInfo, appendUint(nil, idScale, defaultScale))
	t.b = appendBytes(t.b, idTracks, opusTrack(2))
	t.cluster()
	t.b = appendBytes(t.b, idPrevSize, []byte{9})
	t.simple(0, 2)
	t.b = appendBytes(t.b, idVoid, make([]byte, 7))
	t.simple(0, 3)
	t.b = appendBytes(t.b, idCues, nil)
	t.b = appendBytes(t.b, idTags, nil)
	return t.b
}

// BenchmarkRewrite is an hour of 64 kbit/s: both passes.
func BenchmarkRewrite(b *testing.B) {
	tape := newTape(2)
	packet := append([]byte{3 << 3}, make([]byte, 479)...)
	for range 720 {
		base := tape.at
		for tape.cluster(); tape.at < base+5000; tape.at += frameMS {
			tape.raw(appendBytes(nil, idSimpleBlock, blockBody(tape.at-base, 0x80, packet)))
		}
	}
	claim := claimOf(tape.b, 0)
	b.SetBytes(claim.Size)
	b.ReportAllocs()
	for b.Loop() {
		plan, err := Inspect(bytes.NewReader(tape.b), claim)
		if err != nil {
			b.Fatal(err)
		}
		if err := plan.Rewrite(io.Discard, bytes.NewReader(tape.b)); err != nil {
			b.Fatal(err)
		}
	}
}
