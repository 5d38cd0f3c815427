package recording

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// exhibit is a file of testdata/corpus, and what ffprobe told of it when it was made.
type exhibit struct {
	Name       string `json:"name"`
	Reason     Reason `json:"reason"`
	Packets    int    `json:"packets"`
	Payload    string `json:"payload_sha256"`
	Channels   int    `json:"channels"`
	DurationMS int64  `json:"duration_ms"`
	Rewritten  string `json:"rewritten_sha256"`

	Repaired []string   `json:"repaired"`
	Kept     [][2]int64 `json:"kept"` // of Chromium's file, if that was wounded
}

func corpus(t *testing.T, name string, least int) (all []exhibit) {
	t.Helper()
	if err := json.Unmarshal(fixture(t, "corpus/"+name), &all); err != nil || len(all) < least {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

func fixture(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.ReadFile("testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCorpus(t *testing.T) {
	for _, want := range corpus(t, "corpus.json", 20) {
		file := fixture(t, "corpus/"+want.Name+".webm")
		if want.Reason == "" {
			t.Run(want.Name, func(t *testing.T) { want.judged(t, file) })
			continue
		}
		t.Run(want.Name, func(t *testing.T) {
			if _, err := Inspect(bytes.NewReader(file), claimOf(file, 0)); reasonOf(err) != want.Reason {
				t.Errorf("got %v, want %q", err, want.Reason)
			}
		})
	}
}

// Chromium's own file is judged whole, cut and holed.
func TestChromiumAsJudged(t *testing.T) {
	whole := fixture(t, "chromium-156-stereo-5s.webm")
	for _, want := range corpus(t, "wounded.json", 5) {
		t.Run(want.Name, func(t *testing.T) {
			var file []byte
			for _, k := range want.Kept {
				file = append(file, whole[k[0]:k[1]]...)
			}
			want.judged(t, file)
		})
	}
}

// judged wants of the file what ffprobe and ffmpeg found.
func (want exhibit) judged(t *testing.T, file []byte) {
	t.Helper()
	plan, out := rewritten(t, file, claimOf(file, time.Duration(want.DurationMS)*time.Millisecond))
	if plan.Packets != want.Packets || plan.Channels != want.Channels || plan.Duration.Milliseconds() != want.DurationMS || !slices.Equal(plan.Repair.Notes(), want.Repaired) {
		t.Errorf("plan = %+v, ffprobe found %+v", plan, want)
	}
	payload := sha256.New()
	for _, p := range secondOpinion(t, out).packets {
		if _, err := io.WriteString(payload, p.data); err != nil {
			t.Fatal(err)
		}
	}
	if got := hex.EncodeToString(payload.Sum(nil)); got != want.Payload {
		t.Errorf("the packets' bytes are %s, ffmpeg's %s", got, want.Payload)
	}
	if got := sumOf(out); got != want.Rewritten {
		t.Errorf("%s is not the file that ffprobe judged; run generate.go in testdata/corpus", got)
	}
}

// clusterMarks are where Chromium's clusters begin.
func clusterMarks(file []byte) (marks []int) {
	for at := range file {
		if bytes.HasPrefix(file[at:], []byte{0x1F, 0x43, 0xB6, 0x75}) {
			marks = append(marks, at)
		}
	}
	return marks
}

// Chromium's own file, cut and holed at every boundary of clusters and at bytes that
// chance chose: what is kept are its own packets, in order, and what is missing is told.
// Where a hole joins two blocks into one, that one may have another's end; and if it
// joins them to the byte, across clusters, no reader can know the time of what follows.
func TestWounded(t *testing.T) {
	file := fixture(t, "chromium-156-stereo-5s.webm")
	w := wounds{whole: secondOpinion(t, file).packets}
	marks := clusterMarks(file)
	random := rand.New(rand.NewPCG(6, 6))
	for i, mark := range marks[1:] {
		w.heal(t, file[:mark], true)
		for _, next := range marks[i+2:] {
			w.heal(t, slices.Concat(file[:mark], file[next:]), true)
		}
	}
	behind := marks[0] + 600 // the first block
	for range 300 {
		from := behind + random.IntN(len(file)-behind)
		to := from + random.IntN(len(file)-from)
		w.heal(t, file[:from], true)
		w.heal(t, slices.Concat(file[:from], file[to:]), false)
	}
}

// wounds are made to a recording of these packets.
type wounds struct{ whole []packet }

// heal repairs a file; exact means that times must be right, and no packet spoilt.
func (w wounds) heal(t *testing.T, file []byte, exact bool) {
	t.Helper()
	plan, out := rewritten(t, file, claimOf(file, 0))
	kept, i, spoilt := secondOpinion(t, out).packets, 0, 0
	for _, p := range kept {
		at := slices.IndexFunc(w.whole[i:], func(q packet) bool { return p.data == q.data && (!exact || p == q) })
		if at < 0 {
			spoilt++
		}
		i += at + 1
	}
	if spoilt > 1 || exact && spoilt > 0 {
		t.Fatalf("of %d bytes: %d packets are not of the recording", len(file), spoilt)
	}
	missing := time.Duration(len(w.whole)-len(kept)) * frameMS * time.Millisecond
	told := plan.Repair.Missing + w.length() - plan.Duration
	if off := (missing - told).Abs(); off > gapFrom {
		t.Fatalf("of %d bytes: %v are missing, told is %v", len(file), missing, told)
	}
	again, err := Inspect(bytes.NewReader(out), claimOf(out, 0))
	if err != nil || again.Repair.DroppedBytes != 0 || again.Repair.Gaps != plan.Repair.Gaps || again.Duration != plan.Duration {
		t.Fatalf("of %d bytes: the healed file reads as %+v, %v", len(file), again, err)
	}
}

// length is that of the whole recording.
func (w wounds) length() time.Duration {
	return time.Duration(w.whole[len(w.whole)-1].at+frameMS) * time.Millisecond
}
