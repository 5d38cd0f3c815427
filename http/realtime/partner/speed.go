package partner

// The provider's bounds of a tutor's speed; 1 is usual.
const (
	slowest = 0.25
	fastest = 1.5
)

const (
	// quiet is how long a packet without a voice is at most, in bytes: lines
	// are coded at a variable rate.
	quiet = 44
	// shortestPause is from how many quiet packets on it is a pause and not
	// a consonant.
	shortestPause = 3
)

// at is the line at another speed. Prepared lines cannot be stretched: slower
// means longer pauses, as a patient tutor makes them, and faster shorter
// ones. What the pauses cannot give is not given.
func (v voice) at(speed float64) voice {
	if speed == 0 || speed == 1 || len(v) == 0 {
		return v
	}
	wanted := int(float64(len(v))/speed) - len(v)
	pauses, total := v.pauses()
	if total == 0 {
		return v
	}
	paced := make(voice, 0, len(v)+max(wanted, 0))
	from, seen, given := 0, 0, 0
	for _, p := range pauses {
		paced = append(paced, v[from:p.end]...)
		from = p.end
		seen += p.length()
		change := max(wanted*seen/total-given, shortestPause-p.length())
		given += change
		if change < 0 {
			paced = paced[:len(paced)+change]
		}
		for range change {
			paced = append(paced, silence)
		}
	}
	return append(paced, v[from:]...)
}

// pause is a stretch of quiet packets, end excluded.
type pause struct{ begin, end int }

func (p pause) length() int { return p.end - p.begin }

// pauses finds them within a line, and how many packets they have together.
func (v voice) pauses() (pauses []pause, total int) {
	begin := -1
	for i, packet := range v {
		switch {
		case len(packet) <= quiet && begin < 0:
			begin = i
		case len(packet) > quiet && begin >= 0:
			if p := (pause{begin, i}); p.length() >= shortestPause {
				pauses, total = append(pauses, p), total+p.length()
			}
			begin = -1
		}
	}
	return pauses, total
}
