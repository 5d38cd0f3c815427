package recording

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
)

// errChanged means that the second pass did not find what the first had noted.
var errChanged = errors.New("the recording changed between the two passes")

// Rewrite is the second pass: it reads the same file from r and writes exactly
// Size bytes to w. Errors: those of r and w, and one if r holds another file than
// was inspected.
func (p *Plan) Rewrite(w io.Writer, r io.Reader) error {
	if p.track.raw == nil {
		return p.keep(w, r)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if _, err := out.Write(p.heads()); err != nil {
		return err
	}
	src := newSource(r)
	t, err := readTrack(src)
	if err != nil {
		return changed(err)
	}
	walk := newWalker(src, t)
	for _, c := range p.clusters {
		if err := copyCluster(out, walk, c); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Digest tells what Rewrite would write: its SHA-256 in hex. Errors: as Rewrite's.
func (p *Plan) Digest(r io.Reader) (string, error) {
	sum := sha256.New()
	if err := p.Rewrite(sum, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// keep copies a file that needs no new heads, but for its holes.
func (p *Plan) keep(w io.Writer, r io.Reader) error {
	var at int64
	left := p.Size
	for _, hole := range p.holes {
		if err := copyWhole(w, r, hole.from-at); err != nil {
			return err
		}
		if err := copyWhole(io.Discard, r, hole.to-hole.from); err != nil {
			return err
		}
		left -= hole.from - at
		at = hole.to
	}
	return copyWhole(w, r, left)
}

func copyWhole(w io.Writer, r io.Reader, n int64) error {
	_, err := io.CopyN(w, r, n)
	if errors.Is(err, io.EOF) {
		return errChanged
	}
	return err
}

func copyCluster(out *bufio.Writer, walk *walker, c cluster) error {
	if _, err := out.Write(c.head()); err != nil {
		return err
	}
	for left, i := c.size, 0; i < c.blocks; i++ {
		b, err := walk.next()
		if err != nil {
			return changed(err)
		}
		left -= int64(len(b.raw))
		if b.opens != (i == 0) || b.cluster != c.time || left < 0 || (i == c.blocks-1 && left != 0) {
			return errChanged
		}
		if _, err := out.Write(b.raw); err != nil {
			return err
		}
	}
	return nil
}

// changed tells a file that reads differently from one that cannot be read.
func changed(err error) error {
	var rejection *Rejection
	if errors.Is(err, io.EOF) || errors.As(err, &rejection) {
		return errChanged
	}
	return err
}

const (
	timestampSize   = 1 + 1 + 8
	clusterHeadSize = 4 + 8 + timestampSize
)

func (c cluster) head() []byte {
	b := appendHead(make([]byte, 0, clusterHeadSize), idCluster, timestampSize+c.size)
	return appendUint(b, idTimestamp, uint64(c.time))
}

// rewrittenSize adds up the new file.
func (p *Plan) rewrittenSize() int64 {
	size := int64(len(p.heads()))
	for _, c := range p.clusters {
		size += clusterHeadSize + c.size
	}
	return size
}

// heads are all bytes before the first cluster. Cues stand in front, so that a
// player can seek with the first bytes it gets; every position has eight bytes, so
// that lengths are known before values.
func (p *Plan) heads() []byte {
	info, tracks := p.info(), appendBytes(nil, idTracks, p.track.raw)
	seekSize := int64(len(seekHead(0, 0, 0)))
	infoAt := seekSize
	tracksAt := infoAt + int64(len(info))
	cuesAt := tracksAt + int64(len(tracks))
	cues := p.cues(cuesAt)

	size := cuesAt + int64(len(cues))
	for _, c := range p.clusters {
		size += clusterHeadSize + c.size
	}
	b := appendHead(documentHead(), idSegment, size)
	b = append(b, seekHead(infoAt, tracksAt, cuesAt)...)
	b = append(b, info...)
	b = append(b, tracks...)
	return append(b, cues...)
}

// documentHead is the EBML head of every file we write (RFC 8794, section 11.2.1;
// versions as DiscardPadding needs them).
func documentHead() []byte {
	body := appendBytes(nil, 0x4286, []byte{1})                           // EBMLVersion
	body = appendBytes(body, 0x42F7, []byte{1})                           // EBMLReadVersion
	body = appendBytes(body, 0x42F2, []byte{4})                           // EBMLMaxIDLength
	body = appendBytes(body, 0x42F3, []byte{8})                           // EBMLMaxSizeLength
	body = appendBytes(body, idDocType, []byte("webm"))                   //
	body = appendBytes(body, 0x4287, []byte{4})                           // DocTypeVersion
	return appendBytes(nil, idEBML, appendBytes(body, 0x4285, []byte{2})) // DocTypeReadVersion
}

func seekHead(infoAt, tracksAt, cuesAt int64) []byte {
	var body []byte
	for _, seek := range []struct {
		id uint32
		at int64
	}{{idInfo, infoAt}, {idTracks, tracksAt}, {idCues, cuesAt}} {
		entry := appendBytes(nil, idSeekID, appendID(nil, seek.id))
		body = appendBytes(body, idSeek, appendUint(entry, idSeekPos, uint64(seek.at)))
	}
	return appendBytes(nil, idSeekHead, body)
}

// info leaves out what the browser wrote about itself and the moment: an erased
// session's audio should not have said more than its sound.
func (p *Plan) info() []byte {
	body := appendUint(nil, idScale, uint64(p.track.scale))
	body = appendFloat(body, idDuration, float64(p.Duration)/float64(p.track.scale))
	body = appendBytes(body, idMuxingApp, []byte("parley"))
	return appendBytes(nil, idInfo, appendBytes(body, idWritingApp, []byte("parley")))
}

// cues point at every cluster; at is where they themselves stand in the segment.
func (p *Plan) cues(at int64) []byte {
	const pointSize = 2 + timestampSize + 2 + 2*timestampSize
	bodySize := int64(pointSize * len(p.clusters))
	b := appendHead(make([]byte, 0, 12+bodySize), idCues, bodySize)
	next := at + 12 + bodySize
	for _, c := range p.clusters {
		place := appendUint(nil, idCueTrack, uint64(p.track.number))
		place = appendUint(place, idCueCluster, uint64(next))
		point := appendUint(nil, idCueTime, uint64(c.time))
		b = appendBytes(b, idCuePoint, appendBytes(point, idCuePlaces, place))
		next += clusterHeadSize + c.size
	}
	return b
}
