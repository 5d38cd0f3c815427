package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/events/jetstream"
	"parley/projections/postgres"
)

// rebuild measures making the read models anew from a log of realistic sessions
// of 33 events, up to the switch. The vault is opened anew for each round, so
// that keys come from the log as after a restart. The baseline is the slower of
// two that do half of it each: a consumer that decodes nothing, and COPY of the
// same rows into the same tables.
func (b *bench) rebuild(ctx context.Context) (err error) {
	s, err := b.start(ctx, b.folder("rebuild"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	sessions := b.plan.events / wholeEvents
	if _, err := s.seed(ctx, sessions, wholeTalk); err != nil {
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	rows, err := s.copyRows(ctx)
	if err != nil {
		return err
	}
	events := sessions * wholeEvents
	rebuilding := timed(events, s.remake)
	consuming := timed(events, func(ctx context.Context) error { return s.consume(ctx, events) })
	copying := timed(events, rows.again)
	medians, err := b.plan.measure(ctx, rebuilding, consuming, copying)
	if err != nil {
		return err
	}
	subject, consumer, copied := medians[0].rate, medians[1].rate, medians[2].rate
	b.report.add(
		beside("rebuild_"+short(b.plan.events), subject, perSecond, min(consumer, copied)),
		beside("rebuild_beside_consumer", subject, perSecond, consumer),
		beside("rebuild_beside_copy", subject, perSecond, copied))
	return nil
}

// short is "1m" or "50k".
func short(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%dm", n/1_000_000)
	}
	return fmt.Sprintf("%dk", n/1_000)
}

// timed is a side that handles all events once.
func timed(events int, do func(context.Context) error) side {
	return func(ctx context.Context) (sample, error) {
		began := time.Now()
		err := do(ctx)
		return sample{rate: float64(events) / time.Since(began).Seconds()}, err
	}
}

// remake rebuilds as the operator's command does; rows that differ from the
// live ones are an error.
func (s *system) remake(ctx context.Context) error {
	log := jetstream.New(s.nc, jetstream.Config{MasterKey: s.master})
	if err := log.Open(ctx); err != nil {
		return err
	}
	defer log.Close()
	rebuilder := postgres.NewRebuilder(s.database, log.Vault(), log, log.Stream(), time.Now)
	_, err := rebuilder.Rebuild(ctx, false, func(postgres.Progress) {})
	return err
}
