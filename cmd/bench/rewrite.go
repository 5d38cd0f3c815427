package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rewrite measures the finalizer's two passes over a local file beside ffmpeg's
// copy of the same one, each in a process of its own: from start to end, and the
// most memory that it held.
func (b *bench) rewrite(ctx context.Context) error {
	ffmpeg, err := findFFmpeg(ctx)
	if err != nil {
		return err
	}
	dir := b.folder("rewrite")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := b.recording(b.plan.recorded)
	if err != nil {
		return err
	}
	in, sum := filepath.Join(dir, "in.webm"), sha256.Sum256(file)
	if err := os.WriteFile(in, file, 0o600); err != nil {
		return err
	}
	rewriter := filepath.Join(dir, "rewriter")
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", rewriter, "parley/cmd/bench/rewriter").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, said)
	}
	ours := func(ctx context.Context) (sample, error) {
		return spent(ctx, rewriter, in, filepath.Join(dir, "ours.webm"), hex.EncodeToString(sum[:]))
	}
	theirs := func(ctx context.Context) (sample, error) {
		return spent(ctx, ffmpeg, "-v", "error", "-y", "-i", in, "-c", "copy", filepath.Join(dir, "theirs.webm"))
	}
	medians, err := b.plan.measure(ctx, ours, theirs)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("rewrite_%.0fmin", b.plan.recorded.Minutes())
	b.report.add(
		beside(name, ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
		beside(name+"_memory", medians[0].bytes/(1<<20), mebibytes, medians[1].bytes/(1<<20)))
	return nil
}

// findFFmpeg looks for it, and installs it from the system's packages where that
// can be done.
func findFFmpeg(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("ffmpeg"); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath("apt-get"); err == nil && os.Geteuid() == 0 {
		install := exec.CommandContext(ctx, "sh", "-c", "apt-get update && apt-get install -y --no-install-recommends ffmpeg")
		install.Env, install.Stderr = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive"), os.Stderr
		if err := install.Run(); err != nil {
			return "", fmt.Errorf("ffmpeg is the baseline and could not be installed: %w", err)
		}
	}
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return "", errors.New("ffmpeg is the baseline and is not here: install it, or leave rewrite out with -only")
	}
	return path, nil
}

// spent runs a command to its end.
func spent(ctx context.Context, name string, args ...string) (sample, error) {
	var said strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	most, err := watchMemory(cmd.Process.Pid, ended)
	took := time.Since(began)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(said.String()))
	}
	return sample{p50: took, bytes: most}, nil
}

// memoryPause lies between two looks at how much memory a process has held.
const memoryPause = time.Millisecond

// watchMemory gives the most memory in bytes that a process held, as it was told
// within a millisecond of its end. What the system tells of an ended process will not
// do: it counts what was there before the process became another program.
func watchMemory(pid int, ended <-chan error) (most float64, err error) {
	look := time.NewTicker(memoryPause)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil && most == 0 {
				err = errors.New("this system does not tell what memory a process holds (/proc)")
			}
			return most, err
		case <-look.C:
			most = max(most, peakMemory(pid))
		}
	}
}

// peakMemory is the most that a process has held so far, in bytes; 0 when that is
// not told, as at its very end.
func peakMemory(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, found := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if !found || len(fields) == 0 {
		return 0
	}
	kibibytes, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0
	}
	return kibibytes * 1024
}
