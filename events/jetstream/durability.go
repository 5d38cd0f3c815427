package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
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
	Name      string `json:"server_name"`
	Version   string `json:"version"`
	JetStream struct {
		Config *struct {
			SyncAlways   bool          `json:"sync_always"`
			SyncInterval time.Duration `json:"sync_interval"`
		} `json:"config"`
	} `json:"jetstream"`
}

// mostVarz bounds what is read of an answer, in bytes; it has some thousands.
const mostVarz = 1 << 20

// CheckDurability asks a server's monitoring port (http://host:8222) whether it
// syncs before it acknowledges. A server that answers without showing it is no
// error but DurabilityUnknown.
// Errors: CodeInvalid for a wrong address, CodeUnavailable for one where nobody
// answers, or somebody who is no NATS server.
func CheckDurability(ctx context.Context, monitorURL string) (d Durability, err error) {
	answer, err := monitored(ctx, monitorURL, "varz")
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return d, events.Errorf(events.CodeUnavailable, "the monitoring of the event log's server answers %s", answer.Status)
	}
	var shown varz
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostVarz)).Decode(&shown); err != nil {
		return d, unavailable(err, "what answers at the monitoring address is no NATS server")
	}
	return shown.durability(), nil
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
	says, err := io.ReadAll(io.LimitReader(answer.Body, mostVarz))
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
	d := Durability{Mode: DurabilityUnknown, Server: v.Name, Version: v.Version}
	switch config := v.JetStream.Config; {
	case config == nil:
	case config.SyncAlways:
		d.Mode = SyncsAlways
	case config.SyncInterval > 0:
		d.Mode, d.Interval = SyncsAtIntervals, config.SyncInterval
	}
	return d
}
