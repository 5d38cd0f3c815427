package main

import (
	"context"
	"fmt"
	"strings"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
)

// requireDurability refuses a foreign server that acknowledges before it syncs, and
// one that does not show it unless that was accepted. The embedded one is configured
// by us. Errors: CodeInvalid, CodeUnavailable.
func requireDurability(ctx context.Context, c Config) error {
	if c.NATSURL == "" || c.NATSMonitorURL == "" {
		return nil // the configuration asks for one or the other
	}
	nc, err := dialLog(c, embedded.NATSConnection{URL: c.NATSURL})
	if err != nil {
		return err
	}
	defer nc.Close()
	return requireOf(ctx, c, nc.ConnectedServerId())
}

// requireOf requires it of every server that is known, also of the one connected to.
func requireOf(ctx context.Context, c Config, connected string) error {
	all, err := jetstream.CheckServers(ctx, c.natsMonitors(), connected)
	if err != nil && !c.AcceptUnknownDurability {
		return err
	}
	for _, shown := range all {
		switch {
		case shown.Mode == jetstream.SyncsAtIntervals:
			return events.Errorf(events.CodeInvalid, "the NATS server %s syncs every %s, so that a power cut loses what it acknowledged; put sync_interval: always into the jetstream section of its configuration", shown.Server, shown.Interval)
		case shown.Mode != jetstream.SyncsAlways && !c.AcceptUnknownDurability:
			return events.Errorf(events.CodeInvalid, "the NATS server %s does not show whether it syncs before it acknowledges; add its address to PARLEY_NATS_MONITOR_URL, or set PARLEY_ACCEPT_UNKNOWN_DURABILITY=1 to do without", shown.Server)
		}
	}
	return nil
}

// natsMonitors are the addresses at which servers show themselves.
func (c Config) natsMonitors() (all []string) {
	for address := range strings.SplitSeq(c.NATSMonitorURL, ",") {
		if address = strings.TrimSpace(address); address != "" {
			all = append(all, address)
		}
	}
	return all
}

// durability says the same to an operator, with the cure.
func durability(ctx context.Context, to reach, connected string) []finding {
	const check = "durability"
	const cure = "put sync_interval: always into the jetstream section of the server's configuration, and name its monitoring address in PARLEY_NATS_MONITOR_URL"
	if to.config.NATSURL == "" {
		return []finding{{check, fine, "the embedded server syncs before it acknowledges (sync_interval: always)", ""}}
	}
	if to.config.NATSMonitorURL == "" {
		return []finding{{check, notice, "nothing shows whether the server syncs before it acknowledges; that was accepted", cure}}
	}
	all, err := jetstream.CheckServers(ctx, to.config.natsMonitors(), connected)
	if err != nil {
		return []finding{{check, problem, sentence(err), "correct PARLEY_NATS_MONITOR_URL"}}
	}
	found := make([]finding, len(all))
	for i, shown := range all {
		found[i] = durabilityOf(shown, cure)
	}
	return found
}

func durabilityOf(shown jetstream.Durability, cure string) finding {
	const check = "durability"
	switch {
	case shown.Mode == jetstream.SyncsAlways:
		return finding{check, fine, "the server " + shown.Server + " syncs before it acknowledges", ""}
	case shown.Mode == jetstream.SyncsAtIntervals:
		return finding{check, problem, fmt.Sprintf("the server %s syncs every %s: what it acknowledged in between is lost in a power cut", shown.Server, shown.Interval), cure}
	}
	return finding{check, notice, "the server " + shown.Server + " does not show whether it syncs before it acknowledges", cure}
}
