package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// settle runs a program until its workers have been through everything that was
// added while none ran: it would cost the first starts something otherwise.
func (b *bench) settle(ctx context.Context, dir string) (err error) {
	p, err := b.runProgram(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(ctx)) }()
	nc, err := p.connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	for {
		left, err := unread(ctx, nc)
		if err != nil || left == 0 {
			return err
		}
		if err := until(ctx, time.Now().Add(settlePause)); err != nil {
			return err
		}
	}
}

// settlePause lies between two looks at how far the workers are.
const settlePause = 100 * time.Millisecond

// unread is how many messages the server's durable consumers have before them.
func unread(ctx context.Context, nc *nats.Conn) (uint64, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	left := uint64(0)
	streams := js.ListStreams(ctx)
	for about := range streams.Info() {
		stream, err := js.Stream(ctx, about.Config.Name)
		if err != nil {
			return 0, err
		}
		consumers := stream.ListConsumers(ctx)
		for c := range consumers.Info() {
			if c.Config.Durable != "" {
				left += c.NumPending + uint64(c.NumAckPending)
			}
		}
		if err := consumers.Err(); err != nil {
			return 0, err
		}
	}
	return left, streams.Err()
}
