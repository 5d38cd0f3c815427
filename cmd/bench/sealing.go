package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/postgres"
)

// sealedAtOnce is how many callers append while sealing is looked at: enough for
// the processor, and not the disk, to decide.
const sealedAtOnce = 256

// sealing measures what privacy costs: appending events that are sealed beside
// events of the same size that are not, and filling read models with opening,
// the keys and the keyed hashes of words beside without.
func (b *bench) sealing(ctx context.Context) (err error) {
	s, err := b.start(ctx, b.folder("sealing"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	if err := b.sealedRebuild(ctx, s); err != nil {
		return err
	}
	return b.sealedAppend(ctx, s)
}

// writer revises one topic over and over: a learner's own, whose text is sealed,
// or one of the catalogue, whose text is in the clear.
type writer struct {
	log   events.Appender
	topic events.TopicID
	body  *events.TopicRevised
	at    events.Position
}

func (w *writer) say(ctx context.Context) (int, error) {
	behind := events.ExpectAt(w.at)
	at, err := w.log.Append(ctx, w.topic.Aggregate(), behind, events.Event{
		ID: events.EventID(newID()), Aggregate: w.topic.Aggregate(), Time: time.Now().UTC().Truncate(time.Millisecond),
		Actor: events.System("bench"), Body: w.body,
	})
	if err != nil {
		return 0, err
	}
	w.at = at
	return 1, nil
}

// newWriter makes a writer of bodies that are as long in the log as the other
// kind's: what is clear is filled up to what sealing would make of it.
func newWriter(log events.Appender, own bool) (*writer, error) {
	text := events.TopicText{Title: sentence()}
	sealed := &events.TopicRevised{Language: "es", Level: "A2", Owner: events.AccountID(newID()), Private: text}
	w := &writer{log: log, topic: events.TopicID(newID()), body: sealed}
	if own {
		return w, nil
	}
	want, err := stored(sealed)
	if err != nil {
		return nil, err
	}
	w.body = &events.TopicRevised{Language: "es", Level: "A2", Public: &text}
	has, err := stored(w.body)
	text.Title += strings.Repeat(".", want-has)
	return w, err
}

// stored is how long a body is in the log, in bytes; what is sealed is its last
// member (events/jetstream, body.go), with nonce and tag.
func stored(body events.Body) (int, error) {
	clear, private, err := events.EncodeBody(body)
	if private == nil {
		return len(clear), err
	}
	const nonce, tag = 12, 16
	return len(clear) + len(`,"sealed":""`) + base64.StdEncoding.EncodedLen(nonce+len(private)+tag), err
}

func (s *system) writers(ctx context.Context, own bool) (all []*writer, err error) {
	all = make([]*writer, sealedAtOnce)
	for i := range all {
		if all[i], err = newWriter(s.log, own); err != nil {
			return nil, err
		}
	}
	return all, once(ctx, saying(all))
}

func (b *bench) sealedAppend(ctx context.Context, s *system) error {
	sealed, err := s.writers(ctx, true)
	if err != nil {
		return err
	}
	clear, err := s.writers(ctx, false)
	if err != nil {
		return err
	}
	medians, err := b.plan.measure(ctx, b.rounds(saying(sealed)), b.rounds(saying(clear)))
	if err != nil {
		return err
	}
	b.cost("append", medians[0].rate, medians[1].rate)
	return b.sealedAlone(ctx, s, sealed)
}

// sealedAlone is how many texts one caller seals in a second: beside the rate of
// appends it bounds what sealing can cost, whatever the disk does meanwhile.
func (b *bench) sealedAlone(ctx context.Context, s *system, writers []*writer) error {
	one := writers[0]
	_, private, err := events.EncodeBody(one.body)
	if err != nil {
		return err
	}
	seal := func(ctx context.Context) (int, error) {
		_, err := s.log.Vault().Seal(ctx, one.body.Owner.Aggregate(), one.topic.Aggregate(), events.EventID(newID()), one.body.Kind(), private)
		return 1, err
	}
	medians, err := b.plan.measure(ctx, b.rounds([]step{seal}))
	if err != nil {
		return err
	}
	b.report.add(
		alone("sealing_alone", medians[0].rate, perSecond),
		alone("sealing_of_append_at_most", 100*b.report.value("append_sealed")/medians[0].rate, percent))
	return nil
}

// sealedRebuild fills new read models from a log that is opened on the way, with
// a vault that knows no key yet, beside the same without: what is sealed stays
// so, and no words are hashed.
func (b *bench) sealedRebuild(ctx context.Context, s *system) error {
	sessions := b.plan.sealed / wholeEvents
	if _, err := s.seed(ctx, sessions, wholeTalk); err != nil {
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	filling := func(opening bool) side {
		return func(ctx context.Context) (sample, error) {
			took, err := s.fill(ctx, opening)
			return sample{rate: float64(sessions*wholeEvents) / took.Seconds()}, err
		}
	}
	medians, err := b.plan.measure(ctx, filling(true), filling(false))
	if err != nil {
		return err
	}
	b.cost("rebuild", medians[0].rate, medians[1].rate)
	return nil
}

// cost reports rates with and without sealing, and what part of the rate it takes.
func (b *bench) cost(name string, on, off float64) {
	b.report.add(
		beside(name+"_sealed", on, perSecond, off),
		alone("sealing_of_"+name, 100*(off-on)/off, percent))
}

// fill tells how long a scratch version of the read models takes to be filled.
func (s *system) fill(ctx context.Context, opening bool) (took time.Duration, err error) {
	log := jetstream.New(s.nc, jetstream.Config{MasterKey: s.master})
	if err := log.Open(ctx); err != nil {
		return 0, err
	}
	defer log.Close()
	began := time.Now()
	rebuilder := postgres.NewRebuilder(s.database, log.Vault(), pages{log, opening}, log.Stream(), time.Now)
	_, err = rebuilder.Verify(ctx, func(p postgres.Progress) {
		if p.Step == postgres.StepComparing {
			took = time.Since(began)
		}
	})
	return took, err
}

// pages is the log, read in the clear; with opening it opens what is sealed.
type pages struct {
	*jetstream.Log
	opening bool
}

// Follow reads up to the log's present end, and then waits until nobody wants more.
func (p pages) Follow(ctx context.Context, after events.Position, max int, deliver func([]events.Event) error) error {
	var batch []events.Event
	for {
		page, err := p.Browse(ctx, events.Filter{After: after, Limit: min(max, events.MaxBrowse)})
		if err != nil {
			return err
		}
		batch, after = append(batch, page.Events...), page.Through
		if page.More && len(batch)+events.MaxBrowse <= max {
			continue
		}
		if len(batch) > 0 {
			if err := p.hand(ctx, batch, deliver); err != nil {
				return err
			}
		}
		batch = nil
		if !page.More {
			<-ctx.Done()
			return ctx.Err()
		}
	}
}

func (p pages) hand(ctx context.Context, batch []events.Event, deliver func([]events.Event) error) error {
	if p.opening {
		if err := p.open(ctx, batch); err != nil {
			return err
		}
	}
	return deliver(batch)
}

func (p pages) open(ctx context.Context, batch []events.Event) error {
	var owners []events.Aggregate
	for _, e := range batch {
		if e.Sealed != nil {
			owners = append(owners, e.KeyOwner())
		}
	}
	if err := p.Vault().Load(ctx, owners); err != nil {
		return err
	}
	for _, e := range batch {
		body, is := e.Body.(events.Sealable)
		if e.Sealed == nil || !is {
			continue
		}
		private, err := p.Vault().Open(ctx, e.KeyOwner(), e.Aggregate, e.ID, e.Body.Kind(), e.Sealed)
		if err != nil {
			return err
		}
		if err := events.DecodePrivate(body, private); err != nil {
			return err
		}
	}
	return nil
}
