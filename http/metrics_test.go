package http

import (
	"testing"
	"time"

	"parley/http/realtime"
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
