package jetstream_test

import (
	"fmt"
	"testing"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

// BenchmarkVaultLoad fetches the keys of one batch of a rebuild: one at a time, as
// they are asked for, and by Load.
func BenchmarkVaultLoad(b *testing.B) {
	const owners = 1000
	w := eventstest.NewBundle(b)
	all := make([]events.Aggregate, owners)
	for i := range all {
		all[i] = events.SessionID(fmt.Sprintf("01KKNQ5E48000000000000%04d", i)).Aggregate()
		if _, err := w.Vault.Seal(b.Context(), all[i], all[i], "id", events.KindSegmentPlaced, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
	for name, load := range map[string]func(*jetstream.Vault) error{
		"by Load": func(v *jetstream.Vault) error { return v.Load(b.Context(), all) },
		"one at a time": func(v *jetstream.Vault) error {
			for i := range all {
				if err := v.Load(b.Context(), all[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				log := eventstest.OpenLog(b, w.NATS.Connect(), jetstream.Config{})
				b.StartTimer()
				if err := load(log.Vault()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(owners)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}
