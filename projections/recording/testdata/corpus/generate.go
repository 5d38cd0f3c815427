//go:build ignore

// Generate makes the files of this folder with ffmpeg and mkvmerge where they are
// missing, and asks ffprobe about each of them and about what the finalizer makes of
// it. Both must hold the same packets at the same times, and the new one must say how
// long it is and be found into. What was found is written to corpus.json, to which
// the tests hold the finalizer without any of these programs:
//
//	go run ./testdata/corpus/generate.go
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"parley/projections/recording"
)

const (
	folder   = "testdata/corpus"
	chromium = "testdata/chromium-156-stereo-5s.webm"
)

const (
	stereo = `ffmpeg -v error -y -f lavfi -i 'aevalsrc=sin(440*2*PI*t)*0.3|sin(880*2*PI*t)*0.3:s=48000:d=2.5' -b:a 24k `
	mono   = `ffmpeg -v error -y -f lavfi -i 'aevalsrc=sin(440*2*PI*t)*0.3:s=48000:d=2.5' -b:a 16k `
	opus   = stereo + `-c:a libopus `
	short  = opus + `-frame_duration 5 short.webm && `
	merge  = `mkvmerge -q --engage no_variable_data `
)

// recipe makes one file; the name tells what is special about it. A file of a reason
// must be rejected.
type recipe struct {
	Name   string           `json:"name"`
	Reason recording.Reason `json:"reason,omitempty"`
	MadeBy string           `json:"made_by"`
	*Opinion
}

// wounded is what is left of Chromium's file.
type wounded struct {
	Name string     `json:"name"`
	Kept [][2]int64 `json:"kept"` // from where to where
	*Opinion
}

// Its clusters begin at 146, 8637, 16976, 25314 and 33636.
var wounds = []wounded{
	{Name: "whole", Kept: [][2]int64{{0, 41019}}},
	{Name: "cut in a block", Kept: [][2]int64{{0, 30000}}},
	{Name: "cut between clusters", Kept: [][2]int64{{0, 33636}}},
	{Name: "without its first cluster", Kept: [][2]int64{{0, 146}, {8637, 41019}}},
	{Name: "without its fourth cluster", Kept: [][2]int64{{0, 25314}, {33636, 41019}}},
}

// Opinion is what ffprobe thinks.
type Opinion struct {
	Packets    int    `json:"packets"`
	Payload    string `json:"payload_sha256"` // of all packets, one after the other
	Channels   int    `json:"channels"`
	DurationMS int64  `json:"duration_ms"`
	Rewritten  string `json:"rewritten_sha256"` // the file that was judged to be as good

	Repaired []string `json:"repaired,omitempty"` // what the finalizer told
}

