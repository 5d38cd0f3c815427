package projections

import (
	"context"
	"slices"

	"parley/events"
)

const (
	// piece is how many events are read at once: two make a batch.
	piece = MaxBatch / 2
	// ahead is how many pieces are read and decoded while a batch is committed.
	ahead = 2
)

// pipe follows the log and takes what it delivers, side by side: the next events
// are read, and their keys fetched, while the last ones are committed. What
// came meanwhile is taken as one batch. It returns when reading or taking
// fails, and leaves nothing running.
func pipe(ctx context.Context, log events.Follower, after events.Position, take func([]events.Event) error) error {
	ctx, stop := context.WithCancel(ctx)
	read, ended := make(chan []events.Event, ahead), make(chan error, 1)
	go func() {
		defer close(read)
		ended <- log.Follow(ctx, after, piece, func(batch []events.Event) error {
			select {
			case read <- batch:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err := takeAll(read, take)
	stop()
	for range read { // the reader may be about to hand over one more
	}
	if why := <-ended; err == nil {
		err = why
	}
	return err
}

func takeAll(read <-chan []events.Event, take func([]events.Event) error) error {
	for batch := range read {
		if err := take(together(batch, read)); err != nil {
			return err
		}
	}
	return nil
}

// together adds to a batch what is there already.
func together(batch []events.Event, read <-chan []events.Event) []events.Event {
	for len(batch) <= MaxBatch-piece {
		select {
		case more := <-read: // nothing, when reading has ended
			if more == nil {
				return batch
			}
			batch = append(slices.Clip(batch), more...)
		default:
			return batch
		}
	}
	return batch
}
