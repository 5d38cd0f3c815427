package jetstream

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// checkText is what the key stream's metadata holds under the master key, so
// that a wrong one is noticed before it wraps anything.
const checkText = "parley"

// markerHeader tells a destroyed key's last message from a key. It is a header
// so that watching needs no bodies.
const markerHeader = "Parley-Destroyed"

func markerMessage(subject string, expected uint64, at time.Time) *nats.Msg {
	m := &nats.Msg{Subject: subject, Header: nats.Header{markerHeader: {at.UTC().Format(timeLayout)}}}
	guard(m, keyStream, expected)
	return m
}

func isMarker(h nats.Header) bool { return h.Get(markerHeader) != "" }

// open checks the master key against the key stream, which is made at the first
// start, and begins to watch for keys that other instances destroy.
func (v *Vault) open(ctx context.Context) error {
	info, err := lookUp(ctx, v.publisher.js, keyStream)
	if err != nil {
		return err
	}
	master, err := v.config.MasterKey.load(info == nil, v.config.Random)
	if err != nil {
		return err
	}
	if info == nil {
		if info, err = v.makeStream(ctx, master); err != nil {
			return err
		}
	}
	if err := checkMaster(master, info); err != nil {
		return err
	}
	if v.stop, err = v.watch(ctx, info.State.LastSeq+1); err != nil {
		return err
	}
	v.master = &dataKey{bytes: [keySize]byte(master)}
	return nil
}

func (v *Vault) makeStream(ctx context.Context, master []byte) (*jetstream.StreamInfo, error) {
	check, err := sealBytes(master, v.config.Random, []byte(checkText), frame(checkMetadata))
	if err != nil {
		return nil, err
	}
	return ensure(ctx, v.publisher.js, keyConfig(v.config.Replicas, base64.StdEncoding.EncodeToString(check)))
}

func checkMaster(master []byte, info *jetstream.StreamInfo) error {
	check, err := base64.StdEncoding.DecodeString(info.Config.Metadata[checkMetadata])
	if err == nil {
		_, err = openBytes(master, check, frame(checkMetadata))
	}
	if err != nil {
		return events.Wrap(err, events.CodeInvalid, "the master key is not the one that wraps the data keys of this event log")
	}
	return nil
}

// watch destroys in memory what another instance destroys in the stream.
func (v *Vault) watch(ctx context.Context, from uint64) (stop func(), err error) {
	consumer, err := v.publisher.js.OrderedConsumer(ctx, keyStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   from,
		HeadersOnly:   true,
	})
	if err != nil {
		return nil, unavailable(err, "the key stream cannot be watched")
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	watching, err := consumer.Consume(func(m jetstream.Msg) { v.learn(ctx, m) })
	if err != nil {
		cancel()
		return nil, unavailable(err, "the key stream cannot be watched")
	}
	return func() { cancel(); watching.Stop(); <-watching.Closed() }, nil
}

// learn waits for its turn, so that a key which is just being fetched is gone
// afterwards.
func (v *Vault) learn(ctx context.Context, m jetstream.Msg) {
	if !isMarker(m.Headers()) {
		return
	}
	done, err := v.turns.take(ctx, m.Subject())
	if err != nil {
		return // the vault closes
	}
	defer done()
	v.keys.destroy(m.Subject())
}

// close ends the watch and forgets the keys.
func (v *Vault) close() {
	v.stop()
	v.stop = func() {}
	v.keys.empty()
}
