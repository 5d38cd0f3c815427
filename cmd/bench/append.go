package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/events"
)

// speaker is one session that goes on: it appends a turn, waits for the answer,
// and appends the next.
type speaker struct {
	log    events.Appender
	talk   *talk
	at     events.Position
	turns  int
	stale  bool // every hundredth append expects what has gone by
	counts int
}

// speakers starts that many sessions, each with a first turn: its data key is
// made and known from there on.
func (s *system) speakers(ctx context.Context, n int) ([]*speaker, error) {
	all := make([]*speaker, n)
	starts := make([]step, n)
	for i := range all {
		sp := &speaker{log: s.log, talk: newTalk(events.AccountID(newID()), briefTalk, time.Now()), counts: i}
		all[i] = sp
		starts[i] = func(ctx context.Context) (stored int, err error) {
			sp.at, err = s.log.Append(ctx, sp.talk.session.Aggregate(), events.ExpectNew(), sp.talk.evs...)
			return len(sp.talk.evs), err
		}
	}
	return all, once(ctx, starts)
}

// say appends one turn.
func (s *speaker) say(ctx context.Context) (int, error) {
	s.counts++
	if s.stale && s.counts%100 == 0 {
		return 0, s.collide(ctx)
	}
	at, err := s.append(ctx, s.at)
	if err != nil {
		return 0, err
	}
	s.at = at
	return 1, nil
}

func (s *speaker) append(ctx context.Context, behind events.Position) (events.Position, error) {
	s.turns++
	s.talk.evs = s.talk.evs[:0]
	s.talk.report(turn(fmt.Sprintf("item_%d", s.turns), events.Final))
	return s.log.Append(ctx, s.talk.session.Aggregate(), events.ExpectAt(behind), s.talk.evs...)
}

// collide appends as one that has not seen the last events.
func (s *speaker) collide(ctx context.Context) error {
	_, err := s.append(ctx, 0)
	switch events.CodeOf(err) {
	case events.CodeConflict:
		return nil
	case "":
		return errors.New("an append behind nothing was taken")
	}
	return err
}

// conflicting makes speakers of whom one append in a hundred collides.
func conflicting(all []*speaker) []*speaker {
	for _, s := range all {
		s.stale = true
	}
	return all
}

// saying are the steps of speakers.
func saying[S interface {
	say(context.Context) (int, error)
}](speakers []S) []step {
	steps := make([]step, len(speakers))
	for i, s := range speakers {
		steps[i] = s.say
	}
	return steps
}

// rounds is a side in which all callers repeat their step.
func (b *bench) rounds(callers []step) side {
	return func(ctx context.Context) (sample, error) { return together(ctx, b.plan.round, callers) }
}

// closerAt is with how many callers conflicts are looked at, and what the
// server itself takes at most.
const closerAt = 256

// appends measures durable events with more and more callers that wait for
// their answer at the same time, beside as many plain guarded publishes.
func (b *bench) appends(ctx context.Context) (err error) {
	s, err := b.start(ctx, b.folder("append"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	first, err := s.speakers(ctx, 1)
	if err != nil {
		return err
	}
	if _, err := first[0].say(ctx); err != nil {
		return err
	}
	raw, err := s.openRawLog(ctx, first[0].at)
	if err != nil {
		return err
	}
	defer raw.close()
	for _, callers := range []int{1, 16, 256, 1024} {
		if err := b.appendWith(ctx, s, raw, callers); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) appendWith(ctx context.Context, s *system, raw *rawLog, callers int) error {
	ours, err := s.speakers(ctx, callers)
	if err != nil {
		return err
	}
	plain := make([]*rawSpeaker, callers)
	for i := range plain {
		plain[i] = raw.speaker()
	}
	if err := once(ctx, saying(plain)); err != nil {
		return err
	}
	sides := []side{b.rounds(saying(ours)), b.rounds(saying(plain))}
	if callers == closerAt {
		colliding, err := s.speakers(ctx, callers)
		if err != nil {
			return err
		}
		sides = append(sides, b.rounds(saying(conflicting(colliding))), b.rounds([]step{raw.chorus(callers)}))
	}
	medians, err := b.plan.measure(ctx, sides...)
	if err != nil {
		return err
	}
	b.compare(fmt.Sprintf("append_%d", callers), medians[0], medians[1])
	if callers == closerAt {
		b.compare("append_conflicts", medians[2], medians[0])
		b.report.add(beside(fmt.Sprintf("append_%d_beside_batches", callers), medians[0].rate, perSecond, medians[3].rate))
	}
	return nil
}

// compare reports rate and answer times.
func (b *bench) compare(name string, subject, baseline sample) {
	b.report.add(
		beside(name, subject.rate, perSecond, baseline.rate),
		beside(name+"_p50", ms(subject.p50), milliseconds, ms(baseline.p50)),
		beside(name+"_p99", ms(subject.p99), milliseconds, ms(baseline.p99)))
}
