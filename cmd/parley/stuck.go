package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/events"
	"parley/http"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/timekeeper"
)

// patient reads the whole log for sessions that are not settled. It asks the log and
// not the read models, so it is right while those are behind, or gone.
type patient struct {
	open  map[events.SessionID]*timekeeper.Session
	again map[events.SessionID]bool // settled once, and then something came
}

// stuckSessions finds the sessions in which nothing has happened for a time, the
// one that waits longest first.
func stuckSessions(ctx context.Context, log events.Log, quiet time.Duration, now time.Time, shown *progress) ([]http.StuckSession, error) {
	p := &patient{open: map[events.SessionID]*timekeeper.Session{}, again: map[events.SessionID]bool{}}
	if err := p.read(ctx, log, shown); err != nil {
		return nil, err
	}
	found := []http.StuckSession{}
	for _, s := range p.open {
		if now.Sub(s.Heard) >= quiet {
			found = append(found, diagnose(s, now))
		}
	}
	slices.SortFunc(found, longestFirst)
	return found, nil
}

func longestFirst(a, b http.StuckSession) int {
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
}

func (p *patient) read(ctx context.Context, log events.Log, shown *progress) error {
	if err := readThrough(ctx, log, shown, p.take); err != nil {
		return err
	}
	return p.lookAgain(ctx, log)
}

// take folds an event into its session; one that is settled is let go.
func (p *patient) take(e events.Event) {
	id, is := e.Aggregate.Session()
	if !is {
		return
	}
	s := p.open[id]
	if s == nil {
		if _, begins := e.Body.(*events.SessionStarted); !begins {
			p.again[id] = true
			return
		}
		s = timekeeper.NewSession(id)
		p.open[id] = s
	}
	s.Evolve(e)
	if settled(s.Session) {
		delete(p.open, id)
	}
}

func (p *patient) lookAgain(ctx context.Context, log events.Loader) error {
	for _, id := range slices.Sorted(maps.Keys(p.again)) {
		s, err := loadTimed(ctx, log, id)
		if err != nil {
			return err
		}
		if !settled(s.Session) {
			p.open[id] = s
		}
	}
	return nil
}

// loadTimed folds one session from the log.
func loadTimed(ctx context.Context, log events.Loader, id events.SessionID) (*timekeeper.Session, error) {
	evs, err := log.Load(ctx, id.Aggregate(), 0)
	s := timekeeper.NewSession(id)
	for _, e := range evs {
		s.Evolve(e)
	}
	return s, err
}

// settled tells whether there is nothing left to do for a session.
func settled(s *events.Session) bool {
	switch {
	case s.Erased != nil:
		return s.Erased.SweptAt != nil
	case s.Deleted != nil:
		return false
	}
	return s.Facts().Saved() && !owesLevels(s)
}

// lettersOfSessions are the first dead letter of each session that has one, as the read
// models know them. Errors: CodeUnavailable.
func lettersOfSessions(ctx context.Context, to reach) ([]projections.DeadLetter, error) {
	database, err := openViews(ctx, to)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	return postgres.NewViews(database, nil).FirstDeadLetters(ctx, events.KindOfSession)
}

// withLetters names what keeps sessions out of the read models, and adds those that
// nothing else keeps: no time heals an event that cannot be read. A subject that is no
// session's is for dead-letters alone to name: there is nothing to load or to remedy.
func withLetters(ctx context.Context, log events.Loader, found []http.StuckSession, letters []projections.DeadLetter, now time.Time) ([]http.StuckSession, error) {
	for _, letter := range letters {
		id, err := events.ParseID[events.SessionID](letter.Aggregate.ID)
		if err != nil {
			continue
		}
		i := slices.IndexFunc(found, func(s http.StuckSession) bool { return s.ID == id })
		if i < 0 {
			s, err := loadTimed(ctx, log, id)
			if err != nil {
				return nil, err
			}
			i = len(found)
			found = append(found, diagnose(s, now))
		}
		why := fmt.Sprintf("its event at %s (%s) is a dead letter (%s): it and what follows wait outside the read models. Run the version that can read it, then: parley dead-letters retry %s",
			letter.Position, letter.Type, letter.Reason, letter.Aggregate)
		found[i].Why = and(why, found[i].Why)
	}
	slices.SortFunc(found, longestFirst)
	return found, nil
}

// diagnose says why a session waits, for whom, and what can be done.
func diagnose(s *timekeeper.Session, now time.Time) http.StuckSession {
	d := http.StuckSession{ID: s.ID, Learner: s.Learner, Since: s.Heard, Remedies: []string{}}
	d.Status, d.Reason = statusOf(s.Session, now)
	facts := s.Facts()
	if settled(s.Session) || !s.Exists() && s.Erased == nil {
		return d
	}
	if !facts.Ended && s.Deleted == nil && s.Erased == nil {
		d.Why, d.Remedies = "it was never ended and nothing is heard of it: its page is gone", []string{remedyEnd, remedyResume, remedyWithout}
		return d
	}
	switch {
	case s.Erased != nil:
		d.Why, d.Remedies = "its words are unreadable, but not swept from the log yet; the eraser goes on by itself", []string{remedyResume}
	case s.Deleted != nil:
		d.Why, d.Remedies = "its deletion is not done; the eraser tries again by itself: see the log of serve for what fails", []string{remedyResume}
	case facts.Saved(): // and lacks its levels only
	case facts.Rejected != "" && !facts.AudioFinalized:
		d.Why, d.Remedies = refusedBecause(s.Session), []string{remedyFinalize, remedyWithout}
	case facts.UploadCompleted && !facts.AudioFinalized:
		d.Why, d.Remedies = "its recording lies in the store, and the finalizer has not decided about it", []string{remedyFinalize, remedyWithout}
	case facts.AudioFinalized || !facts.RecordingExpected:
		d.Why = "its browser still holds a part of the transcript; its next visit brings it"
	default:
		d.Why, d.Remedies = "its browser still holds the recording; its next visit brings it", []string{remedyWithout}
	}
	if facts.Through < facts.LastN {
		d.Why += fmt.Sprintf(" (reports 1 to %d of %d are in)", facts.Through, facts.LastN)
	}
	if owesLevels(s.Session) {
		d.Why = and(d.Why, "its recording has no levels, so it plays without a waveform: the measurer is behind, or gave up; see the log of serve for why")
		d.Remedies = append(d.Remedies, remedyResume)
	}
	return d
}

// and joins two reasons, of which either may be none.
func and(why, another string) string {
	if why == "" || another == "" {
		return why + another
	}
	return why + "; " + another
}
