package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"parley/events"
)

func TestDurabilityOfAForeignServer(t *testing.T) {
	for name, c := range map[string]struct {
		shows    string // of jetstream in /varz
		accepted bool
		starts   bool
		doctor   verdict
	}{
		"syncs always":                    {`{"config":{"sync_always":true,"sync_interval":120000000000}}`, false, true, fine},
		"syncs at intervals":              {`{"config":{"sync_interval":120000000000}}`, false, false, problem},
		"syncs at intervals, accepted":    {`{"config":{"sync_interval":120000000000}}`, true, false, problem},
		"does not show it":                {`{}`, false, false, notice},
		"does not show it, and that will": {`{}`, true, true, notice},
	} {
		t.Run(name, func(t *testing.T) {
			monitor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"server_name":"n1","version":"2.15.2","jetstream":%s}`, c.shows)
			}))
			defer monitor.Close()
			config := Config{NATSURL: "nats://n1", NATSMonitorURL: monitor.URL, AcceptUnknownDurability: c.accepted}
			if err := requireDurability(t.Context(), config); (err == nil) != c.starts {
				t.Errorf("got %v", err)
			}
			if got := durability(t.Context(), reach{config: config}); got.Verdict != c.doctor {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("does not answer", func(t *testing.T) {
		nobody := httptest.NewServer(nil)
		nobody.Close()
		config := Config{NATSURL: "nats://n1", NATSMonitorURL: nobody.URL}
		if err := requireDurability(t.Context(), config); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		config.AcceptUnknownDurability = true
		if err := requireDurability(t.Context(), config); err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the embedded one needs no question", func(t *testing.T) {
		if err := requireDurability(t.Context(), Config{}); err != nil {
			t.Errorf("got %v", err)
		}
	})
}
