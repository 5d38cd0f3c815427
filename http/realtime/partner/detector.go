package partner

import "time"

// sound is one frame of the learner's audio.
type sound struct {
	from, to time.Duration // in the learner's audio, which starts at 0
	level    float64       // dBFS
}

// change is what a frame changed.
type change int

const (
	nothing change = iota
	started
	stopped
)

// The detector's measures. Speech at a desk lies around -20 dBFS, a room with
// a fan around -55.
const (
	quietest   = -50.0                 // dBFS that threshold 0 asks for
	loudest    = -30.0                 // dBFS that threshold 1 asks for
	hysteresis = 6.0                   // dB below which a speaker is silent
	onset      = 60 * time.Millisecond // of sound before it is speech: no clicks
)

// detector finds where the learner begins and ends, by level (server_vad).
type detector struct {
	speaking bool
	from, to time.Duration // the voiced part
	heard    bool          // a voiced part has begun
}

// hear takes the next frame.
func (d *detector) hear(s sound, settings turnDetection) change {
	level := quietest + settings.Threshold*(loudest-quietest)
	if d.speaking {
		level -= hysteresis
	}
	if s.level >= level {
		if !d.heard {
			d.from, d.heard = s.from, true
		}
		d.to = s.to
		return d.began()
	}
	if !d.speaking {
		d.heard = false
		return nothing
	}
	return d.silent(s.to, settings)
}

func (d *detector) began() change {
	if d.speaking || d.to-d.from < onset {
		return nothing
	}
	d.speaking = true
	return started
}

// silent says that nothing was voiced up to now.
func (d *detector) silent(now time.Duration, settings turnDetection) change {
	if !d.speaking || now-d.to < settings.silence() {
		return nothing
	}
	d.speaking, d.heard = false, false
	return stopped
}
