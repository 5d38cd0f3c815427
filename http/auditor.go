package http

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley/events"
)

// Bounds of an auditor's memory.
const (
	auditQueue       = 1024   // notes that wait to be stored
	failingPlaces    = 4096   // pairs of account and network whose failures are counted apart
	knownTrails      = 10_000 // whose last position is remembered
	auditAttempts    = 5
	auditPause       = 200 * time.Millisecond // after the log did not take a note
	failuresTogether = time.Minute
)

// AuditGrace is how long a stopping auditor goes on storing what waits.
const AuditGrace = 5 * time.Second

// Auditor writes audit trails. What is only noted waits in a bounded queue and
// costs the request nothing; where it can't be stored it is counted, and the
// count is stored once the log is back. What must not happen unrecorded is kept:
// [Auditor.Keep] returns when it is stored.
type Auditor struct {
	log    events.LoadAppender
	now    func() time.Time
	newID  func() string // a ULID
	logger *slog.Logger
	shard  uint8
	queue  chan events.Event

	mu       sync.Mutex
	last     map[events.Aggregate]events.Position // of trails, as far as this auditor knows
	failures map[failing]int                      // since the first one, which is noted at once
	missed   map[events.Kind]int                  // since the last audit_interrupted
	since    time.Time                            // of the first of these
	lost     uint64                               // all that were ever missed
}

// failing is where sign-ins fail: of an account, or of nobody known.
type failing struct {
	account events.AccountID
	method  string
	address string
}

// NewAuditor wires it; shard tells instances apart.
func NewAuditor(log events.LoadAppender, shard uint8, now func() time.Time, newID func() string, logger *slog.Logger) *Auditor {
	return &Auditor{
		log: log, shard: shard, now: now, newID: newID, logger: logger,
		queue: make(chan events.Event, auditQueue),
		last:  map[events.Aggregate]events.Position{}, failures: map[failing]int{}, missed: map[events.Kind]int{},
	}
}

// Note puts something on the trail about an account ("": nobody known), in a
// moment. It never waits.
func (a *Auditor) Note(by events.Actor, about events.AccountID, what events.Body) {
	a.enqueue(a.event(by, about, what))
}

// Keep puts something on the trail about an account, and returns when it is
// stored. Errors: CodeUnavailable, CodeUnknown; then it may be stored or not.
func (a *Auditor) Keep(ctx context.Context, by events.Actor, about events.AccountID, what events.Body) (events.Position, error) {
	return a.store(ctx, a.event(by, about, what))
}

// Failed notes a sign-in that failed: the first of a minute at once, later ones
// as a count. It never waits.
func (a *Auditor) Failed(account events.AccountID, method, address string) {
	at := failing{account, method, address}
	a.mu.Lock()
	_, known := a.failures[at]
	full := !known && len(a.failures) >= failingPlaces
	switch {
	case known:
		a.failures[at]++
	case !full:
		a.failures[at] = 0
	}
	a.mu.Unlock()
	if full {
		a.miss(events.KindSignInFailed)
	} else if !known {
		a.enqueue(a.failed(at, 1))
	}
}

func (a *Auditor) failed(at failing, count int) events.Event {
	return a.event(events.System("sign-in"), at.account, &events.SignInFailed{Method: at.method, Address: at.address, Count: count})
}

// Missed is how many notes were ever given up.
func (a *Auditor) Missed() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lost
}

func (a *Auditor) event(by events.Actor, about events.AccountID, what events.Body) events.Event {
	now := a.now().UTC().Truncate(time.Millisecond)
	on := events.AuditOf(about)
	if about == "" {
		on = events.AuditOfHour(now, a.shard)
	}
	return events.Event{ID: events.EventID(a.newID()), Aggregate: on, Time: now, Actor: by, Body: what}
}

func (a *Auditor) enqueue(e events.Event) {
	select {
	case a.queue <- e:
	default:
		a.miss(e.Body.Kind())
	}
}

