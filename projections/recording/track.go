package recording

import (
	"errors"
	"io"
)

const (
	// maxHead bounds Info and Tracks; real ones have some hundred bytes.
	maxHead = 64 << 10
	// defaultScale is Matroska's: timestamps in milliseconds.
	defaultScale = 1_000_000
	maxScale     = 1_000_000_000
)

// track is what the heads of a WebM file say of its one track.
type track struct {
	raw      []byte // the Tracks element's body, as it was
	number   int64
	scale    int64 // nanoseconds of one timestamp unit
	codec    string
	channels int
}

// readTrack reads up to the first cluster. It returns a *Rejection for a file
// that is not WebM with one Opus track.
func readTrack(src *source) (track, error) {
	if err := readDocType(src); err != nil {
		return track{}, err
	}
	t := track{scale: defaultScale}
	for {
		e, err := src.element()
		if src.err != nil {
			return track{}, src.err
		}
		if err != nil || e.id == idCluster {
			break
		}
		if err := t.readHead(src, e); err != nil {
			return track{}, err
		}
	}
	if t.raw == nil {
		return track{}, reject(ReasonTracks, "no Tracks before the first cluster")
	}
	return t, nil
}

// readDocType checks the EBML head.
func readDocType(src *source) error {
	e, err := src.element()
	if src.err != nil {
		return src.err
	}
	if err != nil || e.id != idEBML {
		return reject(ReasonFormat, "no EBML head")
	}
	body, err := readBody(src, e)
	if err != nil {
		return err
	}
	docType := ""
	err = eachElement(body, func(id uint32, b []byte) error {
		if id == idDocType {
			docType = text(b)
		}
		return nil
	})
	if err != nil || docType != "webm" {
		return reject(ReasonFormat, "the EBML head names no WebM document")
	}
	return nil
}

// readHead takes one element that stands before the clusters.
func (t *track) readHead(src *source, e element) error {
	switch e.id {
	case idSegment:
		return src.skip(int64(e.head))
	case idInfo:
		body, err := readBody(src, e)
		if err != nil {
			return err
		}
		return t.readInfo(body)
	case idTracks:
		body, err := readBody(src, e)
		if err != nil {
			return err
		}
		return t.readTracks(body)
	case idSeekHead, idVoid, idCRC32, idCues, idTags, idChapters, idAttachments:
		if e.size != unknownSize {
			return ignoreCut(src.skip(int64(e.head) + e.size))
		}
	}
	return reject(ReasonFormat, "unexpected element %#x before the first cluster", e.id)
}

// readBody reads a small element whole.
func readBody(src *source, e element) ([]byte, error) {
	if e.size == unknownSize || e.size > maxHead {
		return nil, reject(ReasonTooComplex, "head element %#x of %d bytes", e.id, e.size)
	}
	whole := make([]byte, int64(e.head)+e.size)
	if err := src.read(whole); err != nil {
		return nil, rejectCut(err)
	}
	return whole[e.head:], nil
}

func (t *track) readInfo(body []byte) error {
	return damagedHead(eachElement(body, func(id uint32, b []byte) error {
		if id != idScale {
			return nil
		}
		scale := beUint(b)
		if len(b) > 8 || scale == 0 || scale > maxScale {
			return reject(ReasonFormat, "timestamp scale out of range")
		}
		t.scale = int64(scale)
		return nil
	}))
}

func (t *track) readTracks(body []byte) error {
	if t.raw != nil {
		return reject(ReasonTracks, "Tracks twice")
	}
	t.raw = body
	entries := 0
	err := eachElement(body, func(id uint32, b []byte) error {
		if id != idTrackEntry {
			return nil
		}
		entries++
		return t.readEntry(b)
	})
	if err != nil {
		return damagedHead(err)
	}
	if entries != 1 {
		return reject(ReasonTracks, "%d tracks", entries)
	}
	return nil
}

func (t *track) readEntry(body []byte) error {
	kind, channels := uint64(0), uint64(1) // one channel is Matroska's default
	err := eachElement(body, func(id uint32, b []byte) error {
		switch id {
		case idTrackNumber:
			t.number = int64(beUint(b))
		case idTrackType:
			kind = beUint(b)
		case idCodecID:
			t.codec = text(b)
		case idEncodings:
			return reject(ReasonCodec, "the track is compressed or encrypted")
		case idAudio:
			return eachElement(b, func(id uint32, b []byte) error {
				if id == idChannels {
					channels = beUint(b)
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return damagedHead(err)
	}
	return t.check(kind, channels)
}

func (t *track) check(kind, channels uint64) error {
	const audio = 2
	switch {
	case kind != audio || t.number <= 0:
		return reject(ReasonTracks, "the track is not audio")
	case t.codec != "A_OPUS":
		return reject(ReasonCodec, "the codec is not A_OPUS")
	case channels < 1 || channels > 2:
		return reject(ReasonChannels, "%d channels", channels)
	}
	t.codec, t.channels = "opus", int(channels)
	return nil
}

func damagedHead(err error) error {
	if errors.Is(err, errDamaged) {
		return reject(ReasonFormat, "damaged head")
	}
	return err
}

func rejectCut(err error) error {
	if errors.Is(err, errCut) {
		return reject(ReasonFormat, "the file ends in its head")
	}
	return err
}

func ignoreCut(err error) error {
	if errors.Is(err, errCut) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
