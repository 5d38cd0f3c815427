package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/events"
)

// Durability is what a server's monitoring shows of how it keeps what it
// acknowledges. It is a setting of a whole server; of a cluster each server is
// asked at its own address.
type Durability struct {
	Mode DurabilityMode
	// Interval is the time between two syncs when Mode is SyncsAtIntervals: what
	// was acknowledged in it is lost in a power cut.
	Interval time.Duration
	Server   string // the server's name
	ServerID string // its id since its start, as a connection knows it
	Version  string // the server's version
}

// DurabilityMode is when acknowledged events are on the disk.
type DurabilityMode string

// The modes.
const (
	SyncsAlways       DurabilityMode = "always"    // before each acknowledgement
	SyncsAtIntervals  DurabilityMode = "intervals" // some time after it
	DurabilityUnknown DurabilityMode = "unknown"   // the server does not show it
)

// varz is the part of a server's /varz that is read here.
type varz struct {
	ID        string `json:"server_id"`
	Name      string `json:"server_name"`
	Version   string `json:"version"`
	JetStream struct {
		Config *struct {
			SyncAlways   bool          `json:"sync_always"`
			SyncInterval time.Duration `json:"sync_interval"`
		} `json:"config"`
	} `json:"jetstream"`
}

// mostShown bounds what is read of an answer, in bytes; it has some thousands.
const mostShown = 1 << 20

// CheckDurability asks a server's monitoring port (http://host:8222) whether it
// syncs before it acknowledges. A server that answers without showing it is no
// error but DurabilityUnknown.
// Errors: CodeInvalid for a wrong address, CodeUnavailable for one where nobody
// answers, or somebody who is no NATS server.
func CheckDurability(ctx context.Context, monitorURL string) (Durability, error) {
	var shown varz
	if err := monitor(ctx, monitorURL, "varz", &shown); err != nil {
		return Durability{}, err
	}
	return shown.durability(), nil
}

// connectedName stands for a server of which no monitoring tells the name.
const connectedName = "that is connected to"

// CheckServers asks at the monitoring addresses of one or more servers. Those that these
// know in their cluster, and the one whose id is connected, are DurabilityUnknown when no
// address is theirs: what one server shows says nothing of another.
// Errors: as of CheckDurability.
func CheckServers(ctx context.Context, monitorURLs []string, connected string) ([]Durability, error) {
	var all []Durability
	there := map[string]string{connected: connectedName} // names by id
	for _, address := range monitorURLs {
		shown, err := CheckDurability(ctx, address)
		if err != nil {
			return nil, err
		}
		all = append(all, shown)
		var joined routez
		if err := monitor(ctx, address, "routez", &joined); err != nil {
			return nil, err
		}
		for _, route := range joined.Routes {
			there[route.ID] = route.Name
		}
	}
	for _, id := range slices.Sorted(maps.Keys(there)) {
		if !slices.ContainsFunc(all, func(d Durability) bool { return d.ServerID == id }) {
			all = append(all, Durability{Mode: DurabilityUnknown, Server: there[id], ServerID: id})
		}
	}
	return all, nil
}

// routez is the part of a server's /routez that is read here: its cluster's others.
type routez struct {
	Routes []struct {
		ID   string `json:"remote_id"`
		Name string `json:"remote_name"`
	} `json:"routes"`
}

// monitor reads one page of a server's monitoring. Errors: as of CheckDurability.
func monitor(ctx context.Context, monitorURL, page string, into any) (err error) {
	answer, err := monitored(ctx, monitorURL, page)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return events.Errorf(events.CodeUnavailable, "the monitoring of the event log's server answers %s", answer.Status)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostShown)).Decode(into); err != nil {
		return unavailable(err, "what answers at the monitoring address is no NATS server")
	}
	return nil
}

// CheckHealth asks a server's monitoring port whether it is well. After an error of
// its disk a server answers all questions about a stream, and to a write not at all,
// until it is started again; only its own health tells.
// Errors: CodeUnavailable with what the server says; those of CheckDurability.
func CheckHealth(ctx context.Context, monitorURL string) (err error) {
	answer, err := monitored(ctx, monitorURL, "healthz")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	says, err := io.ReadAll(io.LimitReader(answer.Body, mostShown))
	if err != nil {
		return unavailable(err, "the monitoring of the event log's server does not answer")
	}
	return events.Errorf(events.CodeUnavailable, "the event log's server is not well: %s", strings.TrimSpace(string(says)))
}

// monitored asks for one page of a server's monitoring.
func monitored(ctx context.Context, monitorURL, page string) (*http.Response, error) {
	address, err := url.JoinPath(monitorURL, page)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the monitoring address of the event log's server is no URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the monitoring address of the event log's server is no URL")
	}
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment}}
	answer, err := once.Do(request)
	if err != nil {
		return nil, unavailable(err, "the monitoring of the event log's server does not answer")
	}
	return answer, nil
}

func (v varz) durability() Durability {
	d := Durability{Mode: DurabilityUnknown, Server: v.Name, ServerID: v.ID, Version: v.Version}
	switch config := v.JetStream.Config; {
	case config == nil:
	case config.SyncAlways:
		d.Mode = SyncsAlways
	case config.SyncInterval > 0:
		d.Mode, d.Interval = SyncsAtIntervals, config.SyncInterval
	}
	return d
}
