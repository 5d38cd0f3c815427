package main

import (
	"context"
	"encoding/json"
	"fmt"

	"parley/events"
)

// state is how an instance stands, as far as its servers say.
type state struct {
	Version  string            `json:"version"`
	Log      events.Position   `json:"log"`      // last position of the log
	Views    events.Position   `json:"views"`    // what the read models hold
	Lag      uint64            `json:"lag"`      // positions between the two
	Sessions map[string]int    `json:"sessions"` // of the newest, by status
	Missing  map[string]string `json:"missing"`  // what cannot be reached, and why
}

// status asks log, read models and store. It fails when one cannot be reached.
func status(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "status")
	asJSON := set.Bool("json", false, "print JSON")
	if err := parse(set, args); err != nil {
		return err
	}
	now, err := lookAround(ctx, t, *data)
	if err != nil {
		return err
	}
	if *asJSON {
		err = json.NewEncoder(t.out).Encode(now)
	} else {
		err = now.print(t)
	}
	if err == nil && len(now.Missing) > 0 {
		err = events.Errorf(events.CodeUnavailable, "not everything can be reached")
	}
	return err
}

// statusSessions is how many of the newest sessions are counted by status.
const statusSessions = 100

func lookAround(ctx context.Context, t terminal, data string) (state, error) {
	now := state{Version: version, Sessions: map[string]int{}}
	to, err := reachInstance(t, data)
	if err != nil {
		return now, err
	}
	b, err := openBackend(ctx, to.config, to.servers, to.dir, silent())
	if err != nil {
		return now, err
	}
	defer b.close()
	now.Missing = b.missing(ctx)
	if len(now.Missing) > 0 {
		return now, nil
	}
	return now, now.count(ctx, b)
}

func (s *state) count(ctx context.Context, b *backend) error {
	log, err := b.log.Identity(ctx)
	if err != nil {
		return err
	}
	s.Log = log.Last
	if s.Views, err = b.views.Reached(ctx, b.log.Stream()); err != nil {
		return err
	}
	s.Lag = uint64(s.Log) - min(uint64(s.Views), uint64(s.Log))
	found, err := b.views.Overview(ctx, statusSessions)
	for _, session := range found {
		s.Sessions[shownStatus(session)]++
	}
	return err
}

func (s state) print(t terminal) error {
	fmt.Fprintf(t.out, "parley %s\nlog    %s\nviews  %s (%d behind)\n", s.Version, s.Log, s.Views, s.Lag)
	for status, n := range s.Sessions {
		fmt.Fprintf(t.out, "%-15s %d of the newest sessions\n", status, n)
	}
	for name, why := range s.Missing {
		fmt.Fprintf(t.out, "missing: %s: %s\n", name, why)
	}
	return nil
}
