package postgres

import (
	"sync"

	"parley/events"
	"parley/projections"
)

// backlog is how many changes a hearer may leave untaken.
const backlog = 64

// hearers are those who want to know of changes.
type hearers struct {
	mu  sync.Mutex
	all map[*hearer]bool
}

type hearer struct {
	learner events.AccountID
	changes chan projections.Change
}

func newHearers() *hearers { return &hearers{all: map[*hearer]bool{}} }

func (h *hearers) add(learner events.AccountID) (<-chan projections.Change, func()) {
	one := &hearer{learner, make(chan projections.Change, backlog)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[one] = true
	return one.changes, sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.all, one)
		close(one.changes)
	})
}

func (h *hearers) none() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all) == 0
}

func (h *hearers) tell(c projections.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for one := range h.all {
		if one.learner == c.Learner {
			one.take(c)
		}
	}
}

func (h *hearers) resync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for one := range h.all {
		one.startAgain()
	}
}

// take never blocks.
func (one *hearer) take(c projections.Change) {
	select {
	case one.changes <- c:
	default:
		one.startAgain()
	}
}

// startAgain puts one Resync in place of all that was not taken. Only the
// holder of the lock sends, so that there is room after the emptying.
func (one *hearer) startAgain() {
	for {
		select {
		case <-one.changes:
		default:
			one.changes <- projections.Change{Resync: true}
			return
		}
	}
}
