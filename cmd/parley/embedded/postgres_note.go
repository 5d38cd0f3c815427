package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A running server leaves a note in its folder, postmaster.pid: the process id
// on the first line, its state on the eighth (src/include/utils/pidfile.h).
const noteFile = "postmaster.pid"

// readNote returns the process id and the state in the note of dir; 0 and empty
// if there is none or it is still being written.
func readNote(dir string) (pid int, state string) {
	text, err := os.ReadFile(filepath.Join(dir, noteFile))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid < 2 {
		return 0, ""
	}
	if len(lines) > 7 {
		state = strings.TrimSpace(lines[7])
	}
	return pid, state
}

// isReady tells whether the server of dir lets clients in.
func isReady(dir string) bool {
	_, state := readNote(dir)
	return state == "ready"
}

// orphanPatience is how long a server that was left running may take to end. It
// rolls back what is open and writes out its buffers.
const orphanPatience = 30 * time.Second

// stopOrphan ends a server that outlived the Parley that started it, and removes
// the note of one that did not. The folder's lock is ours, so nobody else can
// be its rightful owner.
func stopOrphan(ctx context.Context, dir string, log *slog.Logger) error {
	pid, _ := readNote(dir)
	if !isPostmaster(pid, dir) {
		return removeNote(dir)
	}
	log.Warn("a PostgreSQL server was left running; stopping it", "pid", pid)
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the PostgreSQL server that was left running as process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, orphanPatience)
	defer cancel()
	again := time.NewTicker(retryEvery)
	defer again.Stop()
	for isPostmaster(pid, dir) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the PostgreSQL server that was left running as process %d does not end: %w", pid, ctx.Err())
		case <-again.C:
		}
	}
	return removeNote(dir)
}

func removeNote(dir string) error {
	if err := os.Remove(filepath.Join(dir, noteFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the note of a server that is gone: %w", err)
	}
	return nil
}
