package jetstream_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"parley/events"
	"parley/events/eventstest"
	"parley/events/jetstream"
)

func TestCheckDurability(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server.Options)
		want   jetstream.Durability
	}{
		"syncs always": {
			func(o *server.Options) { o.SyncAlways = true },
			jetstream.Durability{Mode: jetstream.SyncsAlways}},
		"syncs at intervals": {
			func(o *server.Options) { o.SyncAlways, o.SyncInterval = false, time.Minute },
			jetstream.Durability{Mode: jetstream.SyncsAtIntervals, Interval: time.Minute}},
		"syncs every two minutes unless it is told": {
			func(o *server.Options) { o.SyncAlways = false },
			jetstream.Durability{Mode: jetstream.SyncsAtIntervals, Interval: 2 * time.Minute}},
		"is unknown of a server without JetStream": {
			func(o *server.Options) { o.JetStream = false },
			jetstream.Durability{Mode: jetstream.DurabilityUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			n := eventstest.StartNATS(t, func(o *server.Options) {
				o.ServerName, o.HTTPHost, o.HTTPPort = "foreign", "127.0.0.1", server.RANDOM_PORT
				c.change(o)
			})
			got, err := jetstream.CheckDurability(t.Context(), n.MonitorURL())
			c.want.Server, c.want.Version = "foreign", server.VERSION
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestCheckDurabilityAtTheWrongAddress(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere/varz" {
			http.NotFound(w, r)
		}
	}))
	defer page.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct {
		address string
		want    events.Code
	}{
		"no URL":         {":", events.CodeInvalid},
		"nobody":         {closed.URL, events.CodeUnavailable},
		"another server": {page.URL, events.CodeUnavailable},
		"another page":   {page.URL + "/elsewhere", events.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := jetstream.CheckDurability(t.Context(), c.address); events.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
