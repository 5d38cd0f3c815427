package recording

// packetsOf takes a SimpleBlock or BlockGroup apart, its head included. Errors:
// errDamaged when the laced sizes do not fit.
func packetsOf(raw []byte) ([][]byte, error) {
	e, err := parseElement(raw)
	if err != nil {
		return nil, errDamaged
	}
	body := raw[e.head:]
	if e.id == idBlockGroup {
		group := body
		err := eachElement(group, func(id uint32, b []byte) error {
			if id == idBlock {
				body = b
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	_, n, err := parseVint(body)
	if err != nil || len(body) < n+3 {
		return nil, errDamaged
	}
	return unlace(body[n+2]>>1&3, body[n+3:])
}

// unlace cuts the packets of a block (RFC 9559, section 10.3).
func unlace(kind byte, b []byte) ([][]byte, error) {
	if kind == lacingNone {
		return [][]byte{b}, nil
	}
	if len(b) == 0 {
		return nil, errDamaged
	}
	count := int(b[0]) + 1
	b = b[1:]
	if kind == lacingFixed {
		return cut(b, repeated(len(b)/count, count-1))
	}
	sizes := make([]int, 0, count-1)
	for range count - 1 {
		width, err := laceSize(kind, b)
		if err != nil {
			return nil, err
		}
		size := xiphSize(b[:width])
		if kind == lacingEBML {
			size = ebmlSize(b[:width], sizes)
		}
		sizes, b = append(sizes, size), b[width:]
	}
	return cut(b, sizes)
}

func repeated(size, count int) []int {
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

// xiphSize adds bytes up.
func xiphSize(b []byte) (size int) {
	for _, c := range b {
		size += int(c)
	}
	return size
}

// ebmlSize reads the first size, or how much a later one differs from the one before.
func ebmlSize(b []byte, before []int) int {
	v := int64(beUint(b) & (1<<(7*len(b)) - 1))
	if len(before) == 0 {
		return int(v)
	}
	return before[len(before)-1] + int(v-(1<<(7*len(b)-1)-1))
}

// cut takes pieces of the sizes and, as the last one, what is left.
func cut(b []byte, sizes []int) (pieces [][]byte, err error) {
	for _, size := range sizes {
		if size < 0 || size > len(b) {
			return nil, errDamaged
		}
		pieces, b = append(pieces, b[:size]), b[size:]
	}
	return append(pieces, b), nil
}
