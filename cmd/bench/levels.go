package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/pion/opus"

	"parley/projections/recording"
)

// levels measures what making the levels of a recording costs, beside the bare
// decoder on the same packets: processor time of one core, reckoned for an hour.
func (b *bench) levels(ctx context.Context) error {
	t, err := readTape(b.sample)
	if err != nil {
		return err
	}
	file, err := t.lasting(b.plan.heard)
	if err != nil {
		return err
	}
	times := int((b.plan.heard + t.length() - 1) / t.length())
	heard := time.Duration(times) * t.length()
	measuring := func(context.Context) (sample, error) {
		return b.perHour(heard, func() error {
			_, err := recording.Measure(bytes.NewReader(file))
			return err
		})
	}
	decoding := func(context.Context) (sample, error) {
		return b.perHour(heard, func() error { return t.decode(times) })
	}
	medians, err := b.plan.measure(ctx, measuring, decoding)
	if err != nil {
		return err
	}
	b.report.add(beside("levels_hour", medians[0].p50.Seconds(), seconds, medians[1].p50.Seconds()))
	return nil
}

// perHour is the processor time that something takes of this process, for an hour
// of sound.
func (b *bench) perHour(heard time.Duration, do func() error) (sample, error) {
	runtime.GC() // what was left by others is not part of it
	before, err := processorTime()
	if err != nil {
		return sample{}, err
	}
	if err := do(); err != nil {
		return sample{}, err
	}
	after, err := processorTime()
	return sample{p50: time.Duration(float64(after-before) * float64(time.Hour) / float64(heard))}, err
}

// processorTime is what this process has used of it so far.
func processorTime() (time.Duration, error) {
	var used syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), err
}

// decoded is the rate at which levels are taken, in samples a second.
const decoded = 16000

// decode only decodes, so many times over.
func (t *tape) decode(times int) error {
	const channels = 2
	decoder, err := opus.NewDecoderWithOutput(decoded, channels)
	if err != nil {
		return err
	}
	samples := make([]float32, int(packetLength*decoded/time.Second)*channels)
	packets := t.packets()
	for range times {
		for _, p := range packets {
			if _, err := decoder.DecodeToFloat32(p, samples); err != nil {
				return fmt.Errorf("decode %d bytes: %w", len(p), err)
			}
		}
	}
	return nil
}
