package projections

import (
	"context"
	"sync"
	"time"

	"parley/events"
)

// Marks tells how far a projection has come, and when a projector last stood
// behind that.
type Marks interface {
	// Checkpoint gives a stream's checkpoint. Errors: CodeUnavailable.
	Checkpoint(ctx context.Context, stream string) (Checkpoint, error)
}

// Dated is what a gauge asks of the log: where it ends, and since when it has what
// is not projected.
type Dated interface {
	events.Identifier
	// StoredAfter tells when the first event after a position was stored; zero when
	// there is none. Errors: CodeUnavailable.
	StoredAfter(ctx context.Context, position events.Position) (time.Time, error)
}

// Lag is how far a projection is behind its log.
type Lag struct {
	Position events.Position // of the projection
	Last     events.Position // of the log
	Events   uint64          // positions between the two; erased ones count
	// Seconds since the oldest event that is not projected was stored.
	Seconds float64
	// Trend is by how many events a second the lag has grown since the oldest
	// look that the gauge remembers; below zero it shrinks.
	Trend float64
	// Standing: there is something to project, and for StandingAfter or longer
	// the mark has not moved.
	Standing bool
	// Dead: no projector has stood behind the checkpoint for DeadAfter or
	// longer. A lag of zero means nothing then: nobody would raise it.
	Dead bool
	Seen time.Time // when one last did, by the store's clock; zero for never
}

// When a projection counts as standing, and its projector as dead. A projector
// says every two seconds that it is there.
const (
	StandingAfter = 10 * time.Second
	DeadAfter     = 10 * time.Second
	// remembered is how many looks count for the trend, and apart how far they are
	// from each other at least: whoever looks often must not make the gauge forget
	// what was StandingAfter ago.
	remembered = 60
	apart      = 250 * time.Millisecond
)

// Gauge measures the lag of one projection, from look to look. Its methods may
// be called by many.
type Gauge struct {
	log    Dated
	marks  Marks
	stream string
	now    func() time.Time

	mu    sync.Mutex
	looks []look // the oldest first
}

type look struct {
	when           time.Time
	position, last events.Position
}

func (l look) lag() float64 { return float64(l.last) - float64(l.position) }

// NewGauge makes a gauge of a stream's projection.
func NewGauge(log Dated, marks Marks, stream string, now func() time.Time) *Gauge {
	return &Gauge{log: log, marks: marks, stream: stream, now: now}
}

// Look measures now. Trend and Standing need at least a second look.
// Errors: CodeUnavailable.
func (g *Gauge) Look(ctx context.Context) (Lag, error) {
	at, err := g.marks.Checkpoint(ctx, g.stream)
	if err != nil {
		return Lag{}, err
	}
	log, err := g.log.Identity(ctx)
	if err != nil {
		return Lag{}, err
	}
	waits, err := g.waits(ctx, at.Position, log.Last)
	if err != nil {
		return Lag{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	// The mark may have moved past what the log said, never the other way.
	now := look{g.now(), at.Position, max(log.End(), at.Position)}
	if n := len(g.looks); n == 0 || now.when.Sub(g.looks[n-1].when) >= apart {
		g.looks = append(g.looks, now)
		g.looks = g.looks[max(0, len(g.looks)-remembered):]
	}
	lag := Lag{Position: now.position, Last: now.last, Events: uint64(now.last - now.position), Seen: at.Seen}
	lag.Seconds = waits.Seconds()
	lag.Trend = g.trend(now)
	lag.Standing = g.still(now) >= StandingAfter
	lag.Dead = now.when.Sub(at.Seen) >= DeadAfter
	return lag, nil
}

// waits is for how long the oldest event that is not projected has been there. Its
// time is of the log's clock, which may be ahead of ours.
func (g *Gauge) waits(ctx context.Context, mark, last events.Position) (time.Duration, error) {
	if last <= mark {
		return 0, nil
	}
	stored, err := g.log.StoredAfter(ctx, mark)
	if err != nil || stored.IsZero() {
		return 0, err
	}
	return max(0, g.now().Sub(stored)), nil
}

func (g *Gauge) trend(now look) float64 {
	oldest := g.looks[0]
	if took := now.when.Sub(oldest.when).Seconds(); took > 0 {
		return (now.lag() - oldest.lag()) / took
	}
	return 0
}

// still is for how long the mark has stood where it is while there was more.
func (g *Gauge) still(now look) (since time.Duration) {
	for i := len(g.looks) - 1; i >= 0; i-- {
		l := g.looks[i]
		if l.position != now.position || l.lag() <= 0 {
			break
		}
		since = now.when.Sub(l.when)
	}
	return since
}
