package http

import (
	linked "container/list"
	"sync"
	"time"

	"parley/events"
)

// Bounds of the sessions in memory. They hold what was said: nothing stays
// longer than a talk needs it, and no talk takes more the longer it lasts.
const (
	recentTalks = 2_000
	recentItems = 64 // and responses, of each; some 400 bytes with their words
	recentIdle  = time.Minute
)

// talking keeps the sessions that reports came for last, folded, so that the
// next report need not read its session from the start: a talk of an hour has
// thousands of events. Whoever takes one has it alone; the guard of its append
// finds out when it has fallen behind the log.
type talking struct {
	now func() time.Time

	mu    sync.Mutex
	byID  map[events.SessionID]*linked.Element
	order linked.List // of *folded, the one put last in front
}

// folded is a session up to a position.
type folded struct {
	session *events.Session
	at      events.Position
	put     time.Time
}

func newTalking(now func() time.Time) *talking {
	return &talking{now: now, byID: map[events.SessionID]*linked.Element{}}
}

// take gives a session out, or a new one at position 0.
func (r *talking) take(id events.SessionID) (*events.Session, events.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	element := r.byID[id]
	if element == nil {
		return events.NewSession(id), 0
	}
	held := r.remove(element)
	return held.session, held.at
}

// put takes a session back that nobody else uses. One that was deleted is
// forgotten.
func (r *talking) put(session *events.Session, at events.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if element := r.byID[session.ID]; element != nil {
		r.remove(element) // another one read it meanwhile
	}
	if session.Deleted != nil || session.Erased != nil {
		return
	}
	session.Abridge(recentItems)
	r.byID[session.ID] = r.order.PushFront(&folded{session, at, r.now()})
	r.prune()
}

// forget lets a session go.
func (r *talking) forget(id events.SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if element := r.byID[id]; element != nil {
		r.remove(element)
	}
}

// prune lets go what has been idle, and the oldest of too much.
func (r *talking) prune() {
	for oldest := r.order.Back(); oldest != nil; oldest = r.order.Back() {
		isIdle := r.now().Sub(oldest.Value.(*folded).put) > recentIdle
		if !isIdle && len(r.byID) <= recentTalks {
			return
		}
		r.remove(oldest)
	}
}

func (r *talking) remove(element *linked.Element) *folded {
	held := r.order.Remove(element).(*folded)
	delete(r.byID, held.session.ID)
	return held
}
