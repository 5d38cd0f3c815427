package main

import (
	"context"
	"fmt"

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
	shown, err := jetstream.CheckDurability(ctx, c.NATSMonitorURL)
	switch {
	case err != nil && !c.AcceptUnknownDurability:
		return err
	case shown.Mode == jetstream.SyncsAtIntervals:
		return events.Errorf(events.CodeInvalid, "the NATS server %s syncs every %s, so that a power cut loses what it acknowledged; put sync_interval: always into the jetstream section of its configuration", shown.Server, shown.Interval)
	case shown.Mode != jetstream.SyncsAlways && !c.AcceptUnknownDurability:
		return events.Errorf(events.CodeInvalid, "the NATS server does not show whether it syncs before it acknowledges; set PARLEY_ACCEPT_UNKNOWN_DURABILITY=1 to do without")
	}
	return nil
}

// durability says the same to an operator, with the cure.
func durability(ctx context.Context, to reach) finding {
	const check = "durability"
	const cure = "put sync_interval: always into the jetstream section of the server's configuration, and set PARLEY_NATS_MONITOR_URL"
	if to.config.NATSURL == "" {
		return finding{check, fine, "the embedded server syncs before it acknowledges (sync_interval: always)", ""}
	}
	if to.config.NATSMonitorURL == "" {
		return finding{check, notice, "nothing shows whether the server syncs before it acknowledges; that was accepted", cure}
	}
	shown, err := jetstream.CheckDurability(ctx, to.config.NATSMonitorURL)
	switch {
	case err != nil:
		return finding{check, problem, sentence(err), "correct PARLEY_NATS_MONITOR_URL"}
	case shown.Mode == jetstream.SyncsAlways:
		return finding{check, fine, shown.Server + " syncs before it acknowledges", ""}
	case shown.Mode == jetstream.SyncsAtIntervals:
		return finding{check, problem, fmt.Sprintf("%s syncs every %s: what it acknowledged in between is lost in a power cut", shown.Server, shown.Interval), cure}
	}
	return finding{check, notice, shown.Server + " does not show whether it syncs before it acknowledges", cure}
}
