package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
)

// erase measures the erasure of one long session among many others by a real
// program: until it is unreadable, until it is swept, and what appends reach
// meanwhile beside what they reach in stretches as long before and after: the talks
// grow as they go on.
func (b *bench) erase(ctx context.Context) (err error) {
	dir := b.folder("erase")
	doomed, err := b.crowd(ctx, dir)
	if err != nil {
		return err
	}
	p, err := b.runProgram(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(ctx)) }()
	if err := settled(ctx, dir); err != nil {
		return err
	}
	s, err := b.attach(ctx, dir)
	if err != nil {
		return err
	}
	defer s.detach()
	talking, err := s.speakers(ctx, talkingAtOnce)
	if err != nil {
		return err
	}
	stretch := time.Duration(len(doomed.evs)) * time.Second / sweepRate
	before, err := talkFor(ctx, talking, stretch)
	if err != nil {
		return err
	}
	asked := time.Now()
	meanwhile, e, err := s.eraseWhile(ctx, doomed, talking)
	if err != nil {
		return err
	}
	after, err := talkFor(ctx, talking, stretch)
	if err != nil {
		return err
	}
	size := len(doomed.evs)
	b.report.add(
		alone(fmt.Sprintf("erase_%d_unreadable", size), ms(e.UnreadableAt.Sub(asked)), milliseconds),
		alone(fmt.Sprintf("erase_%d_swept", size), e.SweptAt.Sub(asked).Seconds(), seconds),
		beside("append_while_sweeping", meanwhile.rate, perSecond, (before.rate+after.rate)/2))
	return nil
}

// sweepRate is how many events a second the program overwrites by itself.
const sweepRate = 7

// talkFor lets sessions talk for a while.
func talkFor(ctx context.Context, talking []*speaker, stretch time.Duration) (sample, error) {
	end := time.Now().Add(stretch)
	return repeat(ctx, saying(talking), func(now time.Time) bool { return now.Before(end) })
}

// crowd makes a log of many brief sessions, and a long one in their midst.
func (b *bench) crowd(ctx context.Context, dir string) (doomed *talk, err error) {
	s, err := b.start(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	if _, err := s.seed(ctx, b.plan.others/2, briefTalk); err != nil {
		return nil, err
	}
	exchanges := (b.plan.erased - briefEvents) / exchangeEvents
	doomed = newTalk(events.AccountID(newID()), exchanges, time.Now())
	if _, err := s.log.Append(ctx, doomed.session.Aggregate(), events.ExpectNew(), doomed.evs...); err != nil {
		return nil, err
	}
	_, err = s.seed(ctx, b.plan.others-b.plan.others/2, briefTalk)
	return doomed, err
}

// attach opens the log of a program that runs on a folder.
func (b *bench) attach(ctx context.Context, dir string) (*system, error) {
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		return nil, err
	}
	options := append(jetstream.ConnectOptions(), nats.UserInfo(at.NATS.User, at.NATS.Password))
	nc, err := nats.Connect(at.NATS.URL, options...)
	if err != nil {
		return nil, err
	}
	s := &system{nc: nc, master: jetstream.MasterKeyFile(filepath.Join(dir, "keys", "master")), bench: b}
	s.log = jetstream.New(nc, jetstream.Config{MasterKey: s.master, AnswerWait: answerWait})
	if err := s.log.Open(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

// detach leaves the program as it is.
func (s *system) detach() {
	s.log.Close()
	s.nc.Close()
}

// eraseWhile asks for the erasure as the learner does, and lets sessions talk on
// until it is swept.
func (s *system) eraseWhile(ctx context.Context, doomed *talk, talking []*speaker) (meanwhile sample, e *events.SessionErased, err error) {
	if err := s.requestErasure(ctx, doomed); err != nil {
		return meanwhile, nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	swept := make(chan struct{})
	group.Go(func() (err error) {
		defer close(swept)
		e, err = s.awaitSwept(ctx, doomed.session)
		return err
	})
	group.Go(func() (err error) {
		meanwhile, err = repeat(ctx, saying(talking), func(time.Time) bool {
			select {
			case <-swept:
				return false
			default:
				return true
			}
		})
		return err
	})
	err = group.Wait()
	return meanwhile, e, err
}

func (s *system) requestErasure(ctx context.Context, doomed *talk) error {
	learner := doomed.evs[0].Body.(*events.SessionStarted).Learner
	stamp := events.Stamp{
		Actor: events.Actor(learner), Time: time.Now(), Correlation: newID(),
		NewID: func() events.EventID { return events.EventID(newID()) },
	}
	_, err := events.Execute(ctx, s.log, doomed.session.Aggregate(), events.NewSession(doomed.session), stamp,
		func(sn *events.Session) ([]events.Event, error) { return sn.RequestDelete(learner) })
	return err
}

// awaitSwept waits for the last tombstone. It loads what is new only: whoever loads
// the session again and again is what appends wait for.
func (s *system) awaitSwept(ctx context.Context, id events.SessionID) (*events.SessionErased, error) {
	var seen events.Position
	for {
		evs, err := s.log.Load(ctx, id.Aggregate(), seen)
		if err != nil {
			return nil, err
		}
		for _, e := range evs {
			seen = e.Position
			if b, is := e.Body.(*events.SessionErased); is && b.SweptAt != nil {
				return b, nil
			}
		}
		if err := until(ctx, time.Now().Add(settlePause)); err != nil {
			return nil, err
		}
	}
}
