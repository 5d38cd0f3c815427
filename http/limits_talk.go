package http

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"parley/events"
	"parley/projections"
)

// talkDay is the window that talk is counted in.
const talkDay = 24 * time.Hour

// callsWait is when to ask again while other calls are open: only a person ends
// them, so nobody can tell when.
const callsWait = time.Minute

// talkLimit counts open calls and talked time, by the server's own minting and
// clock only. A call is open from its session's first token until the session
// ends, or would have to. The read models remember that across restarts and for
// every process; memory adds what is happening now and what was erased since.
type talkLimit struct {
	calls   int           // at once; 0: no limit
	talk    time.Duration // within talkDay; 0: no limit
	longest time.Duration // of one session
	now     func() time.Time

	mu    sync.Mutex
	known recent[events.AccountID, *talked]
}

// talked is what is known of one account.
type talked struct {
	sessions map[events.SessionID]projections.Talk
	minting  map[events.SessionID]int
	promised map[events.SessionID]time.Time // until when each may be talked in
}

func newTalkLimit(calls int, talk, longest time.Duration, now func() time.Time) *talkLimit {
	return &talkLimit{calls: calls, talk: talk, longest: longest, now: now}
}

func newTalked() *talked {
	return &talked{map[events.SessionID]projections.Talk{}, map[events.SessionID]int{}, map[events.SessionID]time.Time{}}
}

// begin lets an account open a call in a session, and holds the place until
// done is told whether a token was given.
// Errors: CodeTooManyCalls, CodeUsedUp.
func (l *talkLimit) begin(account events.AccountID, session events.SessionID, told []projections.Talk) (done func(minted bool), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	of := l.known.of(account, newTalked)
	of.take(told, now.Add(-talkDay-l.longest))
	if open := l.open(of, session, now); l.calls > 0 && open >= l.calls {
		return nil, limited(events.CodeTooManyCalls, callsWait, fmt.Sprintf("%d of your sessions are being talked in, and no more are allowed at once; end one of them first", open))
	}
	if wait := l.wait(of, now); wait > 0 {
		return nil, limited(events.CodeUsedUp, wait, fmt.Sprintf("you have talked for %s within a day, and more is not allowed; come back later", l.talk))
	}
	left := l.rest(of, session, now)
	if l.talk > 0 && left == 0 {
		return nil, limited(events.CodeTooManyCalls, callsWait, "what you may still talk today is promised to your other sessions; end one of them first")
	}
	of.minting[session]++
	of.promised[session] = now.Add(min(left, l.longest))
	return func(minted bool) { l.done(of, session, minted) }, nil
}

func (l *talkLimit) done(of *talked, session events.SessionID, minted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of.minting[session]--; of.minting[session] == 0 {
		delete(of.minting, session)
	}
	_, there := of.sessions[session]
	switch {
	case there:
	case minted:
		of.sessions[session] = projections.Talk{Session: session, From: l.now()}
	case of.minting[session] == 0:
		delete(of.promised, session)
	}
}

// end notes that a session is over: ended, or deleted.
func (l *talkLimit) end(account events.AccountID, session events.SessionID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.known.of(account, newTalked)
	if talk, there := of.sessions[session]; there && talk.Until == nil {
		now := l.now()
		talk.Until = &now
		of.sessions[session] = talk
	}
}

// unended are the account's sessions that have a token and, as far as is known, no
// end.
func (l *talkLimit) unended(account events.AccountID, told []projections.Talk) []events.SessionID {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.known.of(account, newTalked)
	of.take(told, l.now().Add(-talkDay-l.longest))
	return slices.Sorted(maps.Keys(of.going("")))
}

// take adds what the read models tell. A session that is known to be over stays
// so: they may be a moment behind.
func (t *talked) take(told []projections.Talk, since time.Time) {
	for _, talk := range told {
		if known, there := t.sessions[talk.Session]; there && talk.Until == nil {
			talk.Until = known.Until
		}
		t.sessions[talk.Session] = talk
	}
	for id, talk := range t.sessions {
		if talk.From.Before(since) {
			delete(t.sessions, id)
			delete(t.promised, id)
		}
	}
}

// open counts the other sessions that are talked in.
func (l *talkLimit) open(of *talked, but events.SessionID, now time.Time) int {
	open := of.going(but)
	for id := range open {
		if talk, there := of.sessions[id]; there && of.minting[id] == 0 && !now.Before(talk.From.Add(l.longest)) {
			delete(open, id)
		}
	}
	return len(open)
}

// going are the other sessions that have or wait for a token, and no end.
func (t *talked) going(but events.SessionID) map[events.SessionID]bool {
	going := map[events.SessionID]bool{}
	for id := range t.minting {
		going[id] = true
	}
	for id, talk := range t.sessions {
		if talk.Until == nil {
			going[id] = true
		}
	}
	delete(going, but)
	return going
}

// wait is how long it takes until less than the allowed talk lies within the
// window; 0 when that is so already.
func (l *talkLimit) wait(of *talked, now time.Time) time.Duration {
	if l.talk == 0 {
		return 0
	}
	spans, used := l.spans(of, now)
	over := used - l.talk
	if over < 0 {
		return 0
	}
	slices.SortFunc(spans, func(a, b [2]time.Time) int { return a[0].Compare(b[0]) })
	for _, span := range spans {
		if length := span[1].Sub(span[0]); over >= length {
			over -= length
			continue
		}
		return cmp.Or(span[0].Add(over+talkDay).Sub(now), time.Nanosecond)
	}
	return time.Nanosecond
}

// spans are the parts of an account's talks that lie in the window, and their
// length in all.
func (l *talkLimit) spans(of *talked, now time.Time) (spans [][2]time.Time, used time.Duration) {
	for _, talk := range of.sessions {
		span := l.within(talk, now)
		used += span[1].Sub(span[0])
		spans = append(spans, span)
	}
	return spans, used
}

// left is how much an account may still talk within the window in one session; it
// means nothing where there is no limit.
func (l *talkLimit) left(account events.AccountID, session events.SessionID, told []projections.Talk) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	of := l.known.of(account, newTalked)
	of.take(told, now.Add(-talkDay-l.longest))
	return l.rest(of, session, now)
}

// rest is what neither was talked nor is promised to other sessions, which may all
// be talked in at once, each until its own end.
func (l *talkLimit) rest(of *talked, session events.SessionID, now time.Time) time.Duration {
	_, used := l.spans(of, now)
	rest := l.talk - used
	for id := range of.going(session) {
		until, known := of.promised[id]
		if talk, there := of.sessions[id]; there && (!known || talk.From.Add(l.longest).Before(until)) {
			until = talk.From.Add(l.longest)
		}
		rest -= max(0, until.Sub(now))
	}
	return max(0, rest)
}

// within is the part of a talk that lies in the window.
func (l *talkLimit) within(talk projections.Talk, now time.Time) [2]time.Time {
	until := talk.From.Add(l.longest)
	if talk.Until != nil && talk.Until.Before(until) {
		until = *talk.Until
	}
	if now.Before(until) {
		until = now
	}
	from := now.Add(-talkDay)
	if talk.From.After(from) {
		from = talk.From
	}
	if until.Before(from) {
		until = from
	}
	return [2]time.Time{from, until}
}
