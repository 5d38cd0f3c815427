package http

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
)

// Rate is how much may be used: Most at once, which comes back evenly within
// Per. The zero value sets no limit.
type Rate struct {
	Most int64 // how often, or how many bytes
	Per  time.Duration
}

// Allowance holds each key to a rate. It is memory only (design section 6), and
// bounded: of more than rememberedKeys keys the one longest unused may be
// forgotten, and then has its whole allowance again.
type Allowance[K comparable] struct {
	rate Rate
	now  func() time.Time

	mu         sync.Mutex
	young, old map[K]*rate.Limiter // old is dropped whole when young is full
}

// rememberedKeys bounds each of the two maps of an allowance: about 2 MB.
const rememberedKeys = 10_000

// NewAllowance starts with everything allowed.
func NewAllowance[K comparable](r Rate, now func() time.Time) *Allowance[K] {
	return &Allowance[K]{rate: r, now: now, young: map[K]*rate.Limiter{}}
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
	taken := a.of(key).ReserveN(now, int(n))
	if !taken.OK() {
		return math.MaxInt64
	}
	if wait = taken.DelayFrom(now); wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}

// of finds a key's bucket, and makes it young.
func (a *Allowance[K]) of(key K) *rate.Limiter {
	if found, there := a.young[key]; there {
		return found
	}
	found, there := a.old[key]
	if !there {
		found = rate.NewLimiter(rate.Limit(float64(a.rate.Most)/a.rate.Per.Seconds()), int(a.rate.Most))
	}
	if len(a.young) >= rememberedKeys {
		a.old, a.young = a.young, map[K]*rate.Limiter{}
	}
	a.young[key] = found
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
