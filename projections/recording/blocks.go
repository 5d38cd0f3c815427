package recording

import (
	"errors"
	"io"
	"time"
)

const (
	// maxBlock bounds one block; 256 laced frames of Opus fit in it.
	maxBlock = 512 << 10
	// maxSkip bounds what is skipped unread beside the clusters (cues, tags, void).
	maxSkip = 1 << 20
	// maxTime bounds timestamps, so that sums of them cannot overflow.
	maxTime = 1000 * time.Hour
)

// block is one SimpleBlock or BlockGroup.
type block struct {
	raw     []byte // the whole element; valid until the next call of next
	cluster int64  // the timestamp of its cluster, in units of the track's scale
	time    int64  // its own, absolute
	opens   bool   // the first block that is kept of its cluster
	packets int
	sound   time.Duration
}

// loss is what a walk had to leave out.
type loss struct {
	bytes  int64
	blocks int // whole blocks without a usable place in time
	places int // where the file is cut or damaged
}

// walker reads the blocks of a file in order. Both passes use it, so both see the
// same blocks.
type walker struct {
	src     *source
	track   track
	buf     []byte
	cluster int64
	timed   bool // the open cluster has told its timestamp
	opened  bool // a block of the open cluster was kept
	last    int64
	lost    loss
}

func newWalker(src *source, t track) *walker {
	return &walker{src: src, track: t, last: -1}
}

// next returns the next block that can be kept. At the file's end it returns
// io.EOF; any other error is one of the underlying reader.
func (w *walker) next() (block, error) {
	for {
		start := w.src.at
		e, err := w.src.element()
		if err == nil {
			var b block
			if b, err = w.take(e); b.raw != nil {
				return b, nil
			}
		}
		if err = w.resume(start, err); err != nil {
			return block{}, err
		}
	}
}

// resume finds the place to read on from after err, and notes what was lost since
// start.
func (w *walker) resume(start int64, err error) error {
	switch {
	case w.src.err != nil:
		return w.src.err
	case err == nil || errors.Is(err, io.EOF):
		return err
	case errors.Is(err, errUnplaced):
		w.lost.blocks++
		w.lost.bytes += w.src.at - start
		return nil
	}
	w.lost.places++
	w.timed = false
	if errors.Is(err, errCut) {
		err = w.src.skip(maxElementHead)
	} else {
		err = w.src.seekCluster()
	}
	w.lost.bytes += w.src.at - start
	if errors.Is(err, errCut) {
		return io.EOF
	}
	return err
}

var errUnplaced = errors.New("a block without a usable place in time")

// take consumes one element. Only for a block that can be kept is raw set.
func (w *walker) take(e element) (block, error) {
	if e.id == idCluster {
		w.timed, w.opened = false, false
		return block{}, w.src.skip(int64(e.head))
	}
	if e.size == unknownSize {
		return block{}, errDamaged
	}
	switch e.id {
	case idSimpleBlock, idBlockGroup:
		return w.readBlock(e)
	case idTimestamp:
		return block{}, w.readTimestamp(e)
	case idPosition, idPrevSize, idSilent, idVoid, idCRC32,
		idSeekHead, idInfo, idTracks, idCues, idTags, idChapters, idAttachments:
		if e.size <= maxSkip {
			return block{}, w.src.skip(int64(e.head) + e.size)
		}
	}
	return block{}, errDamaged
}

func (w *walker) readTimestamp(e element) error {
	if w.timed || e.size > 8 {
		return errDamaged
	}
	b, err := w.readWhole(e)
	if err != nil {
		return err
	}
	t := beUint(b[e.head:])
	if t > uint64(int64(maxTime)/w.track.scale) {
		return errDamaged
	}
	w.cluster, w.timed = int64(t), true
	return nil
}

func (w *walker) readBlock(e element) (block, error) {
	if e.size > maxBlock {
		return block{}, errDamaged
	}
	raw, err := w.readWhole(e)
	if err != nil {
		return block{}, err
	}
	s, err := readSound(e.id, raw[e.head:])
	t := w.cluster + int64(s.offset)
	if err != nil || !w.timed || s.track != w.track.number || t <= w.last {
		return block{}, errUnplaced
	}
	b := block{raw: raw, cluster: w.cluster, time: t, opens: !w.opened, packets: s.packets, sound: s.length}
	w.opened, w.last = true, t
	return b, nil
}

// readWhole reads an element with its head into the walker's buffer.
func (w *walker) readWhole(e element) ([]byte, error) {
	n := e.head + int(e.size)
	if n > cap(w.buf) {
		w.buf = make([]byte, n)
	}
	w.buf = w.buf[:n]
	return w.buf, w.src.read(w.buf)
}
