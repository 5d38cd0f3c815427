package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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
			monitor := monitorOf(t, `{"server_id":"N1","server_name":"n1","version":"2.15.2","jetstream":`+c.shows+`}`, `{"routes":[]}`)
			config := Config{NATSURL: "nats://n1", NATSMonitorURL: monitor, AcceptUnknownDurability: c.accepted}
			if err := requireOf(t.Context(), config, "N1"); (err == nil) != c.starts {
				t.Errorf("got %v", err)
			}
			if got := durability(t.Context(), reach{config: config}, "N1"); len(got) != 1 || got[0].Verdict != c.doctor {
				t.Errorf("got %+v", got)
			}
		})
	}
	t.Run("each server of a cluster counts", func(t *testing.T) {
		const always = `"version":"2.15.2","jetstream":{"config":{"sync_always":true}}}`
		first := monitorOf(t, `{"server_id":"N1","server_name":"n1",`+always, `{"routes":[{"remote_id":"N2","remote_name":"n2"}]}`)
		second := monitorOf(t, `{"server_id":"N2","server_name":"n2",`+always, `{"routes":[{"remote_id":"N1","remote_name":"n1"}]}`)
		lazy := monitorOf(t, `{"server_id":"N2","server_name":"n2","version":"2.15.2","jetstream":{"config":{"sync_interval":120000000000}}}`, `{"routes":[]}`)
		for name, c := range map[string]struct {
			monitors, connected string
			accepted            bool
			says                string // empty: it starts
		}{
			"both are asked":                {first + "," + second, "N2", false, ""},
			"with a space":                  {first + ", " + second, "N2", false, ""},
			"one is not":                    {first, "N1", false, "n2 does not show"},
			"one is not, and that will":     {first, "N1", true, ""},
			"another is connected to":       {first + "," + second, "N3", false, "that is connected to does not show"},
			"the second syncs now and then": {first + "," + lazy, "N1", true, "n2 syncs every 2m0s"},
		} {
			config := Config{NATSURL: "nats://n1", NATSMonitorURL: c.monitors, AcceptUnknownDurability: c.accepted}
			err := requireOf(t.Context(), config, c.connected)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		found := durability(t.Context(), reach{config: Config{NATSURL: "nats://n1", NATSMonitorURL: first}}, "N1")
		if len(found) != 2 || found[0].Verdict != fine || found[1].Verdict != notice || !strings.Contains(found[1].Says, "n2") {
			t.Errorf("%+v", found)
		}
	})
	t.Run("does not answer", func(t *testing.T) {
		nobody := httptest.NewServer(nil)
		nobody.Close()
		config := Config{NATSURL: "nats://n1", NATSMonitorURL: nobody.URL}
		if err := requireOf(t.Context(), config, "N1"); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		config.AcceptUnknownDurability = true
		if err := requireOf(t.Context(), config, "N1"); err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a log that cannot be reached is no log to trust", func(t *testing.T) {
		config := Config{NATSURL: "nats://127.0.0.1:1", NATSMonitorURL: "http://127.0.0.1:1"}
		if err := requireDurability(t.Context(), config); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the embedded one needs no question", func(t *testing.T) {
		if err := requireDurability(t.Context(), Config{}); err != nil {
			t.Errorf("got %v", err)
		}
	})
}

// monitorOf is the monitoring of a server that shows that.
func monitorOf(t *testing.T, varz, routez string) (address string) {
	t.Helper()
	pages := http.NewServeMux()
	for path, page := range map[string]string{"/varz": varz, "/routez": routez} {
		pages.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	}
	monitor := httptest.NewServer(pages)
	t.Cleanup(monitor.Close)
	return monitor.URL
}
