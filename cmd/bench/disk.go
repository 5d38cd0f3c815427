package main

import (
	"bytes"
	"context"
	"errors"
	"os"
)

// eventSize is about that of a stored turn, in bytes.
const eventSize = 300

// disk writes and syncs, one after the other: the physical limit of whoever
// syncs each event by itself.
func (b *bench) disk(ctx context.Context) (err error) {
	file, err := os.Create(b.folder("disk"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	event := bytes.Repeat([]byte("x"), eventSize)
	write := func(context.Context) (int, error) {
		_, err := file.Write(event)
		return 1, errors.Join(err, file.Sync())
	}
	medians, err := b.plan.measure(ctx, func(ctx context.Context) (sample, error) {
		return together(ctx, b.plan.round, []step{write})
	})
	if err != nil {
		return err
	}
	b.report.add(
		alone("fsync", medians[0].rate, "writes/s"),
		alone("fsync_p50", ms(medians[0].p50), milliseconds),
		alone("fsync_p99", ms(medians[0].p99), milliseconds))
	return nil
}
