package http

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/events"
	"parley/http/realtime"
	"parley/projections"
)

func TestUnknownEventsAreMeasured(t *testing.T) {
	var tally realtime.Tally
	m := newMetrics(&tally, time.Now)
	for range 3 {
		tally.Add(realtime.Event{Type: "brand.new", Body: realtime.Unknown{}})
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "parley_provider_events_skipped_total" {
			continue
		}
		one := family.GetMetric()[0]
		if one.GetLabel()[0].GetValue() != "brand.new" || one.GetCounter().GetValue() != 3 {
			t.Errorf("%v", one)
		}
		return
	}
	t.Error("they are not measured")
}

// gauged is operations of which only the lag is asked.
type gauged struct {
	Operations
	lag projections.Lag
	err error
}

func (g gauged) Lag(context.Context) (projections.Lag, error) { return g.lag, g.err }

func TestLagIsMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		of   gauged
		want map[string]float64
	}{
		"behind": {gauged{lag: projections.Lag{Events: 7, Seconds: 2.5, Trend: -3, Standing: true}},
			map[string]float64{"parley_lag_known": 1, "parley_lag_events": 7, "parley_lag_seconds": 2.5, "parley_lag_trend": -3, "parley_lag_standing": 1, "parley_projector_dead": 0}},
		"no projector": {gauged{lag: projections.Lag{Dead: true}},
			map[string]float64{"parley_lag_known": 1, "parley_lag_events": 0, "parley_lag_seconds": 0, "parley_lag_trend": 0, "parley_lag_standing": 0, "parley_projector_dead": 1}},
		"a server is away, which is no lag of zero": {gauged{err: events.Errorf(events.CodeUnavailable, "away")},
			map[string]float64{"parley_lag_known": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(lagging{c.of})
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, family := range families {
				got[family.GetName()] = family.GetMetric()[0].GetGauge().GetValue()
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
