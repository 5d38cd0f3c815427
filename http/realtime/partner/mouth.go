package partner

// silence is an Opus packet of 20 ms without sound (RFC 6716, 3.1: CELT,
// fullband, mono, one frame).
var silence = []byte{0xf8, 0xff, 0xfe}

// mouth holds what the tutor is about to say, one packet a step. Between lines
// it says silence, so that the stream that the learner hears never stops.
type mouth struct {
	line voice
	said int // packets of it that went out
}

// open is true while a line is being said.
func (m *mouth) open() bool { return m.line != nil }

func (m *mouth) say(line voice) { m.line, m.said = line, 0 }

// keep cuts the line down to its first packets; those already said stay said.
func (m *mouth) keep(packets int) { m.line = m.line[:max(m.said, min(packets, len(m.line)))] }

// shut stops the line and tells how many packets of it were said.
func (m *mouth) shut() int {
	said := m.said
	m.line, m.said = nil, 0
	return said
}

// next is the packet of this step; last says that its line ends with it.
func (m *mouth) next() (packet []byte, last bool) {
	if !m.open() {
		return silence, false
	}
	if m.said == len(m.line) {
		m.shut()
		return silence, true
	}
	m.said++
	return m.line[m.said-1], false
}
