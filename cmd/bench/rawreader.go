package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
)

// inserted lets plain speakers publish at a pace, reads along with a plain
// consumer, and inserts what it delivers, one row in one transaction.
func (s *system) inserted(ctx context.Context, raw *rawLog, speakers []*rawSpeaker, p pace) (_ sample, err error) {
	conn, err := pgx.Connect(ctx, s.at.Postgres.URL)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, "create table if not exists rawlog (position bigint primary key, subject text not null, body bytea not null)"); err != nil {
		return sample{}, err
	}
	reader := &rawReader{conn: conn, found: newSightings(), free: make(chan jetstream.Msg), done: make(chan struct{}), ended: make(chan error, 1)}
	if err := reader.start(ctx, raw); err != nil {
		return sample{}, err
	}
	stored, took, err := p.keep(ctx, len(speakers), func(ctx context.Context, i int) error {
		_, err := speakers[i].say(ctx)
		reader.found.ack(speakers[i].at)
		return err
	})
	if err := errors.Join(err, reader.stop()); err != nil {
		return sample{}, err
	}
	return sampleOf(stored, took, reader.found.delays()), nil
}

// rawReader inserts a message whenever it is free; it takes no notice of those
// that come meanwhile.
type rawReader struct {
	conn      *pgx.Conn
	found     *sightings
	free      chan jetstream.Msg
	done      chan struct{} // closed when no more is to be inserted
	ended     chan error
	consuming jetstream.ConsumeContext
}

func (r *rawReader) start(ctx context.Context, raw *rawLog) error {
	consumer, err := raw.js.OrderedConsumer(ctx, rawStream, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return err
	}
	go func() { r.ended <- r.insertAll(ctx) }()
	r.consuming, err = consumer.Consume(func(m jetstream.Msg) {
		select {
		case r.free <- m:
		default:
		}
	})
	if err != nil {
		close(r.done)
		return errors.Join(err, <-r.ended)
	}
	return nil
}

// stop does not close free: nats.go says that it is done while its last delivery may
// still be under way.
func (r *rawReader) stop() error {
	r.consuming.Stop()
	close(r.done)
	return <-r.ended
}

// insertAll goes on reading after an error, so that nobody waits for it.
func (r *rawReader) insertAll(ctx context.Context) (failed error) {
	for {
		select {
		case m := <-r.free:
			if failed == nil {
				failed = r.insert(ctx, m)
			}
		case <-r.done:
			return failed
		}
	}
}

func (r *rawReader) insert(ctx context.Context, m jetstream.Msg) error {
	about, err := m.Metadata()
	if err != nil {
		return err
	}
	_, err = r.conn.Exec(ctx, "insert into rawlog (position, subject, body) values ($1, $2, $3)", int64(about.Sequence.Stream), m.Subject(), m.Data())
	r.found.see(about.Sequence.Stream)
	return err
}
