package jetstream

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"

	"parley/events"
)

// killPatience is how long a killed command's pipes are waited for.
const killPatience = time.Second

// run gives what the command prints. Neither that nor what it says about an
// error is ever repeated: both may hold the key. Errors: CodeInvalid.
func (m MasterKey) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	command := exec.CommandContext(ctx, "/bin/sh", "-c", m.command)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // its children too
	command.WaitDelay = killPatience
	printed := &beginning{}
	command.Stdout = printed
	err := command.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return printed.text, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = events.Errorf(events.CodeInvalid, "%s did not end within %s; run it by hand to see why", m, m.patience)
	case errors.As(err, &ended):
		err = events.Errorf(events.CodeInvalid, "%s failed (%s); run it by hand to see why", m, ended.ProcessState)
	default:
		err = events.Wrap(err, events.CodeInvalid, m.String()+" cannot be run")
	}
	clear(printed.text)
	return nil, err
}

// beginning keeps the first bytes of what is written; more than a key is none.
type beginning struct{ text []byte }

// Write takes everything and keeps what fits.
func (b *beginning) Write(p []byte) (int, error) {
	if b.text == nil {
		b.text = make([]byte, 0, mostSource) // never moved, so that it can be wiped
	}
	b.text = append(b.text, p[:min(len(p), mostSource-len(b.text))]...)
	return len(p), nil
}
