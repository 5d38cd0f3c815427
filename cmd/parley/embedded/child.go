package embedded

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
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
			c.said.end()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// runChild runs cmd to its end, or kills it when ctx ends. It returns cmd's
// reason to fail, if it gave one, else the last line it said.
func runChild(ctx context.Context, cmd *exec.Cmd) (string, error) {
	c, err := startChild(cmd, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	select {
	case <-c.done:
		return c.said.last, c.err
	case <-ctx.Done():
		err := cmd.Process.Kill()
		<-c.done
		return "", errors.Join(ctx.Err(), err)
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
