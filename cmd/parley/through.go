package main

import (
	"context"

	"parley/events"
)

// readBatch is how much of the log is handed over at once.
const readBatch = 2000

// readThrough hands over every event of the log as it is now, in order, and shows how
// far it is. Errors: those of the log.
func readThrough(ctx context.Context, log events.Log, shown *progress, take func(events.Event)) error {
	id, err := log.Identity(ctx)
	end := id.End()
	if err != nil || end < id.First {
		return err
	}
	defer shown.end()
	following, enough := context.WithCancel(ctx)
	defer enough()
	var at events.Position
	err = log.Follow(following, 0, readBatch, func(evs []events.Event) error {
		for _, e := range evs {
			take(e)
		}
		at = evs[len(evs)-1].Position
		shown.at(uint64(at), uint64(end))
		if at >= end {
			enough()
		}
		return nil
	})
	if at < end {
		return err
	}
	return nil
}
