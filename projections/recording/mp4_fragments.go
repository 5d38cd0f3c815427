package recording

import "math/bits"

// fragments follows the samples of a file that was written while it was recorded
// (ISO/IEC 14496-12, section 8.8): where each lies, and when it sounds.
type fragments struct {
	defaults run   // of the whole file
	run      run   // of the open fragment
	base     int64 // from where its samples' places count
	at       int64 // where its next sample lies
	clock    int64 // when that sounds, in units of the track
	samples  int64 // that are in the file whole
	end      int64 // of the last of them
	fixed    bool  // some name their places in the file, so that they cannot be moved
}

// run is what samples are that do not say it each.
type run struct{ duration, size int64 }

// The flags of tfhd and trun.
const (
	hasBase        = 0x1
	hasDescription = 0x2
	hasDuration    = 0x8
	hasSize        = 0x10

	hasOffset     = 0x1
	hasFirstFlags = 0x4
	eachDuration  = 0x100
	eachSize      = 0x200
	eachFlags     = 0x400
	eachShift     = 0x800
)

// maxUnits bounds times and places, so that no sum of them overflows.
const maxUnits = 1 << 53

func product(a, b int64) int64 {
	over, n := bits.Mul64(uint64(a), uint64(b))
	if over > 0 || n > maxUnits {
		return maxUnits
	}
	return int64(n)
}

// readDefaults reads trex.
func (g *fragments) readDefaults(f *fields) {
	f.skip(4 + 4 + 4)
	g.defaults = run{f.number(false), f.number(false)}
}

// open reads tfhd. A fragment that names no place counts from its moof.
func (g *fragments) open(f *fields) {
	flags := f.flags()
	f.skip(4)
	g.run = g.defaults
	if flags&hasBase != 0 {
		g.base, g.fixed = min(f.number(true), maxUnits), true
	}
	g.at = g.base
	if flags&hasDescription != 0 {
		f.skip(4)
	}
	if flags&hasDuration != 0 {
		g.run.duration = f.number(false)
	}
	if flags&hasSize != 0 {
		g.run.size = f.number(false)
	}
}

// take goes on by n samples alike in a file of so many bytes.
func (g *fragments) take(n int64, each run, file int64) {
	if each.size > 0 {
		if whole := max(0, min(n, (file-g.at)/each.size)); whole > 0 {
			g.samples += whole
			g.end = max(g.end, g.clock+product(whole, each.duration))
		}
	}
	g.clock = min(g.clock+product(n, each.duration), maxUnits)
	g.at = min(g.at+product(n, each.size), maxUnits)
}

// readRun reads trun, sample by sample.
func (m *movie) readRun(b box) error {
	g, w := &m.fragments, words{src: m.src, left: b.body}
	flags, n := w.next()&0xFFFFFF, w.next()
	if flags&hasOffset != 0 {
		g.at = max(0, g.base+int64(int32(w.next())))
	}
	if flags&hasFirstFlags != 0 {
		w.next()
	}
	before, begins, end := g.samples, g.clock, g.end
	if flags&(eachDuration|eachSize|eachFlags|eachShift) == 0 && w.err == nil {
		g.take(n, g.run, m.size)
		n = 0
	}
	for ; n > 0; n-- {
		each := g.run
		if flags&eachDuration != 0 {
			each.duration = w.next()
		}
		if flags&eachSize != 0 {
			each.size = w.next()
		}
		for _, other := range []int64{eachFlags, eachShift} {
			if flags&other != 0 {
				w.next()
			}
		}
		if w.err != nil {
			return w.err
		}
		g.take(1, each, m.size)
	}
	isFirst := before == 0 && m.wanted > 0 // it follows samples that are listed in front
	if gap := length(begins-end, m.scale); g.samples > before && !isFirst && gap >= gapFrom {
		m.repair.Gaps++
		m.repair.Missing += gap
	}
	return w.rest()
}

// words reads a long box in numbers of four bytes, so that it never lies in memory.
type words struct {
	src  *source
	left int64 // bytes of the box
	b    [4]byte
	err  error
}

// next gives 0 after an error.
func (w *words) next() int64 {
	if w.err == nil && w.left < 4 {
		w.err = errDamaged
	}
	if w.err == nil {
		w.err = w.src.read(w.b[:])
	}
	if w.err != nil {
		return 0
	}
	w.left -= 4
	return int64(beUint(w.b[:]))
}

// rest moves to the end of the box.
func (w *words) rest() error {
	if w.err != nil {
		return w.err
	}
	return w.src.skip(w.left)
}
