package recording

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/pion/opus"
)

// LevelsPerSecond is how many values a second a channel has in [Levels].
const LevelsPerSecond = 20

const (
	levelRate = 16000                       // the lowest that keeps a voice whole
	levelSpan = levelRate / LevelsPerSecond // samples that one value stands for
	// maxMeasured is the longest recording whose levels are made: 3.5 MB of them.
	maxMeasured = 24 * time.Hour
	quietest    = -63.75 // dBFS; one step above it is 0.25 dB
)

// Levels is how loud a recording is: the head "PLV1", the number of channels, the
// values a second, two zero bytes, and then for each twentieth of a second one byte a
// channel, left first: 0 is silence (below -63.75 dBFS), 255 a peak of full scale, each
// step a quarter of a decibel. An hour in stereo has 144 KB.
type Levels []byte

const levelsHead = 8

// errUnmeasured means that a recording has no levels, and never will.
var errUnmeasured = errors.New("the recording cannot be measured")

// Measure decodes a WebM recording and makes its levels. What is missing or cannot be
// decoded is silence. Errors: errUnmeasured, and those of r.
func Measure(r io.Reader) (levels Levels, err error) {
	src := newSource(r)
	t, err := readTrack(src)
	if err != nil {
		return nil, unmeasured(err)
	}
	m, err := newMeter(t.channels)
	if err != nil {
		return nil, err
	}
	walk := newWalker(src, t)
	for {
		b, err := walk.next()
		if errors.Is(err, io.EOF) {
			return m.levels, nil
		}
		if err != nil {
			return nil, err
		}
		if err := m.hear(b, t.scale); err != nil {
			return nil, err
		}
	}
}

func unmeasured(err error) error {
	var rejection *Rejection
	if errors.As(err, &rejection) {
		return errors.Join(errUnmeasured, err)
	}
	return err
}

// meter turns packets into levels.
type meter struct {
	decoder  opus.Decoder
	channels int
	samples  []float32
	levels   Levels
	peaks    []float32 // of the span that is being heard
	span     int64     // its number
}

func newMeter(channels int) (*meter, error) {
	decoder, err := opus.NewDecoderWithOutput(levelRate, channels)
	if err != nil {
		return nil, fmt.Errorf("make the Opus decoder: %w", err)
	}
	length := int(maxOpusPacket*levelRate/time.Second) * channels
	return &meter{
		decoder: decoder, channels: channels, samples: make([]float32, length), peaks: make([]float32, channels),
		levels: append(Levels("PLV1"), byte(channels), LevelsPerSecond, 0, 0),
	}, nil
}

// hear takes a block's packets in, which follow each other from the block's time on.
func (m *meter) hear(b block, scale int64) error {
	begins := time.Duration(b.time * scale)
	if begins > maxMeasured {
		return errUnmeasured
	}
	at := int64(begins) * (levelRate / 1000) / int64(time.Millisecond)
	packets, err := packetsOf(b.raw)
	if err != nil {
		return nil // the walker counted them, but they end beyond the block
	}
	for _, p := range packets {
		n := m.decode(p)
		if n == 0 {
			n = int(opusDuration(p) * levelRate / time.Second)
		} else {
			m.take(at, m.samples[:n*m.channels])
		}
		at += int64(n)
	}
	return nil
}

// decode gives the samples a channel that a packet holds, 0 for one that cannot be
// decoded. The decoder reads what anybody may have sent and is not ours, so not even a
// panic of it may end the program.
func (m *meter) decode(packet []byte) (n int) {
	defer func() {
		if recover() != nil {
			n = 0
		}
	}()
	n, err := m.decoder.DecodeToFloat32(packet, m.samples)
	if err != nil {
		return 0
	}
	return n
}

// take notes the peaks of samples that begin at a time.
func (m *meter) take(at int64, samples []float32) {
	for len(samples) > 0 {
		if span := at / levelSpan; span != m.span {
			m.span = span
			clear(m.peaks)
		}
		n := min(int(levelSpan-at%levelSpan)*m.channels, len(samples))
		for channel := range m.peaks {
			m.peaks[channel] = max(m.peaks[channel], peakOf(samples[channel:n], m.channels))
		}
		m.write()
		at, samples = at+int64(n/m.channels), samples[n:]
	}
}

// peakOf is the peak of every step-th sample.
func peakOf(samples []float32, step int) (peak float32) {
	for i := 0; i < len(samples); i += step {
		s := samples[i]
		if s < 0 {
			s = -s
		}
		if s > peak { // not max: it has to mind what is no number, which costs
			peak = s
		}
	}
	return peak
}

// write puts the present peaks where they belong.
func (m *meter) write() {
	place := levelsHead + int(m.span)*m.channels
	if missing := place + m.channels - len(m.levels); missing > 0 {
		m.levels = append(m.levels, make([]byte, missing)...)
	}
	for i, peak := range m.peaks {
		m.levels[place+i] = max(m.levels[place+i], loudness(peak))
	}
}

// loudness gives a peak in steps of a quarter of a decibel above the quietest.
func loudness(peak float32) byte {
	db := 20 * math.Log10(float64(peak))
	return byte(min(max(math.Round((db-quietest)*4), 0), 255))
}
