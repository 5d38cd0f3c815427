package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
	"parley/projections"
	"parley/projections/postgres"
	"parley/projections/postgres/postgrestest"
)

// benchSessions is how many conversations the benchmark's log holds.
const benchSessions = 1500

// BenchmarkFromLogToRows carries a real log, sealed by the real vault, into
// rows: at full speed, as a rebuild does, with no key known at first.
func BenchmarkFromLogToRows(b *testing.B) {
	log := eventstest.NewBundle(b)
	fillLog(b, log)
	end, err := log.Log.Identity(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		cold := eventstest.OpenLog(b, log.Conn, jetstream.Config{})
		store := postgres.NewStore(postgrestest.Open(b, server.Config()), cold.Vault())
		b.StartTimer()
		if _, err := projections.Fill(b.Context(), cold, store, cold.Stream(), end.Last); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(end.Last)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// fillLog appends conversations, many at a time.
func fillLog(b *testing.B, log *eventstest.Bundle) {
	b.Helper()
	next := make(chan int)
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			for i := range next {
				id := events.SessionID(fmt.Sprintf("01KKNQ5E4800000000%08d", i))
				var bodies []events.Body
				for _, e := range talk(id, anna) {
					bodies = append(bodies, e.Body)
				}
				log.Append(b, id.Aggregate(), bodies...)
			}
		})
	}
	for i := range benchSessions {
		next <- i
	}
	close(next)
	writers.Wait()
}
