package recording

import "time"

// opusFrame gives the length of one frame by the configuration number of the
// packet's first byte (RFC 6716, section 3.1, table 2).
func opusFrame(config byte) time.Duration {
	switch {
	case config < 12: // SILK
		return [...]time.Duration{10, 20, 40, 60}[config%4] * time.Millisecond
	case config < 16: // hybrid
		return [...]time.Duration{10, 20}[config%2] * time.Millisecond
	default: // CELT
		return [...]time.Duration{2500, 5000, 10000, 20000}[config%4] * time.Microsecond
	}
}

// maxOpusPacket is the longest sound that one packet may hold.
const maxOpusPacket = 120 * time.Millisecond

// opusDuration gives how much sound a packet holds; 0 if it is not an Opus packet.
func opusDuration(packet []byte) time.Duration {
	if len(packet) == 0 {
		return 0
	}
	frames := time.Duration(1)
	switch packet[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = time.Duration(packet[1] & 0x3F)
	}
	d := frames * opusFrame(packet[0]>>3)
	if d > maxOpusPacket {
		return 0
	}
	return d
}
