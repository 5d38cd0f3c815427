package embedded

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
)

// child is a process that ends when this one does.
type child struct {
	cmd      *exec.Cmd
	said     *speech
	done     chan struct{} // closed when it has ended
	err      error         // of Wait; read after done
	stopping atomic.Bool
}

// startChild starts cmd. The kernel ties the child's life to the thread that
// started it, so one thread is kept for that until the child has ended.
func startChild(cmd *exec.Cmd, log *slog.Logger) (*child, error) {
	c := &child{cmd: cmd, said: &speech{log: log}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c.said, c.said
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		err := keepCapabilities(cmd.SysProcAttr)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// runChild runs cmd to its end, or kills it when ctx ends, and returns what it said.
func runChild(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	c, err := startChild(cmd, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	select {
	case <-c.done:
		return []byte(c.said.last), c.err
	case <-ctx.Done():
		err := cmd.Process.Kill()
		<-c.done
		return nil, errors.Join(ctx.Err(), err)
	}
}

// stop asks the child to end and blocks until it has, or ctx ends.
func (c *child) stop(ctx context.Context) error {
	c.stopping.Store(true)
	select {
	case <-c.done: // signals to a process that is gone may reach another
		return nil
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended says why the child ended: its own last words, if it had any.
func (c *child) ended() error {
	if c.said.last != "" {
		return errors.New(c.said.last)
	}
	if c.err != nil {
		return c.err
	}
	return errors.New("it ended without a word")
}

// speech passes on a child's words line by line, and remembers those that say
// why it failed.
type speech struct {
	log     *slog.Logger
	partial []byte
	last    string
	final   bool // last is the reason, not just the latest line
}

// Write implements io.Writer; os/exec calls it from one goroutine.
func (s *speech) Write(text []byte) (int, error) {
	s.partial = append(s.partial, text...)
	for {
		line, rest, whole := bytes.Cut(s.partial, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		s.hear(strings.TrimSpace(string(line)))
		s.partial = rest
	}
}

func (s *speech) hear(line string) {
	if line == "" {
		return
	}
	s.log.Warn("postgres: " + line)
	if s.final {
		return
	}
	s.last = line
	for _, sign := range []string{"FATAL:", "PANIC:", "error:"} {
		s.final = s.final || strings.Contains(line, sign)
	}
}

// lastLine returns the last line of output that is not blank.
func lastLine(output []byte) string {
	output = bytes.TrimSpace(output)
	return string(output[bytes.LastIndexByte(output, '\n')+1:])
}
