package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"strconv"
	"time"

	"parley/events"
)

// Claim is what the browser announced about its file.
type Claim struct {
	ContentType string        // audio/webm or audio/mp4, parameters allowed
	Size        int64         // bytes
	SHA256      string        // hex, lower case
	Duration    time.Duration // as the browser measured; 0 means that it could not
}

// Tolerance is how far the sound may be shorter or longer than claimed: three
// seconds for what a crash and a slow start may cost, and one percent for clocks
// that drift apart.
func Tolerance(claimed time.Duration) time.Duration { return 3*time.Second + claimed/100 }

// maxClusters bounds the plan's memory (24 bytes each): a day of one-second clusters.
const maxClusters = 90_000

// gapFrom is how long silence between two packets counts as a gap in the file.
const gapFrom = 250 * time.Millisecond

// Plan is what the first pass learnt, enough for the second to write without
// looking back.
type Plan struct {
	ContentType string // of the rewritten file, without parameters
	Codec       string // "opus" or "aac"
	Channels    int
	Duration    time.Duration
	Packets     int   // 0 for MP4, whose packets are not counted
	Size        int64 // bytes of the rewritten file
	Repair      Repair

	track    track // nil Tracks means: keep the file, but for its holes
	clusters []cluster
	holes    []span
}

// cluster is what the index keeps of one: all that its new head and cue need.
type cluster struct {
	time   int64 // in units of the track's scale
	size   int64 // bytes of its blocks
	blocks int
}

// Repair is what a recording lacks. The zero value means: nothing.
type Repair struct {
	DroppedBytes  int64 // unreadable, or behind the end of the sound; of MP4: damaged fragments
	DroppedBlocks int   // readable, but out of order in time or of no track
	MissingBytes  int64 // of MP4: what its heads promise beyond the file's end
	Gaps          int
	Missing       time.Duration // what the gaps sum up to
	Short         time.Duration // by how much it ends before the transcript does
}

// Notes are the repairs as they are written into audio_finalized.
func (r Repair) Notes() []string {
	var notes []string
	add := func(name string, n int64) {
		if n > 0 {
			notes = append(notes, name+"="+strconv.FormatInt(n, 10))
		}
	}
	add("dropped_bytes", r.DroppedBytes)
	add("dropped_blocks", int64(r.DroppedBlocks))
	add("missing_bytes", r.MissingBytes)
	add("gaps", int64(r.Gaps))
	add("missing_ms", r.Missing.Milliseconds())
	add("ends_before_transcript_ms", r.Short.Milliseconds())
	return notes
}

// beside adds what only the transcript tells: that there was talk, to which moment, when
// nothing was recorded any more. What [Tolerance] allows is nothing.
func (r Repair) beside(t *events.Transcript, length time.Duration) Repair {
	until := time.Duration(t.Until()) * time.Millisecond
	if short := until - length; short > Tolerance(until) {
		r.Short = short
	}
	return r
}

// Inspect is the first pass: it reads r to its end and checks it against the claim.
//
// It returns a *Rejection for a file that must not become the audio. A wrong size
// or checksum is told before anything that follows from it. Any other error comes
// from r, and inspecting again may succeed.
func Inspect(r io.Reader, claim Claim) (*Plan, error) {
	sum := sha256.New()
	src := newSource(io.TeeReader(io.LimitReader(r, claim.Size+1), sum))
	plan, verdict := inspect(src, claim)
	if err := src.drain(); err != nil {
		return nil, err
	}
	switch {
	case src.at > claim.Size:
		return nil, reject(ReasonSize, "longer than the %d bytes announced", claim.Size)
	case src.at < claim.Size:
		return nil, reject(ReasonSize, "%d bytes instead of %d", src.at, claim.Size)
	case hex.EncodeToString(sum.Sum(nil)) != claim.SHA256:
		return nil, reject(ReasonChecksum, "other bytes than were announced")
	case verdict != nil:
		return nil, verdict
	}
	return plan, nil
}

func inspect(src *source, claim Claim) (*Plan, error) {
	kind, _, err := mime.ParseMediaType(claim.ContentType)
	if err != nil {
		return nil, reject(ReasonType, "no content type")
	}
	var plan *Plan
	switch kind {
	case "audio/webm":
		plan, err = inspectWebM(src)
	case "audio/mp4":
		plan, err = inspectMP4(src, claim.Size)
	default:
		return nil, reject(ReasonType, "neither WebM nor MP4 audio")
	}
	if err != nil {
		return nil, err
	}
	plan.ContentType = kind
	return plan, checkDuration(plan.Duration, claim.Duration)
}

func checkDuration(got, claimed time.Duration) error {
	if off := (got - claimed).Abs(); claimed > 0 && off > Tolerance(claimed) {
		return reject(ReasonDuration, "%v of sound instead of %v", got, claimed)
	}
	return nil
}

func inspectWebM(src *source) (*Plan, error) {
	t, err := readTrack(src)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Codec: t.codec, Channels: t.channels, track: t}
	w := newWalker(src, t)
	for {
		b, err := w.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := plan.note(b); err != nil {
			return nil, err
		}
	}
	if plan.Packets == 0 {
		return nil, reject(ReasonSilent, "no block that could be read")
	}
	plan.Repair.DroppedBytes, plan.Repair.DroppedBlocks = w.lost.bytes, w.lost.blocks
	plan.Size = plan.rewrittenSize()
	return plan, nil
}

// note takes a block into the index.
func (p *Plan) note(b block) error {
	if b.opens {
		if len(p.clusters) == maxClusters {
			return reject(ReasonTooComplex, "more than %d clusters", maxClusters)
		}
		p.clusters = append(p.clusters, cluster{time: b.cluster})
	}
	c := &p.clusters[len(p.clusters)-1]
	c.size += int64(len(b.raw))
	c.blocks++
	p.Packets += b.packets

	begins := time.Duration(b.time * p.track.scale)
	if gap := begins - p.Duration; gap >= gapFrom {
		p.Repair.Gaps++
		p.Repair.Missing += gap
	}
	p.Duration = max(p.Duration, begins+b.sound)
	return nil
}

// drain reads what is left, so that the whole file is hashed and counted.
func (s *source) drain() error {
	if s.err != nil {
		return s.err
	}
	n, err := io.Copy(io.Discard, s.r)
	s.at += n
	return err
}
