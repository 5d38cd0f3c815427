package recording

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func reasonOf(err error) Reason {
	var r *Rejection
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func TestInspectClaim(t *testing.T) {
	file := minute().b
	const length = 59800 * time.Millisecond
	short := func(by time.Duration) time.Duration { return length - by }

	for _, when := range []struct {
		name   string
		change func(*Claim)
		want   Reason
	}{
		{"nothing differs", func(*Claim) {}, ""},
		{"one byte more was announced", func(c *Claim) { c.Size++ }, ReasonSize},
		{"one byte less was announced", func(c *Claim) { c.Size-- }, ReasonSize},
		{"other bytes were announced", func(c *Claim) { c.SHA256 = strings.Repeat("0", 64) }, ReasonChecksum},
		{"no duration was announced", func(c *Claim) { c.Duration = 0 }, ""},
		{"the sound is longer, within tolerance", func(c *Claim) { c.Duration = short(3500 * time.Millisecond) }, ""},
		{"the sound is longer, beyond tolerance", func(c *Claim) { c.Duration = short(3600 * time.Millisecond) }, ReasonDuration},
		{"the sound is shorter, within tolerance", func(c *Claim) { c.Duration = short(-3600 * time.Millisecond) }, ""},
		{"the sound is shorter, beyond tolerance", func(c *Claim) { c.Duration = short(-3700 * time.Millisecond) }, ReasonDuration},
		{"the type is plain", func(c *Claim) { c.ContentType = "audio/webm" }, ""},
		{"the type is video", func(c *Claim) { c.ContentType = "video/webm" }, ReasonType},
		{"the type is missing", func(c *Claim) { c.ContentType = "" }, ReasonType},
		{"the type is MP4", func(c *Claim) { c.ContentType = "audio/mp4" }, ReasonFormat},
	} {
		t.Run(when.name, func(t *testing.T) {
			claim := claimOf(file, length)
			when.change(&claim)
			plan, err := Inspect(bytes.NewReader(file), claim)
			if reasonOf(err) != when.want || (err == nil) != (plan != nil) {
				t.Errorf("got %v, want %q", err, when.want)
			}
		})
	}
}

func TestInspectHostile(t *testing.T) {
	head := func(tracks []byte) []byte {
		b := append(appendID(documentHead(), idSegment), 0xFF)
		return appendBytes(b, idTracks, tracks)
	}
	entry := func(b []byte) []byte { return head(appendBytes(nil, idTrackEntry, b)) }
	sound := newTape(2).cluster().simple(0, 3).b[len(newTape(2).b):]
	nested := slices.Repeat([]byte{0x1A, 0x45, 0xDF, 0xA3, 0x88}, 10_000)

	for _, given := range []struct {
		name string
		file []byte
		want Reason
	}{
		{"nothing", nil, ReasonFormat},
		{"an MP4 file", append([]byte("\x00\x00\x00\x18ftypisom"), make([]byte, 12)...), ReasonFormat},
		{"a Matroska file", appendBytes(nil, idEBML, appendBytes(nil, idDocType, []byte("matroska"))), ReasonFormat},
		{"ten thousand EBML heads, one in the other", nested, ReasonFormat},
		{"an EBML head of 2^56 bytes", append(appendHead(nil, idEBML, 1<<56-2), "webm"...), ReasonTooComplex},
		{"an id of eight bytes", append(documentHead(), 0x01, 2, 3, 4, 5, 6, 7, 8, 0x80), ReasonTracks},
		{"an unknown head", appendBytes(documentHead(), 0x4444, nil), ReasonFormat},
		{"ten thousand segments, one in the other", slices.Concat(documentHead(), slices.Repeat(append(appendID(nil, idSegment), 0xFF), 10_000), appendBytes(nil, idTracks, opusTrack(2)), sound), ""},
		{"a web page in front", slices.Concat([]byte("<html><script>alert(1)</script>"), newTape(2).b, sound), ReasonFormat},
		{"a document in front", slices.Concat([]byte("%PDF-1.7\n"), newTape(2).b, sound), ReasonFormat},
		{"a document type that lies about its size", appendBytes(nil, idEBML, append(appendID(nil, idDocType), 0x88, 'w', 'e', 'b', 'm')), ReasonFormat},
		{"tracks that end beyond the file", append(appendHead(documentHead(), idTracks, maxHead), opusTrack(2)...), ReasonFormat},
		{"no tracks", append(documentHead(), sound...), ReasonTracks},
		{"tracks without an entry", append(head(nil), sound...), ReasonTracks},
		{"two tracks", append(head(append(opusTrack(2), opusTrack(2)...)), sound...), ReasonTracks},
		{"tracks twice", append(appendBytes(head(opusTrack(2)), idTracks, opusTrack(2)), sound...), ReasonTracks},
		{"a video track", append(entry(trackEntry("A_OPUS", 1, 2)), sound...), ReasonTracks},
		{"another codec", append(entry(trackEntry("A_VORBIS", 2, 2)), sound...), ReasonCodec},
		{"no channel", append(entry(trackEntry("A_OPUS", 2, 0)), sound...), ReasonChannels},
		{"three channels", append(entry(trackEntry("A_OPUS", 2, 3)), sound...), ReasonChannels},
		{"an encrypted track", append(entry(appendBytes(trackEntry("A_OPUS", 2, 2), idEncodings, nil)), sound...), ReasonCodec},
		{"a track entry that lies about its size", head([]byte{idTrackEntry, 0xFE, 1}), ReasonFormat},
		{"tracks of 64 KiB", append(head(appendBytes(opusTrack(2), idVoid, make([]byte, maxHead-len(opusTrack(2))-4))), sound...), ""},
		{"tracks of 64 KiB and a byte", append(head(appendBytes(opusTrack(2), idVoid, make([]byte, maxHead-len(opusTrack(2))-3))), sound...), ReasonTooComplex},
		{"a scale of zero", append(appendBytes(documentHead(), idInfo, appendUint(nil, idScale, 0)), sound...), ReasonFormat},
		{"a scale of more than a second", append(appendBytes(documentHead(), idInfo, appendUint(nil, idScale, maxScale+1)), sound...), ReasonFormat},
		{"no cluster", newTape(2).b, ReasonSilent},
		{"clusters without blocks", newTape(2).cluster().cluster().b, ReasonSilent},
		{"a block of 2^56 bytes", append(newTape(2).cluster().b, appendHead(nil, idSimpleBlock, 1<<56-2)...), ReasonSilent},
		{"blocks of another track", newTape(2).cluster().raw(appendBytes(nil, idSimpleBlock, []byte{0x82, 0, 0, 0, 1})).b, ReasonSilent},
		{"a block before time began", newTape(2).cluster().raw(appendBytes(nil, idSimpleBlock, blockBody(-1, 0, frame(1)))).b, ReasonSilent},
		{"a cluster after a thousand hours", clusterAt(maxTime.Milliseconds() + 1), ReasonSilent},
		{"a cluster after just a thousand hours", clusterAt(maxTime.Milliseconds()), ""},
	} {
		t.Run(given.name, func(t *testing.T) {
			_, err := Inspect(bytes.NewReader(given.file), claimOf(given.file, 0))
			if reasonOf(err) != given.want || (given.want == "" && err != nil) {
				t.Errorf("got %v, want %q", err, given.want)
			}
		})
	}
}

func clusterAt(ms int64) []byte {
	t := newTape(2)
	t.b = append(appendID(t.b, idCluster), 0xFF)
	t.b = appendUint(t.b, idTimestamp, uint64(ms))
	return t.raw(appendBytes(nil, idSimpleBlock, blockBody(0, 0, frame(1)))).b
}

func TestInspectLimits(t *testing.T) {
	clusters := func(n int) []byte {
		tape := newTape(2)
		for range n {
			tape.cluster().simple(tape.at, 1)
		}
		return tape.b
	}
	for n, want := range map[int]Reason{maxClusters: "", maxClusters + 1: ReasonTooComplex} {
		file := clusters(n)
		if _, err := Inspect(bytes.NewReader(file), claimOf(file, 0)); reasonOf(err) != want {
			t.Errorf("%d clusters: %v, want %q", n, err, want)
		}
	}
	for n, want := range map[int]Reason{maxBlock: "", maxBlock + 1: ReasonSilent} {
		file := newTape(2).cluster().raw(appendBytes(nil, idSimpleBlock, blockBody(0, 0, make([]byte, n-4)))).b
		if _, err := Inspect(bytes.NewReader(file), claimOf(file, 0)); reasonOf(err) != want {
			t.Errorf("block of %d bytes: %v, want %q", n, err, want)
		}
	}
}

func TestInspectBrokenConnection(t *testing.T) {
	file := minute().b
	lost := errors.New("connection reset")
	for n := range len(file) / 97 {
		r := io.MultiReader(bytes.NewReader(file[:n*97]), iotest.ErrReader(lost))
		if _, err := Inspect(r, claimOf(file, 0)); !errors.Is(err, lost) {
			t.Fatalf("after %d bytes: %v, want the reader's own error", n*97, err)
		}
	}
	plan, err := Inspect(bytes.NewReader(file), claimOf(file, 0))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(file) / 97 {
		r := io.MultiReader(bytes.NewReader(file[:n*97]), iotest.ErrReader(lost))
		if err := plan.Rewrite(io.Discard, r); !errors.Is(err, lost) {
			t.Fatalf("second pass, after %d bytes: %v, want the reader's own error", n*97, err)
		}
	}
}

func TestMemoryStaysFlat(t *testing.T) {
	tape := newTape(2)
	for range 720 { // an hour in clusters of five seconds
		tape.cluster().simple(tape.at, 83)
	}
	file := tape.b
	claim := claimOf(file, time.Hour)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	plan, err := Inspect(bytes.NewReader(file), claim)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Rewrite(io.Discard, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("an hour took %d bytes of memory in all", used)
	}
}
