package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/cmd/parley/embedded"
)

// settle runs a program until its projector and its workers have been through
// everything that was added while none ran: it would cost the first starts
// something otherwise.
func (b *bench) settle(ctx context.Context, dir string) (err error) {
	p, err := b.runProgram(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(ctx)) }()
	return settled(ctx, dir)
}

// settled returns when the program that runs on a folder is through.
func settled(ctx context.Context, dir string) (err error) {
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		return err
	}
	nc, err := nats.Connect(at.NATS.URL, nats.UserInfo(at.NATS.User, at.NATS.Password))
	if err != nil {
		return err
	}
	defer nc.Close()
	conn, err := pgx.Connect(ctx, at.Postgres.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	for {
		toWork, err := unworked(ctx, nc)
		if err != nil {
			return err
		}
		toProject, err := unprojected(ctx, nc, conn)
		if err != nil || toWork+toProject == 0 {
			return err
		}
		if err := until(ctx, time.Now().Add(settlePause)); err != nil {
			return err
		}
	}
}

// settlePause lies between two looks at how far the workers are.
const settlePause = 100 * time.Millisecond

// unworked is how many messages the server's durable consumers have before them.
func unworked(ctx context.Context, nc *nats.Conn) (uint64, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(answerWait))
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

// unprojected is how many positions of the log the read models do not have yet.
func unprojected(ctx context.Context, nc *nats.Conn, conn *pgx.Conn) (left uint64, err error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(answerWait))
	if err != nil {
		return 0, err
	}
	log, err := js.Stream(ctx, logStream)
	if err != nil {
		return 0, err
	}
	var reached uint64
	err = conn.QueryRow(ctx, "select coalesce(max(position), 0) from parley.checkpoints where stream = $1", logStream).Scan(&reached)
	return log.CachedInfo().State.LastSeq - reached, err
}

// logStream is the log's name on a server.
const logStream = "PARLEY"
