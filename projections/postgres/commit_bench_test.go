package postgres_test

import (
	"fmt"
	"testing"

	"parley/events"
	"parley/projections"
	"parley/projections/postgres"
)

// BenchmarkCommit writes whole conversations in the largest batches.
func BenchmarkCommit(b *testing.B) {
	db, keys := server.Open(b), newVault()
	store := postgres.NewStore(db, keys)
	var evs []events.Event
	for i := 0; len(evs) < 5*projections.MaxBatch; i++ {
		evs = append(evs, talk(events.SessionID(fmt.Sprintf("01KKNQ5E48000000000%07d", i)), anna)...)
	}
	log := tapeOf(evs...)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if err := store.Clear(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		project(b, log, store)
	}
	b.ReportMetric(float64(len(log.all)*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSmallCommit writes one event at a time, as it is while few talk.
func BenchmarkSmallCommit(b *testing.B) {
	db, keys := server.Open(b), newVault()
	store := postgres.NewStore(db, keys)
	var evs []events.Event
	for i := 0; len(evs) < b.N; i++ {
		evs = append(evs, talk(events.SessionID(fmt.Sprintf("01KKNQ5E48000000000%07d", i)), anna)...)
	}
	log := tapeOf(evs...)
	at, err := store.Claim(b.Context(), "PARLEY")
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		if at, err = store.Commit(b.Context(), at, log.identity, log.all[i:i+1]); err != nil {
			b.Fatal(err)
		}
	}
}