// miss counts a note that is given up.
func (a *Auditor) miss(kind events.Kind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.missed) == 0 {
		a.since = a.now()
		a.logger.Error("audit notes are given up: the event log does not take them fast enough", "kind", kind)
	}
	a.missed[kind]++
	a.lost++
}

// Run stores what is noted until the context ends, and then, for at most
// AuditGrace, what still waits. What is left is counted and logged.
func (a *Auditor) Run(ctx context.Context) {
	storing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(AuditGrace, cancel) })()
	minute := time.NewTicker(failuresTogether)
	defer minute.Stop()
	for {
		select {
		case e := <-a.queue:
			a.persist(storing, e)
		case <-minute.C:
			a.sum(storing)
		case <-ctx.Done():
			a.drain(storing)
			return
		}
	}
}

// drain is the end: nobody notes anything any more.
func (a *Auditor) drain(ctx context.Context) {
	for len(a.queue) > 0 {
		a.persist(ctx, <-a.queue)
	}
	a.sum(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.missed) > 0 {
		a.logger.ErrorContext(ctx, "audit notes are lost", "missed", a.missed, "since", a.since)
	}
}

// sum notes the failures that were counted, and what was missed.
func (a *Auditor) sum(ctx context.Context) {
	a.mu.Lock()
	counted, missed, since := a.failures, a.missed, a.since
	a.failures, a.missed = map[failing]int{}, map[events.Kind]int{}
	a.mu.Unlock()
	for at, count := range counted {
		if count > 0 {
			a.persist(ctx, a.failed(at, count))
		}
	}
	if len(missed) == 0 {
		return
	}
	gap := a.event(events.System("auditor"), "", &events.AuditInterrupted{Missed: missed, Since: since.UTC().Truncate(time.Millisecond)})
	if _, err := a.store(ctx, gap); err != nil {
		a.missAgain(missed, since)
	}
}

// missAgain keeps for later what could not be said now.
func (a *Auditor) missAgain(missed map[events.Kind]int, since time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for kind, count := range missed {
		a.missed[kind] += count
	}
	a.since = since
}

// persist stores a note, however long the log is away; the queue waits
// meanwhile. Only the end gives it up, and a note that the log refuses.
func (a *Auditor) persist(ctx context.Context, e events.Event) {
	for {
		_, err := a.store(ctx, e)
		if err == nil {
			return
		}
		code := events.CodeOf(err)
		passing := code == events.CodeUnavailable || code == events.CodeUnknown || code == events.CodeConflict
		if !passing || !rested(ctx, auditPause) {
			a.logger.ErrorContext(ctx, "an audit note cannot be stored", "kind", e.Body.Kind(), "error", err)
			a.miss(e.Body.Kind())
			return
		}
	}
}

// rested waits; false when the context ends first.
func rested(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// store appends an event behind whatever its trail holds: an audit trail
// decides nothing, so the guard only keeps the append from being doubted.
func (a *Auditor) store(ctx context.Context, e events.Event) (events.Position, error) {
	for attempt := 1; ; attempt++ {
		at, err := a.log.Append(ctx, e.Aggregate, events.ExpectAt(a.end(e.Aggregate)), e)
		if err == nil {
			a.know(e.Aggregate, at)
			return at, nil
		}
		var left *events.Unsettled
		if errors.As(err, &left) {
			return left.Settle(ctx)
		}
		if events.CodeOf(err) != events.CodeConflict || attempt == auditAttempts {
			return 0, err
		}
		news, err := a.log.Load(ctx, e.Aggregate, a.end(e.Aggregate))
		if err != nil {
			return 0, err
		}
		if len(news) == 0 {
			a.forget(e.Aggregate) // what was known last is swept
			continue
		}
		a.know(e.Aggregate, news[len(news)-1].Position)
	}
}

func (a *Auditor) end(of events.Aggregate) events.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last[of]
}

func (a *Auditor) know(of events.Aggregate, last events.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.last) >= knownTrails {
		clear(a.last)
	}
	a.last[of] = max(a.last[of], last)
}

func (a *Auditor) forget(of events.Aggregate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.last, of)
}
