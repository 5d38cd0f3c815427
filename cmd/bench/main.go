// Command bench measures Parley beside raw baselines: what a plain client of the
// same servers reaches, on the same disk, in the same run.
//
//	bench -parley bin/parley            the whole table; growing to 300,000 sessions takes most of its time
//	bench -parley bin/parley -quick     less of everything, in some three minutes
//	bench -parley bin/parley -json      one JSON object a line, and nothing else
//	bench -only append,visible          some of the measurements
//
// Every number is the median of at least five rounds; the rounds of a subject
// and of its baseline take turns, so that both meet the same weather. Trust the
// ratios more than the numbers.
//
// Each measurement begins with servers of its own in an empty folder: NATS in
// process and PostgreSQL as a child, as `parley serve` runs them. What is about
// the program as a whole (http, growth, erase, sign_in, mint, relay, calls,
// upload, save, seek) asks a real one that runs by itself. rewrite wants ffmpeg.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	plan    plan
	dir     string // holds the servers' folders
	program string // path of parley
	sample  string // path of a recording that a browser made
	report  report
	logger  *slog.Logger // hears nothing: what ends a run comes back as an error
}

// measurement is one part of the table, measured on servers of its own.
type measurement struct {
	name    string
	measure func(b *bench, ctx context.Context) error
}

// measurements in the order of the table. append comes before http, whose
// baseline it measures.
func measurements() []measurement {
	return []measurement{
		{"disk", (*bench).disk},
		{"append", (*bench).appends},
		{"http", (*bench).http},
		{"visible", (*bench).visible},
		{"rebuild", (*bench).rebuild},
		{"growth", (*bench).growth},
		{"sealing", (*bench).sealing},
		{"erase", (*bench).erase},
		{"search", (*bench).search},
		{"sign_in", (*bench).signIn},
		{"page", (*bench).page},
		{"mint", (*bench).mint},
		{"relay", (*bench).relay},
		{"calls", (*bench).calls},
		{"rewrite", (*bench).rewrite},
		{"upload", (*bench).upload},
		{"save", (*bench).save},
		{"seek", (*bench).seek},
		{"levels", (*bench).levels},
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(errs)
	program := set.String("parley", filepath.Join("bin", "parley"), "the program to measure")
	dir := set.String("dir", os.TempDir(), "folder on the disk to measure; what is written there is removed again")
	quick := set.Bool("quick", false, "less of everything")
	asJSON := set.Bool("json", false, "print JSON lines only")
	events := set.Int("events", 0, "size of the log that is rebuilt; default: a million, quick: 50,000")
	sound := set.String("recording", filepath.Join("projections", "recording", "testdata", "chromium-156-stereo-5s.webm"), "a browser's recording; those that are measured are made of it")
	others := set.Int("others", 0, "sessions beside the one that is erased; default: 300,000, quick: 1,000")
	profile := set.String("profile", "", "write a profile of this process's work to this file, for go tool pprof")
	only := set.String("only", "", "the measurements to take, with commas; default: all")
	if err := set.Parse(args); err != nil {
		return err
	}
	b := &bench{plan: whole(), sample: *sound, report: newTable(out), logger: slog.New(slog.DiscardHandler)}
	if *quick {
		b.plan = small()
	}
	if *events > 0 {
		b.plan.events = *events
	}
	if *others > 0 {
		b.plan.others = *others
	}
	if *asJSON {
		b.report = newLines(out)
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if b.program, err = filepath.Abs(*program); err != nil {
		return err
	}
	return profiled(*profile, func() error { return b.take(ctx, chosen, *dir) })
}

// profiled records where the time goes; without a path it does not.
func profiled(path string, do func() error) (err error) {
	if path == "" {
		return do()
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return do()
}

// choose finds measurements by name.
func choose(only string) ([]measurement, error) {
	all := measurements()
	if only == "" {
		return all, nil
	}
	var chosen []measurement
	for name := range strings.SplitSeq(only, ",") {
		at := slices.IndexFunc(all, func(m measurement) bool { return m.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no measurement %q", name)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// take measures one after the other and leaves nothing behind.
func (b *bench) take(ctx context.Context, chosen []measurement, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(dir, "parley-bench-"); err != nil {
		return err
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.report.began()
	for _, m := range chosen {
		if err := m.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := os.RemoveAll(b.folder(m.name)); err != nil {
			return err
		}
	}
	return nil
}

// folder is where a measurement's servers keep their data.
func (b *bench) folder(measurement string) string { return filepath.Join(b.dir, measurement) }
