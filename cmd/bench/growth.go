package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// growth lets one log grow and looks at each size at what should not grow with
// it: loading a session, appending, being ready again after a restart, and the
// memory that a session takes in the server. Sessions are brief, since what
// costs is their number.
func (b *bench) growth(ctx context.Context) error {
	dir := b.folder("growth")
	if _, err := b.restart(ctx, dir); err != nil { // the first start makes everything
		return err
	}
	empty, err := b.restarts(ctx, dir, 0)
	if err != nil {
		return err
	}
	b.report.add(alone("memory_0", empty/(1<<20), mebibytes))
	reached := 0
	for _, sessions := range b.plan.scales {
		if err := b.grow(ctx, dir, reached, sessions); err != nil {
			return err
		}
		if err := b.settle(ctx, dir); err != nil {
			return err
		}
		held, err := b.restarts(ctx, dir, sessions)
		if err != nil {
			return err
		}
		b.report.add(
			beside(fmt.Sprintf("memory_%d", sessions), held/(1<<20), mebibytes, empty/(1<<20)),
			alone(fmt.Sprintf("memory_per_session_%d", sessions), (held-empty)/float64(sessions), "B"))
		reached = sessions
	}
	return nil
}

// grow adds sessions and measures what one caller waits for.
// Appending is compared with the first size, loading with a plain consumer of the
// session's subject.
func (b *bench) grow(ctx context.Context, dir string, from, to int) (err error) {
	s, err := b.start(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	ids, err := s.seed(ctx, to-from, briefTalk)
	if err != nil {
		return err
	}
	one, err := s.speakers(ctx, 1)
	if err != nil {
		return err
	}
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	loading := func(ctx context.Context) (int, error) { return s.load(ctx, ids[rand.IntN(len(ids))]) }
	reading := func(ctx context.Context) (int, error) { return s.read(ctx, js, ids[rand.IntN(len(ids))]) }
	medians, err := b.plan.measure(ctx, b.rounds([]step{loading}), b.rounds([]step{reading}), b.rounds(saying(one)))
	if err != nil {
		return err
	}
	appended := fmt.Sprintf("append_at_%d", to)
	least := b.report.value(fmt.Sprintf("append_at_%d", b.plan.scales[0]))
	b.report.add(
		beside(appended, ms(medians[2].p50), milliseconds, least),
		beside(fmt.Sprintf("load_session_%d", to), ms(medians[0].p50), milliseconds, ms(medians[1].p50)))
	return nil
}

// load reads a session as a command does.
func (s *system) load(ctx context.Context, id events.SessionID) (int, error) {
	evs, err := s.log.Load(ctx, id.Aggregate(), 0)
	return len(evs), errors.Join(err, complete(id, len(evs)))
}

// read has the same messages from a plain consumer, and decodes nothing.
func (s *system) read(ctx context.Context, js jetstream.JetStream, id events.SessionID) (int, error) {
	consumer, err := js.OrderedConsumer(ctx, s.log.Stream(), jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"parley.session." + string(id)}, InactiveThreshold: consumerIdle,
	})
	if err != nil {
		return 0, err
	}
	batch, err := consumer.Fetch(briefEvents)
	if err != nil {
		return 0, err
	}
	read := 0
	for range batch.Messages() {
		read++
	}
	return read, errors.Join(batch.Error(), complete(id, read))
}

// consumerIdle is how long the server remembers a consumer that nobody asks;
// each reading makes one.
const consumerIdle = 100 * time.Millisecond

// complete tells of a session of which not everything was read.
func complete(id events.SessionID, read int) error {
	if read != briefEvents {
		return fmt.Errorf("session %s has %d events, not %d", id, read, briefEvents)
	}
	return nil
}

// restarts measures a program that comes back on the folder, beside its servers
// alone, NATS and PostgreSQL. It gives the bytes of memory that the program holds
// when it is ready.
func (b *bench) restarts(ctx context.Context, dir string, sessions int) (resident float64, err error) {
	again := func(ctx context.Context) (sample, error) { return b.restart(ctx, dir) }
	bare := func(ctx context.Context) (sample, error) { return b.restartServers(ctx, dir) }
	medians, err := b.plan.measure(ctx, again, bare)
	if err != nil {
		return 0, err
	}
	b.report.add(beside(fmt.Sprintf("restart_ready_%d", sessions), ms(medians[0].p50), milliseconds, ms(medians[1].p50)))
	return medians[0].bytes, nil
}

func (b *bench) restart(ctx context.Context, dir string) (sample, error) {
	p, err := b.runProgram(ctx, dir)
	if err != nil {
		return sample{}, err
	}
	held, err := p.resident(ctx)
	return sample{p50: p.ready, bytes: held}, errors.Join(err, p.stop(ctx))
}

func (b *bench) restartServers(ctx context.Context, dir string) (sample, error) {
	began := time.Now()
	s, err := b.startServers(ctx, dir)
	if err != nil {
		return sample{}, err
	}
	return sample{p50: time.Since(began)}, s.stop(ctx)
}
