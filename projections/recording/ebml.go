package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Element ids (RFC 8794, section 11.2; RFC 9559, section 5.1), marker bits included.
const (
	idEBML        = 0x1A45DFA3
	idDocType     = 0x4282
	idVoid        = 0xEC
	idCRC32       = 0xBF
	idSegment     = 0x18538067
	idSeekHead    = 0x114D9B74
	idSeek        = 0x4DBB
	idSeekID      = 0x53AB
	idSeekPos     = 0x53AC
	idInfo        = 0x1549A966
	idScale       = 0x2AD7B1
	idDuration    = 0x4489
	idMuxingApp   = 0x4D80
	idWritingApp  = 0x5741
	idTracks      = 0x1654AE6B
	idTrackEntry  = 0xAE
	idTrackNumber = 0xD7
	idTrackType   = 0x83
	idCodecID     = 0x86
	idEncodings   = 0x6D80
	idAudio       = 0xE1
	idChannels    = 0x9F
	idCluster     = 0x1F43B675
	idTimestamp   = 0xE7
	idPosition    = 0xA7
	idPrevSize    = 0xAB
	idSilent      = 0x5854
	idSimpleBlock = 0xA3
	idBlockGroup  = 0xA0
	idBlock       = 0xA1
	idDiscard     = 0x75A2
	idCues        = 0x1C53BB6B
	idCuePoint    = 0xBB
	idCueTime     = 0xB3
	idCueTrack    = 0xF7
	idCuePlaces   = 0xB7
	idCueCluster  = 0xF1
	idChapters    = 0x1043A770
	idTags        = 0x1254C367
	idAttachments = 0x1941A469
)

// unknownSize is the size of an element that ends where its parent's next child
// begins (RFC 8794, section 6.2).
const unknownSize = -1

// maxElementHead is the longest head: an id of four bytes and a size of eight.
const maxElementHead = 12

var (
	errDamaged = errors.New("not an EBML element")
	errCut     = errors.New("the element ends beyond the file")
)

// element is the head of an EBML element.
type element struct {
	id   uint32
	size int64 // of the body in bytes, or unknownSize
	head int   // bytes of id and size
}

// parseElement reads the head that b begins with. It returns errDamaged if no such
// head exists, and errCut if b is too short to tell.
func parseElement(b []byte) (element, error) {
	if len(b) == 0 {
		return element{}, errCut
	}
	idLen := bits.LeadingZeros8(b[0]) + 1
	if idLen > 4 {
		return element{}, errDamaged
	}
	if len(b) <= idLen {
		return element{}, errCut
	}
	size, sizeLen, err := parseVint(b[idLen:])
	if err != nil {
		return element{}, err
	}
	return element{id: uint32(beUint(b[:idLen])), size: size, head: idLen + sizeLen}, nil
}

// parseVint reads a variable-size integer (RFC 8794, section 4). All data bits set
// means unknownSize.
func parseVint(b []byte) (value int64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, errCut
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > 8 {
		return 0, 0, errDamaged
	}
	if len(b) < n {
		return 0, 0, errCut
	}
	mask := uint64(1)<<(7*n) - 1
	v := beUint(b[:n]) & mask
	if v == mask {
		return unknownSize, n, nil
	}
	return int64(v), n, nil
}

// beUint reads up to eight bytes as a big-endian number.
func beUint(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// text reads a string, which ends early where zeros pad it (RFC 8794, section 7.4).
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// eachElement calls visit with every element of b. It returns errDamaged if b is
// not filled with whole elements of known size.
func eachElement(b []byte, visit func(id uint32, body []byte) error) error {
	for len(b) > 0 {
		e, err := parseElement(b)
		if err != nil || e.size == unknownSize || e.size > int64(len(b)-e.head) {
			return errDamaged
		}
		end := e.head + int(e.size)
		if err := visit(e.id, b[e.head:end]); err != nil {
			return err
		}
		b = b[end:]
	}
	return nil
}

// appendHead appends the head of an element whose size is written in eight bytes,
// so that sizes can be added up before any value is known.
func appendHead(b []byte, id uint32, size int64) []byte {
	b = appendID(b, id)
	return binary.BigEndian.AppendUint64(b, 1<<56|uint64(size))
}

func appendID(b []byte, id uint32) []byte {
	n := (bits.Len32(id) + 7) / 8
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(id>>(8*i)))
	}
	return b
}

// appendBytes appends an element with the given body, its size in the shortest form.
func appendBytes(b []byte, id uint32, body []byte) []byte {
	b = appendID(b, id)
	n := 1
	for uint64(len(body)) >= 1<<(7*n)-1 {
		n++
	}
	size := uint64(len(body)) | 1<<(7*n)
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(size>>(8*i)))
	}
	return append(b, body...)
}

// appendUint appends an unsigned integer element of fixed width.
func appendUint(b []byte, id uint32, v uint64) []byte {
	return appendBytes(b, id, binary.BigEndian.AppendUint64(nil, v))
}

func appendFloat(b []byte, id uint32, v float64) []byte {
	return appendUint(b, id, math.Float64bits(v))
}
