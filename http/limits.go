package http

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"parley/events"
	"parley/projections"
)

// Rate is how much may be used: Most at once, which comes back evenly within
// Per. The zero value sets no limit.
type Rate struct {
	Most int64 // how often, or how many bytes
	Per  time.Duration
}

// Allowances are what one account may use. What is zero has no limit.
type Allowances struct {
	Tokens      Rate          // minted
	CallsAtOnce int           // sessions that are talked in
	Talk        time.Duration // within any 24 hours
	Uploads     Rate          // announced, and put through the backend
	UploadBytes Rate          // announced
	Reports     Rate          // batches
	ReportBytes Rate
}

// limits hold accounts to their allowances.
type limits struct {
	tokens, uploads, uploadBytes, reports, reportBytes *Allowance[events.AccountID]
	talk                                               *talkLimit
	strangers                                          *Allowance[netip.Prefix]
}

// strangersRate is what one network may ask of the routes that take a link or a
// receipt, or lead to a provider: each looks into the log, or asks elsewhere, before
// anybody is known. A class behind one address may come in together.
var strangersRate = Rate{Most: 120, Per: time.Minute}

// byStrangers registers an open operation that one network may not ask over and over.
func byStrangers[I, O any](s *Server, op huma.Operation, operate func(context.Context, *I) (*O, error)) {
	open(s, op, func(ctx context.Context, in *I) (*O, error) {
		if wait := s.limits.strangers.Take(network(address(ctx)), 1); wait > 0 {
			return nil, limited(events.CodeLimited, wait, "too much was asked from this network; try again in a moment")
		}
		return operate(ctx, in)
	})
}

func newLimits(config Config, doors Doors) limits {
	of := func(r Rate) *Allowance[events.AccountID] { return NewAllowance[events.AccountID](r, doors.Now) }
	a := config.Allowances
	return limits{
		tokens: of(a.Tokens), uploads: of(a.Uploads), uploadBytes: of(a.UploadBytes),
		reports: of(a.Reports), reportBytes: of(a.ReportBytes),
		strangers: NewAllowance[netip.Prefix](strangersRate, doors.Now),
		talk:      newTalkLimit(a.CallsAtOnce, a.Talk, config.SessionMax, doors.Now),
	}
}

// mayCall lets the caller have a token for a call in a session, by what the read
// models tell of her talks. Errors: CodeLimited, CodeTooManyCalls, CodeUsedUp.
func (s *Server) mayCall(ctx context.Context, session events.SessionID, told []projections.Talk) (done func(minted bool), err error) {
	if wait := s.limits.tokens.Take(caller(ctx), 1); wait > 0 {
		return nil, limited(events.CodeLimited, wait, "too many tokens were asked for; try again in a moment")
	}
	return s.limits.talk.begin(caller(ctx), session, told)
}

// talks is what the read models tell of the caller's talk. They may be a moment
// behind: memory has that moment. When they cannot tell, what this process knows
// decides: a running session needs its token more than the limit needs its memory.
func (s *Server) talks(ctx context.Context) []projections.Talk {
	told, err := s.doors.Views.Talks(ctx, caller(ctx), s.doors.Now().Add(-talkDay-s.config.SessionMax))
	if err != nil {
		s.logger.WarnContext(ctx, "talk is limited by memory alone", "error", err)
	}
	return told
}

// mayUpload lets the caller announce a recording, or put one through the
// backend. Errors: CodeLimited.
func (s *Server) mayUpload(ctx context.Context) error {
	if wait := s.limits.uploads.Take(caller(ctx), 1); wait > 0 {
		return limited(events.CodeLimited, wait, "too many uploads were begun; try again in a moment")
	}
	return nil
}

// mayStore lets the caller announce so many bytes more. Errors: CodeUsedUp.
func (s *Server) mayStore(ctx context.Context, bytes int64) error {
	if wait := s.limits.uploadBytes.Take(caller(ctx), bytes); wait > 0 {
		return limited(events.CodeUsedUp, wait, "as much as is allowed has been uploaded; the recording stays on this device, come back later")
	}
	return nil
}

// mayReport lets the caller hand in a batch. Errors: CodeLimited.
func (s *Server) mayReport(ctx context.Context, batch []looseReport) error {
	var size int64
	for _, report := range batch {
		size += int64(len(report))
	}
	wait := s.limits.reports.Take(caller(ctx), 1)
	if wait == 0 {
		wait = s.limits.reportBytes.Take(caller(ctx), size)
	}
	if wait > 0 {
		return limited(events.CodeLimited, wait, "too much was reported; send the rest in a moment")
	}
	return nil
}

// Allowance holds each key to a rate. It is memory only (design section 6), and
// bounded: a key that many others came after is forgotten, and then has its
// whole allowance again.
type Allowance[K comparable] struct {
	rate Rate
	now  func() time.Time

	mu      sync.Mutex
	buckets recent[K, *rate.Limiter]
}

// NewAllowance starts with everything allowed.
func NewAllowance[K comparable](r Rate, now func() time.Time) *Allowance[K] {
	return &Allowance[K]{rate: r, now: now}
}

// Take uses n of a key's allowance. When that is not there it uses nothing and
// says how long it will be until it is; zero means taken. More than there can
// ever be at once is never taken.
func (a *Allowance[K]) Take(key K, n int64) (wait time.Duration) {
	if a.rate.Most == 0 {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	taken := a.buckets.of(key, a.full).ReserveN(now, int(n))
	if !taken.OK() {
		return math.MaxInt64
	}
	if wait = taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

// Left is how much of a key's allowance is there; nil when it has no limit.
func (a *Allowance[K]) Left(key K) *int64 {
	if a.rate.Most == 0 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	left := int64(max(0, a.buckets.of(key, a.full).TokensAt(a.now())))
	return &left
}

func (a *Allowance[K]) full() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(float64(a.rate.Most)/a.rate.Per.Seconds()), int(a.rate.Most))
}

// recent remembers the values of the keys that were asked for last: at least
// rememberedKeys of them, at most twice as many.
type recent[K comparable, V any] struct {
	young, old map[K]V // old is dropped whole when young is full
}

const rememberedKeys = 10_000

// of finds a key's value, or begins with a fresh one.
func (r *recent[K, V]) of(key K, fresh func() V) V {
	if found, there := r.young[key]; there {
		return found
	}
	found, there := r.old[key]
	if !there {
		found = fresh()
	}
	if r.young == nil || len(r.young) >= rememberedKeys {
		r.old, r.young = r.young, map[K]V{}
	}
	r.young[key] = found
	return found
}

// later is the cause within a refusal that time alone will lift.
type later struct{ wait time.Duration }

func (l *later) Error() string { return fmt.Sprintf("it will be allowed in %s", l.wait) }

// limited refuses for a while: a problem made of it answers 429 with
// Retry-After. The code is CodeLimited, CodeTooManyCalls or CodeUsedUp.
func limited(code events.Code, wait time.Duration, message string) error {
	return events.Wrap(&later{wait}, code, message)
}

// retryAfter is the header's value: whole seconds, rounded up, at most a day.
func retryAfter(wait time.Duration) http.Header {
	seconds := min(int64(math.Ceil(wait.Seconds())), int64((24 * time.Hour).Seconds()))
	return http.Header{"Retry-After": {strconv.FormatInt(max(seconds, 1), 10)}}
}
