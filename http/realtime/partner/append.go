package partner

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// What clients append is the provider's audio/pcm: 16 bits, mono, little end
// first, at this rate.
const (
	pcmRate   = 24000
	pcmSample = 2 // bytes
	pcmFrame  = int(pcmRate * frame / time.Second)
)

// notPCM is the provider's answer to what is no sound.
const notPCM = "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value."

// appendAudio puts sound into the learner's audio behind what is there, as if it
// had just been said. The provider answers such an event with nothing.
func (c *conversation) appendAudio(event clientEvent) {
	format := c.session.Audio.Input.Format
	switch {
	case event.Audio == nil:
		c.refuse(event, "missing_required_parameter", "Missing required parameter: 'audio'.")
		return
	case format.Type != "audio/pcm":
		c.refuse(event, "invalid_value", "The partner understands appended audio as audio/pcm alone.")
		return
	}
	samples, understood := readPCM(*event.Audio)
	if !understood {
		c.refuse(event, "invalid_value", notPCM)
		return
	}
	for piece := range slices.Chunk(samples, pcmFrame) {
		length := time.Duration(len(piece)) * time.Second / pcmRate
		c.appended += length
		c.listen(sound{from: c.heardTo, to: c.heardTo + length, level: level(piece)})
	}
}

// readPCM gives the samples, from -1 to 1; false: these are none.
func readPCM(encoded string) ([]float32, bool) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw)%pcmSample != 0 {
		return nil, false
	}
	samples := make([]float32, len(raw)/pcmSample)
	for i := range samples {
		samples[i] = float32(int16(binary.LittleEndian.Uint16(raw[i*pcmSample:]))) / -math.MinInt16
	}
	return samples, true
}
