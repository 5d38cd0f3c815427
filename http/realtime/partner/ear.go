package partner

import (
	"fmt"
	"math"
	"time"

	"github.com/pion/opus"
	"github.com/pion/rtp"
)

// The ear listens in mono at the lowest rate that keeps a voice whole.
const (
	earRate = 16000
	// rtpRate is Opus' clock in RTP, whatever it carries (RFC 7587, 4.1).
	rtpRate = 48000
	// longestPacket is what Opus allows (RFC 6716, 2.1.4).
	longestPacket = 120 * time.Millisecond
)

// ear takes the learner's packets apart into frames of known level and place.
type ear struct {
	decoder opus.Decoder
	samples []float32
	begun   bool
	last    uint32        // RTP timestamp of the last packet
	place   time.Duration // of the last packet
}

func newEar() (*ear, error) {
	decoder, err := opus.NewDecoderWithOutput(earRate, 1)
	if err != nil {
		return nil, fmt.Errorf("partner: make the Opus decoder: %w", err)
	}
	length := int(longestPacket * earRate / time.Second)
	return &ear{decoder: decoder, samples: make([]float32, length)}, nil
}

// listen decodes one packet. Its place follows the RTP timestamps, so gaps
// that the sender left (discontinuous transmission) count as time.
func (e *ear) listen(packet *rtp.Packet) (sound, error) {
	if e.begun {
		// The difference wraps as the timestamp does.
		e.place += time.Duration(int32(packet.Timestamp-e.last)) * time.Second / rtpRate
	}
	e.begun, e.last = true, packet.Timestamp
	n, err := e.decoder.DecodeToFloat32(packet.Payload, e.samples)
	if err != nil {
		return sound{}, fmt.Errorf("decode %d bytes of Opus: %w", len(packet.Payload), err)
	}
	length := time.Duration(n) * time.Second / earRate
	return sound{from: e.place, to: e.place + length, level: level(e.samples[:n])}, nil
}

// level is the loudness of samples in dBFS; silence is -120.
func level(samples []float32) float64 {
	var power float64
	for _, s := range samples {
		power += float64(s) * float64(s)
	}
	return 10 * math.Log10(max(power/float64(max(len(samples), 1)), 1e-12))
}
