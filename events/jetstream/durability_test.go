package jetstream_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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
			c.want.Server, c.want.ServerID, c.want.Version = "foreign", n.Connect().ConnectedServerId(), server.VERSION
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// What one server of a cluster shows says nothing of the others, nor of one that is
// connected to and not among them.
func TestCheckServersOfACluster(t *testing.T) {
	cluster := eventstest.StartCluster(t)
	var monitors []string
	for _, n := range cluster.Servers {
		monitors = append(monitors, n.MonitorURL())
	}
	stranger := eventstest.StartNATS(t).Connect().ConnectedServerId()
	connected := cluster.Servers[1].Connect().ConnectedServerId()
	for name, c := range map[string]struct {
		asked     []string
		connected string
		want      string // servers and what they show
	}{
		"all are asked":           {monitors, connected, "server-0 always, server-1 always, server-2 always"},
		"some are not":            {monitors[:2], connected, "server-0 always, server-1 always, server-2 unknown"},
		"one is asked":            {monitors[2:], connected, "server-0 unknown, server-1 unknown, server-2 always"},
		"another is connected to": {monitors, stranger, "server-0 always, server-1 always, server-2 always, that is connected to unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := jetstream.CheckServers(t.Context(), c.asked, c.connected)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range all {
				got = append(got, d.Server+" "+string(d.Mode))
			}
			slices.Sort(got)
			if said := strings.Join(got, ", "); said != c.want {
				t.Errorf("got %s, want %s", said, c.want)
			}
		})
	}
	t.Run("one that is asked and does not answer", func(t *testing.T) {
		cluster.Servers[0].Stop()
		if _, err := jetstream.CheckServers(t.Context(), monitors, connected); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
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
