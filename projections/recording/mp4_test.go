package recording

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"
	"time"
)

func claimMP4(file []byte) Claim {
	claim := claimOf(file, 0)
	claim.ContentType = "audio/mp4"
	return claim
}

func TestMP4(t *testing.T) {
	for _, given := range []struct {
		name     string
		channels int
		length   time.Duration
		within   time.Duration
	}{
		{"ffmpeg-aac-mono-3s", 1, 3 * time.Second, 50 * time.Millisecond},
		{"ffmpeg-aac-stereo-5s-fragments", 2, 5 * time.Second, 50 * time.Millisecond},
	} {
		t.Run(given.name+" is kept as it is", func(t *testing.T) {
			file, err := os.ReadFile("testdata/" + given.name + ".mp4")
			if err != nil {
				t.Fatal(err)
			}
			plan, out := rewritten(t, file, claimMP4(file))
			if !bytes.Equal(out, file) {
				t.Error("bytes changed")
			}
			if plan.Codec != "aac" || plan.Channels != given.channels || plan.ContentType != "audio/mp4" {
				t.Errorf("plan = %+v", plan)
			}
			if off := (plan.Duration - given.length).Abs(); off > given.within {
				t.Errorf("duration = %v", plan.Duration)
			}
		})
	}
}

// boxOf writes one box.
func boxOf(kind string, body ...[]byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(slices.Concat(body...))))
	return append(append(b, kind...), slices.Concat(body...)...)
}

// header is an mvhd or mdhd of version 0.
func header(kind string, scale, units uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 12), scale)
	return boxOf(kind, binary.BigEndian.AppendUint32(b, units))
}

// soundTrack lists samples of these sizes.
func soundTrack(handler, format string, channels byte, sizes ...uint32) []byte {
	table := binary.BigEndian.AppendUint32(make([]byte, 8), uint32(len(sizes)))
	for _, size := range sizes {
		table = binary.BigEndian.AppendUint32(table, size)
	}
	entry := slices.Concat(make([]byte, 8+4), []byte(format), make([]byte, 6+2+8), []byte{0, channels})
	return boxOf("trak", boxOf("mdia", header("mdhd", 48000, 0),
		boxOf("hdlr", make([]byte, 8), []byte(handler)),
		boxOf("minf", boxOf("stbl", boxOf("stsd", entry), boxOf("stsz", table)))))
}

func TestMP4Hostile(t *testing.T) {
	brand := boxOf("ftyp", []byte("isom"))
	heads := func(parts ...[]byte) []byte { return slices.Concat(brand, boxOf("moov", parts...)) }
	movie := func(parts ...[]byte) []byte { return append(heads(parts...), boxOf("mdat", make([]byte, 8))...) }
	length := header("mvhd", 1000, 2000)
	sound := soundTrack("soun", "mp4a", 2, 3, 5)

	for _, given := range []struct {
		name string
		file []byte
		want Reason
	}{
		{"a good one", movie(length, sound), ""},
		{"nothing", nil, ReasonFormat},
		{"WebM", minute().b, ReasonFormat},
		{"no brand", boxOf("moov", length, sound), ReasonFormat},
		{"no track", movie(length), ReasonTracks},
		{"two tracks", movie(length, sound, sound), ReasonTracks},
		{"a video track", movie(length, soundTrack("vide", "avc1", 2)), ReasonTracks},
		{"another codec", movie(length, soundTrack("soun", "Opus", 2)), ReasonCodec},
		{"no channel", movie(length, soundTrack("soun", "mp4a", 0)), ReasonChannels},
		{"three channels", movie(length, soundTrack("soun", "mp4a", 3)), ReasonChannels},
		{"no length", movie(header("mvhd", 1000, 0), sound), ReasonSilent},
		{"a length without a scale", movie(header("mvhd", 0, 2000), sound), ReasonSilent},
		{"an unknown length", movie(header("mvhd", 1000, 1<<32-1), sound), ReasonSilent},
		{"no sample", movie(length, soundTrack("soun", "mp4a", 2)), ReasonSilent},
		{"no sound behind its heads", heads(length, sound), ReasonSilent},
		{"a list that ends too early", movie(length, boxOf("stsz", []byte("\x00\x00\x00\x00\x00\x00\x00\x00\xFF\xFF\xFF\xFF")), sound), ReasonFormat},
		{"a run that ends too early", slices.Concat(movie(length, sound), boxOf("trun", []byte("\x00\x00\x03\x00\xFF\xFF\xFF\xFF\x00\x00\x00\x01"))), ReasonFormat},
		{"a run of four thousand million samples of nothing", slices.Concat(heads(length, sound), boxOf("trun", []byte("\x00\x00\x00\x00\xFF\xFF\xFF\xFF"))), ReasonSilent},
		{"a box smaller than its head", slices.Concat(brand, []byte("\x00\x00\x00\x07moov")), ReasonFormat},
		{"a box of 2^63 bytes", slices.Concat(brand, []byte("\x00\x00\x00\x01mdat\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")), ReasonFormat},
		{"a box that ends beyond the file", slices.Concat(movie(length, sound), []byte("\x00\xFF\x00\x00mdat")), ""},
		{"a head that ends too early", movie(boxOf("mvhd", make([]byte, 19)), sound), ReasonFormat},
		{"a head of 64 KiB", movie(length, sound, boxOf("hdlr", make([]byte, maxHead))), ""},
		{"a head of 64 KiB and a byte", movie(length, sound, boxOf("hdlr", make([]byte, maxHead+1))), ReasonTooComplex},
		{"ten thousand boxes, one in the other", slices.Concat(brand, slices.Repeat([]byte("\x00\x01\x00\x00moov"), 10_000)), ReasonTracks},
	} {
		t.Run(given.name, func(t *testing.T) {
			_, err := Inspect(bytes.NewReader(given.file), claimMP4(given.file))
			if reasonOf(err) != given.want || (given.want == "" && err != nil) {
				t.Errorf("got %v, want %q", err, given.want)
			}
		})
	}
}

func FuzzMP4(f *testing.F) {
	f.Add(slices.Concat(boxOf("ftyp"), boxOf("moov", header("mvhd", 1000, 2000), soundTrack("soun", "mp4a", 1))))
	f.Add(slices.Concat(recorderHead(), fragment(0, 3, 4), fragment(2048, 5)))
	f.Add(slices.Concat(recorderHead(), fragment(0, 3, 4)[:100], fragment(2048, 5), fragment(3072, 6)))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := Inspect(bytes.NewReader(file), claimMP4(file))
		switch {
		case err == nil:
			rewritten(t, file, claimMP4(file))
		case reasonOf(err) == "":
			t.Fatalf("neither accepted nor rejected: %v", err)
		}
	})
}
