package recording

import "time"

// sound is what the head of a block says (RFC 9559, section 10).
type sound struct {
	track   int64
	offset  int16 // from the cluster's timestamp
	packets int
	length  time.Duration
}

// readSound reads the body of a SimpleBlock or BlockGroup. It returns errDamaged
// for a body that is not one.
func readSound(id uint32, body []byte) (sound, error) {
	if id == idSimpleBlock {
		return parseBlock(body)
	}
	var s sound
	var padding time.Duration
	found := 0
	err := eachElement(body, func(id uint32, b []byte) (err error) {
		switch id {
		case idBlock:
			found++
			s, err = parseBlock(b)
		case idDiscard:
			padding, err = parsePadding(b)
		}
		return err
	})
	if err != nil || found != 1 {
		return sound{}, errDamaged
	}
	s.length -= min(max(padding, 0), s.length)
	return s, nil
}

// parsePadding reads a signed number of nanoseconds.
func parsePadding(b []byte) (time.Duration, error) {
	if len(b) == 0 || len(b) > 8 {
		return 0, errDamaged
	}
	shift := 64 - 8*len(b)
	return time.Duration(int64(beUint(b)<<shift) >> shift), nil
}

// parseBlock reads the track number, the time, the flags and, as far as needed to
// know how much sound there is, the packets.
func parseBlock(b []byte) (sound, error) {
	track, n, err := parseVint(b)
	if err != nil || len(b) < n+3 {
		return sound{}, errDamaged
	}
	packets, first, err := parseLacing(b[n+2]>>1&3, b[n+3:])
	if err != nil {
		return sound{}, err
	}
	return sound{
		track:   track,
		offset:  int16(beUint(b[n : n+2])),
		packets: packets,
		length:  time.Duration(packets) * opusDuration(first),
	}, nil
}

// The kinds of lacing (RFC 9559, section 10.3).
const (
	lacingNone  = 0
	lacingXiph  = 1
	lacingFixed = 2
	lacingEBML  = 3
)

// parseLacing counts the packets of a block and finds where the first one begins.
func parseLacing(kind byte, b []byte) (packets int, first []byte, err error) {
	if kind == lacingNone {
		return 1, b, nil
	}
	if len(b) == 0 {
		return 0, nil, errDamaged
	}
	packets, b = int(b[0])+1, b[1:]
	for range sizesOf(kind, packets) {
		n, err := laceSize(kind, b)
		if err != nil {
			return 0, nil, err
		}
		b = b[n:]
	}
	return packets, b, nil
}

// sizesOf tells how many sizes stand before laced packets: the last one has none.
func sizesOf(kind byte, packets int) int {
	if kind == lacingFixed {
		return 0
	}
	return packets - 1
}

// laceSize gives the width of the size that b begins with.
func laceSize(kind byte, b []byte) (int, error) {
	if kind == lacingEBML {
		_, n, err := parseVint(b)
		return n, err
	}
	for i, c := range b {
		if c != 0xFF {
			return i + 1, nil
		}
	}
	return 0, errDamaged
}
