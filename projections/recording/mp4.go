package recording

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"
)

// box is the head of an ISO base media box (ISO/IEC 14496-12, section 4.2).
type box struct {
	kind string
	body int64 // bytes; math.MaxInt64 if it reaches to the file's end
	head int64
}

// movie gathers what the heads of an MP4 file say, and how much of that is in the file.
// Like WebM it is read as a flat row: boxes that hold others are entered, every other one
// is taken by its size.
type movie struct {
	src       *source
	size      int64 // bytes of the file
	branded   bool
	tracks    int
	sounds    int // tracks whose handler is sound
	codec     string
	channels  int
	scale     int64         // of the track, units per second
	whole     time.Duration // as the heads say
	wanted    int64         // bytes of all samples that they list
	held      int64         // bytes of sound there are
	fragments fragments
	heads     int64  // where moov ends in the file
	moof      int64  // where the open fragment's head ends
	sound     int64  // and where its sound does
	mark      mark   // where that fragment begins
	holes     []span // what is left out
	repair    Repair
}

// inspectMP4 checks for one AAC track, and whether its sound is there. A file that lists
// its samples in front, as no recorder writes them, is shorter by the share of the bytes
// that it lacks; one of fragments lacks those that are damaged, and ends with the last
// sample that is there whole.
func inspectMP4(src *source, size int64) (*Plan, error) {
	m := movie{src: src, size: size}
	for {
		err := m.next()
		if errors.Is(err, errDamaged) {
			err = m.regain()
		}
		if errors.Is(err, io.EOF) || errors.Is(err, errCut) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if m.fragments.samples == 0 {
		m.repair.MissingBytes = max(m.repair.MissingBytes, m.wanted-m.held)
	}
	plan := &Plan{Codec: m.codec, Channels: m.channels, Duration: m.length(), Size: size, Repair: m.repair, holes: m.holes}
	for _, hole := range m.holes {
		plan.Size -= hole.to - hole.from
	}
	return plan, nil
}

// next takes the box that comes next.
func (m *movie) next() error {
	b, err := m.src.box()
	lacks := m.beyond(b, err)
	if err == nil {
		err = m.take(b)
	}
	m.repair.MissingBytes = max(m.repair.MissingBytes, lacks)
	return err
}

// beyond is how many bytes the file lacks of a box whose head was just read, at least.
func (m *movie) beyond(b box, cut error) int64 {
	switch {
	case errors.Is(cut, errCut):
		return 1 // of the head itself
	case b.body == math.MaxInt64:
		return 0
	}
	return b.body - (m.size - m.src.at)
}

func (m *movie) length() time.Duration {
	switch {
	case m.fragments.samples > 0:
		return length(m.fragments.end, m.scale)
	case m.wanted > m.held:
		return time.Duration(float64(m.whole) * float64(m.held) / float64(m.wanted))
	case m.wanted > 0:
		return m.whole
	}
	return 0
}

func (m *movie) check() error {
	switch {
	case !m.branded:
		return reject(ReasonFormat, "no ftyp box")
	case m.tracks != 1 || m.sounds != 1:
		return reject(ReasonTracks, "%d tracks, %d of them sound", m.tracks, m.sounds)
	case m.codec != "aac":
		return reject(ReasonCodec, "the codec is not mp4a")
	case m.channels < 1 || m.channels > 2:
		return reject(ReasonChannels, "%d channels", m.channels)
	case len(m.holes) > 0 && m.fragments.fixed:
		return reject(ReasonFormat, "a slice is missing in fragments that name their places in the file")
	case m.length() == 0:
		return reject(ReasonSilent, "no length, or no sample that is there whole")
	}
	return nil
}

// box returns the head that comes next, and moves past it.
func (s *source) box() (box, error) {
	b, err := s.peek(16)
	switch {
	case err != nil:
		return box{}, err
	case len(b) == 0:
		return box{}, io.EOF
	case len(b) < 8:
		return box{}, errCut
	}
	found := box{kind: string(b[4:8]), head: 8}
	switch size := int64(binary.BigEndian.Uint32(b)); size {
	case 0:
		found.body = math.MaxInt64
	case 1:
		if len(b) < 16 {
			return box{}, errCut
		}
		found.head = 16
		found.body = int64(binary.BigEndian.Uint64(b[8:])) - 16
	default:
		found.body = size - 8
	}
	if found.body < 0 {
		return box{}, errDamaged
	}
	return found, s.skip(found.head)
}

func (m *movie) take(b box) error {
	if !m.branded && b.kind != "ftyp" {
		return errDamaged
	}
	switch b.kind {
	case "ftyp":
		m.branded = true
	case "trak":
		m.tracks++
		return nil
	case "moof":
		return m.begin(b)
	case "moov":
		m.heads = m.src.at + m.here(b)
		return nil
	case "mvex":
		m.mark.at = max(m.mark.at, m.heads)
		return nil
	case "traf":
		if m.src.at > m.moof {
			return errDamaged
		}
		return nil
	case "mdia", "minf", "stbl":
		return nil
	case "mvhd", "mdhd", "hdlr", "stsd", "trex", "tfhd", "tfdt":
		return m.read(b)
	case "stsz":
		return m.readSizes(b)
	case "trun":
		return m.readRun(b)
	case "mfra":
		return m.passIndex(b)
	case "mdat":
		m.held += m.here(b)
		m.sound = m.src.at + m.here(b)
	}
	return m.pass(b.body)
}

// here is how many bytes of a box the file has, whose head was just read.
func (m *movie) here(b box) int64 { return max(0, min(b.body, m.size-m.src.at)) }

// read takes a small box whole.
func (m *movie) read(b box) error {
	if b.body > maxHead {
		return reject(ReasonTooComplex, "box %s of %d bytes", b.kind, b.body)
	}
	body := make([]byte, b.body)
	if err := m.src.read(body); err != nil {
		return err
	}
	f := fields{b: body}
	switch b.kind {
	case "mvhd":
		scale, units := f.times()
		m.whole = length(units, scale)
	case "mdhd":
		m.scale, _ = f.times()
	case "trex":
		m.fragments.readDefaults(&f)
	case "tfhd":
		m.fragments.open(&f)
	case "tfdt":
		long := f.version() == 1
		m.fragments.clock = min(f.number(long), maxUnits)
	case "hdlr":
		f.skip(8)
		if string(f.take(4)) == "soun" {
			m.sounds++
		}
	case "stsd":
		m.readSampleEntry(&f)
	}
	if f.short {
		return errDamaged
	}
	return nil
}

// readSizes reads stsz: how many bytes the samples have that lie outside of fragments.
func (m *movie) readSizes(b box) error {
	w := words{src: m.src, left: b.body}
	w.next()
	each, n := w.next(), w.next()
	if each > 0 {
		m.wanted = product(each, n)
		return w.rest()
	}
	for ; n > 0 && w.err == nil; n-- {
		m.wanted = min(m.wanted+w.next(), maxUnits)
	}
	return w.rest()
}

// readSampleEntry reads the first entry (ISO/IEC 14496-12, section 12.2.3). Its own
// number of channels is a constant with many writers; the decoder's counts.
func (m *movie) readSampleEntry(f *fields) {
	f.skip(8 + 4)
	if string(f.take(4)) == "mp4a" {
		m.codec = "aac"
	}
	f.skip(6 + 2 + 8)
	m.channels = int(beUint(f.take(2)))
	config := *f
	config.skip(2 + 2 + 2 + 4)
	if channels := config.decoderChannels(); !config.short {
		m.channels = channels
	}
}

// fields reads the numbers of a box one after another. Past the end it gives zeros
// and remembers that the box was too short.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.b, f.short = nil, true
		return make([]byte, n)
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func (f *fields) skip(n int) { f.take(n) }

// version reads the version and flags of a full box.
func (f *fields) version() byte { return f.take(4)[0] }

// flags reads them, and passes over the version.
func (f *fields) flags() uint64 { return beUint(f.take(4)) & 0xFFFFFF }

// number reads 64 or 32 bits; all ones mean "unknown" and give 0.
func (f *fields) number(long bool) int64 {
	n := 4
	if long {
		n = 8
	}
	v := beUint(f.take(n))
	if v > math.MaxInt64 || (!long && v == math.MaxUint32) {
		return 0
	}
	return int64(v)
}

// times reads mvhd and mdhd as far as scale and duration.
func (f *fields) times() (scale, units int64) {
	long := f.version() == 1
	f.number(long) // created
	f.number(long) // changed
	return f.number(false), f.number(long)
}

// decoderChannels reads the box esds (ISO/IEC 14496-1, section 7.2.6) as far as the
// channel configuration of AAC (ISO/IEC 14496-3, section 1.6.2.1).
func (f *fields) decoderChannels() int {
	f.skip(4)
	if string(f.take(4)) != "esds" {
		f.short = true
	}
	f.skip(4)
	f.descriptor(3)
	f.skip(3)
	f.descriptor(4)
	f.skip(13)
	f.descriptor(5)
	config := beUint(f.take(2)) // 5 bits object type, 4 frequency, 4 channels, 3 others
	return int(config >> 3 & 0xF)
}

// descriptor moves into a descriptor of the kind; its length has up to four bytes.
func (f *fields) descriptor(kind byte) {
	if f.take(1)[0] != kind {
		f.short = true
	}
	for range 4 {
		if f.take(1)[0] < 0x80 {
			return
		}
	}
}

// length turns units into time; an impossible one is 0, that is unknown.
func length(units, scale int64) time.Duration {
	if scale <= 0 || units/scale > int64(maxTime/time.Second) {
		return 0
	}
	return time.Duration(units/scale)*time.Second + time.Duration(units%scale)*time.Second/time.Duration(scale)
}
