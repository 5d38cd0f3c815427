package jetstream

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// requestWait bounds one request to the server about a stream or a consumer.
const requestWait = 5 * time.Second

// bounded gives each such request its own end. nats.go bounds only those of
// callers without a deadline; another one would wait for an answer that was lost
// in a change of leaders as long as it has time, and not ask again.
type bounded struct{ jetstream.JetStream }

func (b bounded) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.Stream(ctx, name)
}

func (b bounded) CreateStream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.CreateStream(ctx, config)
}

func (b bounded) UpdateStream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.UpdateStream(ctx, config)
}

func (b bounded) OrderedConsumer(ctx context.Context, stream string, config jetstream.OrderedConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.OrderedConsumer(ctx, stream, config)
}

func (b bounded) CreateOrUpdateConsumer(ctx context.Context, stream string, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.CreateOrUpdateConsumer(ctx, stream, config)
}

func (b bounded) Consumer(ctx context.Context, stream, name string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	return b.JetStream.Consumer(ctx, stream, name)
}