var recipes = []recipe{
	{Name: "ffmpeg-stereo", MadeBy: opus + `out.webm`},
	{Name: "ffmpeg-mono", MadeBy: mono + `-c:a libopus out.webm`},
	{Name: "ffmpeg-unknown-sizes", MadeBy: opus + `-f webm -live 1 -cluster_time_limit 400 pipe:1 | cat > out.webm`},
	{Name: "ffmpeg-clusters-of-100ms", MadeBy: opus + `-cluster_time_limit 100 out.webm`},
	{Name: "ffmpeg-cues-in-front", MadeBy: opus + `-cluster_time_limit 500 -cues_to_front 1 out.webm`},
	{Name: "ffmpeg-packets-of-2.5ms", MadeBy: opus + `-t 1 -frame_duration 2.5 out.webm`},
	{Name: "ffmpeg-packets-of-120ms", MadeBy: opus + `-frame_duration 120 out.webm`},
	// ffmpeg writes checksums into Matroska only; a WebM document is named by force.
	{Name: "ffmpeg-crc", MadeBy: opus + `-f matroska -cluster_time_limit 500 crc.mka && sed 's/matroska/webm\x00\x00\x00\x00/' crc.mka > out.webm`},
	{Name: "mkvmerge-stereo", MadeBy: opus + `in.webm && ` + merge + `--webm -o out.webm in.webm`},
	{Name: "mkvmerge-mono-clusters-of-200ms", MadeBy: mono + `-c:a libopus in.webm && ` + merge + `--webm --cluster-length 200ms -o out.webm in.webm`},
	{Name: "mkvmerge-lacing-xiph", MadeBy: short + merge + `--engage lacing_xiph --webm -o out.webm short.webm`},
	{Name: "mkvmerge-lacing-ebml", MadeBy: short + merge + `--engage lacing_ebml --webm -o out.webm short.webm`},
	{Name: "mkvmerge-lacing-fixed", MadeBy: opus + `-vbr off -frame_duration 5 short.webm && ` + merge + `--webm -o out.webm short.webm`},
	{Name: "mkvmerge-groups-only", MadeBy: opus + `in.webm && ` + merge + `--engage no_simpleblocks --webm -o out.webm in.webm`},
	{Name: "mkvmerge-heads-twice", MadeBy: opus + `in.webm && ` + merge + `--engage write_headers_twice --webm -o out.webm in.webm`},
	{Name: "mkvmerge-no-seek-head", MadeBy: opus + `in.webm && ` + merge + `--engage no_meta_seek --cues 0:none --webm -o out.webm in.webm`},
	{Name: "chromium-clusters-of-32s", MadeBy: "lengthened, in generate.go"},
	{Name: "reject-vorbis", Reason: recording.ReasonCodec, MadeBy: stereo + `-t 0.5 -c:a libvorbis -b:a 80k out.webm`},
	{Name: "reject-video", Reason: recording.ReasonTracks, MadeBy: `ffmpeg -v error -y -f lavfi -i testsrc=d=0.5:s=64x64 -c:v libvpx -b:v 20k out.webm`},
	{Name: "reject-sound-and-video", Reason: recording.ReasonTracks, MadeBy: `ffmpeg -v error -y -f lavfi -i testsrc=d=0.5:s=64x64 -f lavfi -i sine=d=0.5 -c:v libvpx -b:v 20k -c:a libopus -b:a 16k out.webm`},
	{Name: "reject-six-channels", Reason: recording.ReasonChannels, MadeBy: `ffmpeg -v error -y -f lavfi -i 'aevalsrc=0|0|0|0|0|0:c=5.1:d=0.5' -c:a libopus -b:a 32k out.webm`},
	{Name: "reject-matroska", Reason: recording.ReasonFormat, MadeBy: opus + `-t 0.5 -f matroska out.webm`},
	{Name: "reject-ogg", Reason: recording.ReasonFormat, MadeBy: opus + `-t 0.5 -f ogg out.webm`},
}

func main() {
	for i := range recipes {
		if err := recipes[i].follow(); err != nil {
			log.Fatalf("%s: %v", recipes[i].Name, err)
		}
	}
	for i := range wounds {
		if err := wounds[i].follow(); err != nil {
			log.Fatalf("%s: %v", wounds[i].Name, err)
		}
	}
	if err := errors.Join(write("corpus.json", recipes), write("wounded.json", wounds)); err != nil {
		log.Fatal(err)
	}
}

func write(name string, found any) error {
	text, err := json.MarshalIndent(found, "", "\t")
	if err != nil {
		return err
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`\u0026`), []byte("&")), []byte(`\u003e`), []byte(">"))
	return os.WriteFile(filepath.Join(folder, name), append(text, '\n'), 0o644)
}

// follow leaves its file where nothing is kept.
func (w *wounded) follow() error {
	whole, err := os.ReadFile(chromium)
	if err != nil {
		return err
	}
	var file []byte
	for _, k := range w.Kept {
		file = append(file, whole[k[0]:k[1]]...)
	}
	dir, err := os.MkdirTemp("", "wounded-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "wounded.webm")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		return err
	}
	w.Opinion, err = judge(path, file)
	return err
}

// lengthened is Chromium's file seven times over, in clusters as long as their blocks'
// times allow: so its recorder writes where nobody asks for slices.
func lengthened() ([]byte, error) {
	const times, lasts, reach = 7, 83 * 60, 1 << 15
	tape, err := os.ReadFile(chromium)
	if err != nil {
		return nil, err
	}
	var read struct {
		Segment webm.Segment `ebml:"Segment"`
	}
	if err := ebml.Unmarshal(bytes.NewReader(tape), &read, ebml.WithIgnoreUnknown(true)); err != nil {
		return nil, err
	}
	out := bytes.Clone(tape[:bytes.Index(tape, []byte{0x1F, 0x43, 0xB6, 0x75})])
	base := -reach
	for n := range times {
		for _, c := range read.Segment.Cluster {
			for _, b := range c.SimpleBlock {
				at := n*lasts + int(c.Timecode) + int(b.Timecode)
				if at-base >= reach {
					base = at
					out = append(out, 0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE7, 0x84)
					out = binary.BigEndian.AppendUint32(out, uint32(at))
				}
				out = binary.BigEndian.AppendUint16(append(out, 0xA3), uint16(0x4000|4+len(b.Data[0])))
				out = binary.BigEndian.AppendUint16(append(out, 0x81), uint16(at-base))
				out = append(append(out, 0x80), b.Data[0]...)
			}
		}
	}
	return out, nil
}

