package jetstream_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"parley/events"
	"parley/events/eventstest"
)

// BenchmarkAppend has many sessions append at once, each waiting for its answer
// on a server that syncs before it answers; plain is a guarded publish of the
// same message by nats.go.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 32, 64, 256, 1024} {
		b.Run(fmt.Sprintf("log/%d", callers), func(b *testing.B) {
			bundle := eventstest.NewBundle(b)
			together(b, callers, func(ctx context.Context, of events.SessionID, n int, last uint64) (uint64, error) {
				at, err := bundle.Log.Append(ctx, of.Aggregate(), events.ExpectAt(events.Position(last)), eventstest.Turns(of, 1, n)...)
				return uint64(at), err
			})
		})
		b.Run(fmt.Sprintf("plain/%d", callers), func(b *testing.B) {
			js, model := plain(b)
			together(b, callers, func(ctx context.Context, of events.SessionID, _ int, last uint64) (uint64, error) {
				ack, err := js.PublishMsg(ctx, &nats.Msg{Subject: "parley.session." + string(of), Data: model.Data, Header: maps.Clone(model.Header)},
					natsjs.WithExpectStream("PARLEY"), natsjs.WithExpectLastSequencePerSubject(last))
				if err != nil {
					return 0, err
				}
				return ack.Sequence, nil
			})
		})
	}
	b.Run("conflicts/256", func(b *testing.B) {
		bundle := eventstest.NewBundle(b)
		together(b, 256, func(ctx context.Context, of events.SessionID, n int, last uint64) (uint64, error) {
			if n%100 == 99 { // decided from what is no longer the last
				_, err := bundle.Log.Append(ctx, of.Aggregate(), events.ExpectAt(events.Position(last-1)), eventstest.Turns(of, 1, n)...)
				if events.CodeOf(err) != events.CodeConflict {
					return 0, fmt.Errorf("no conflict: %w", err)
				}
			}
			at, err := bundle.Log.Append(ctx, of.Aggregate(), events.ExpectAt(events.Position(last)), eventstest.Turns(of, 1, n)...)
			return uint64(at), err
		})
	})
}

// plain gives nats.go's own door to a server like the log's, and a message as
// the log stores it.
func plain(b *testing.B) (natsjs.JetStream, *nats.Msg) {
	bundle := eventstest.NewBundle(b)
	at := bundle.Append(b, anna.Aggregate(), eventstest.Turns(anna, 1, 1)[0].Body)
	js, err := natsjs.New(bundle.Conn)
	if err != nil {
		b.Fatal(err)
	}
	stream, err := js.Stream(b.Context(), "PARLEY")
	if err != nil {
		b.Fatal(err)
	}
	m, err := stream.GetMsg(b.Context(), uint64(at))
	if err != nil {
		b.Fatal(err)
	}
	m.Header.Del(natsjs.ExpectedLastSubjSeqHeader)
	return js, &nats.Msg{Header: m.Header, Data: m.Data}
}

// together has callers append b.N events in all, each to a session of its own.
func together(b *testing.B, callers int, appendOne func(ctx context.Context, of events.SessionID, n int, last uint64) (uint64, error)) {
	var left atomic.Int64
	var all sync.WaitGroup
	left.Store(int64(b.N))
	took := make([][]time.Duration, callers)
	b.ResetTimer()
	for i := range callers {
		all.Go(func() {
			of := events.SessionID("01KKNQ5E48000000000000" + fmt.Sprintf("%04s", strconv.FormatInt(int64(i), 32)))
			var last uint64
			for n := 1; left.Add(-1) >= 0; n++ {
				began := time.Now()
				at, err := appendOne(b.Context(), of, n, last)
				if err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(began))
				last = at
			}
		})
	}
	all.Wait()
	b.StopTimer()
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(0, "ns/op")
}
