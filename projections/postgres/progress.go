package postgres

import (
	"context"
	"time"

	"parley/events"
	"parley/projections"
)

// Step is what a rebuild or a verification is doing.
type Step string

// The steps, in order.
const (
	StepFilling   Step = "filling"   // the log goes into the new version
	StepIndexing  Step = "indexing"  // its indexes and statistics are made
	StepComparing Step = "comparing" // its rows are compared with the live ones
	StepSwitching Step = "switching" // the views are pointed at it
)

// Progress is how far a rebuild or a verification has come.
type Progress struct {
	Step      Step
	Position  events.Position // filled up to here
	Last      events.Position // of the log, when the filling began
	PerSecond float64         // events a second in this run
	Left      time.Duration   // of the filling, at this speed; 0 while nothing is known
}

// watched is a store that reports each commit.
type watched struct {
	*Store
	last   events.Position
	now    func() time.Time
	report func(Progress)

	began  time.Time
	events int
}

func (r *Rebuilder) watched(version int, last events.Position, report func(Progress)) *watched {
	return &watched{Store: r.store(version), last: last, now: r.now, report: report, began: r.now()}
}

// Commit implements [projections.Store].
func (w *watched) Commit(ctx context.Context, from projections.Checkpoint, log events.Identity, batch []events.Event) (projections.Checkpoint, error) {
	to, err := w.Store.Commit(ctx, from, log, batch)
	if err == nil {
		w.events += len(batch)
		w.report(w.progress(to.Position))
	}
	return to, err
}

func (w *watched) progress(at events.Position) Progress {
	p := Progress{Step: StepFilling, Position: at, Last: max(w.last, at)}
	if took := w.now().Sub(w.began).Seconds(); took > 0 {
		p.PerSecond = float64(w.events) / took
		p.Left = time.Duration(float64(p.Last-at) / p.PerSecond * float64(time.Second))
	}
	return p
}