func (r *recipe) follow() error {
	path := filepath.Join(folder, r.Name+".webm")
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(r.MadeBy, "lengthened") {
		if file, err = lengthened(); err == nil {
			err = os.WriteFile(path, file, 0o644)
		}
	} else if errors.Is(err, fs.ErrNotExist) {
		file, err = cook(r.MadeBy, path)
	}
	if err != nil || r.Reason != "" {
		return err
	}
	r.Opinion, err = judge(path, file)
	return err
}

func cook(line, path string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("bash", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	file, err := os.ReadFile(filepath.Join(dir, "out.webm"))
	if err != nil {
		return nil, err
	}
	return file, os.WriteFile(path, file, 0o644)
}

// judge compares the file with what the finalizer makes of it.
func judge(path string, file []byte) (*Opinion, error) {
	sum := sha256.Sum256(file)
	plan, err := recording.Inspect(bytes.NewReader(file), recording.Claim{ContentType: "audio/webm", Size: int64(len(file)), SHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := plan.Rewrite(&out, bytes.NewReader(file)); err != nil {
		return nil, err
	}
	made, err := os.CreateTemp("", "*.webm")
	if err != nil {
		return nil, err
	}
	defer os.Remove(made.Name())
	if _, err := made.Write(out.Bytes()); err != nil {
		return nil, err
	}
	before, err := probe(path)
	if err != nil {
		return nil, err
	}
	after, err := probe(made.Name())
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(before.Packets, after.Packets) {
		return nil, errors.New("ffprobe finds other packets in the rewritten file")
	}
	seconds, err := strconv.ParseFloat(after.Format.Duration, 64)
	if off := time.Duration(seconds*float64(time.Second)) - plan.Duration; err != nil || off.Abs() > time.Millisecond {
		return nil, fmt.Errorf("ffprobe reads a duration of %q, the finalizer %v", after.Format.Duration, plan.Duration)
	}
	if err := soughtIn(made.Name()); err != nil {
		return nil, err
	}
	payload, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "streamhash", "-hash", "sha256", "-").Output()
	if err != nil {
		return nil, err
	}
	sum = sha256.Sum256(out.Bytes())
	_, hash, _ := strings.Cut(strings.TrimSpace(string(payload)), "SHA256=")
	return &Opinion{len(before.Packets), hash, before.Streams[0].Channels, plan.Duration.Milliseconds(), hex.EncodeToString(sum[:]), plan.Repair.Notes()}, nil
}

type probed struct {
	Packets []struct {
		PTS  string `json:"pts_time"`
		Size string `json:"size"`
		Hash string `json:"data_hash"`
		Side []any  `json:"side_data_list"`
	} `json:"packets"`
	Streams []struct {
		Channels int `json:"channels"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func probe(path string, more ...string) (p probed, err error) {
	args := append([]string{"-v", "error", "-show_packets", "-show_streams", "-show_format", "-show_data_hash", "sha256", "-of", "json"}, more...)
	out, err := exec.Command("ffprobe", append(args, path)...).Output()
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(out, &p)
}

// soughtIn looks for second 2 and wants to begin reading at most a tenth of a second
// behind it; how long before it depends on the clusters.
func soughtIn(path string) error {
	p, err := probe(path, "-read_intervals", "2%+#1")
	if err != nil || len(p.Packets) == 0 {
		return fmt.Errorf("nothing was found at second 2: %v", err)
	}
	at, err := strconv.ParseFloat(p.Packets[0].PTS, 64)
	if err == nil && at > 2.1 {
		err = fmt.Errorf("second 2 was sought, %v found", at)
	}
	return err
}
