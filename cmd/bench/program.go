package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is a Parley that runs as a process of its own.
type program struct {
	path  string
	dir   string
	base  string        // its address
	ready time.Duration // from its start to the first time that it called itself ready
	cmd   *exec.Cmd
	said  bytes.Buffer // on standard error
	lines chan string
}

var readyLine = regexp.MustCompile(`Parley is ready: (\S+)`)

// unlimited lifts what one account may use: the bench is one account.
var unlimited = []string{
	"PARLEY_LIMIT_TOKENS=0", "PARLEY_LIMIT_CALLS=0", "PARLEY_LIMIT_TALK=0", "PARLEY_LIMIT_UPLOADS=0",
	"PARLEY_LIMIT_UPLOAD_BYTES=0", "PARLEY_LIMIT_REPORTS=0", "PARLEY_LIMIT_REPORT_BYTES=0",
}

// readyPause lies between two looks at whether it is ready.
const readyPause = 5 * time.Millisecond

// runProgram starts Parley on a folder and waits until it is ready.
func (b *bench) runProgram(ctx context.Context, dir string) (*program, error) {
	return b.startProgram(ctx, start{dir: dir})
}

// start says how a program is started.
type start struct {
	dir       string
	roles     string   // that it plays; empty: all
	variables []string // beside the usual ones
}

func (b *bench) startProgram(ctx context.Context, how start) (*program, error) {
	p := &program{path: b.program, dir: how.dir, lines: make(chan string)}
	p.cmd = exec.Command(b.program, "serve", "--data", how.dir, "--addr", "127.0.0.1:0", "--roles", cmp.Or(how.roles, "web,projector,worker"))
	p.cmd.Env, p.cmd.Stderr = slices.Concat(programEnviron(), unlimited, how.variables), &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	go p.read(out)
	if err := p.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.stop(ctx))
	}
	p.ready = time.Since(began)
	go func() {
		for range p.lines { // so that it is not stuck on what it says later
		}
	}()
	return p, nil
}

// serving runs a program, signs a learner in who is ready for that many requests at
// once, does something with both, and stops the program.
func (b *bench) serving(ctx context.Context, how start, atOnce int, do func(*program, *learner) error) (err error) {
	p, err := b.startProgram(ctx, how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop(ctx)) }()
	l, err := p.signIn(ctx, atOnce)
	if err != nil {
		return err
	}
	defer l.client.CloseIdleConnections()
	return do(p, l)
}

// programEnviron leaves out what would make it another one: other servers, a
// provider's key.
func programEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		foreign := strings.HasPrefix(v, "PARLEY_") || strings.HasPrefix(v, "OPENAI_")
		return foreign && !strings.HasPrefix(v, "PARLEY_POSTGRES_BIN=")
	})
}

func (p *program) read(out io.Reader) {
	defer close(p.lines)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		p.lines <- lines.Text()
	}
}

func (p *program) awaitReady(ctx context.Context) error {
	for p.base == "" {
		select {
		case line, open := <-p.lines:
			if !open {
				return fmt.Errorf("%s ended before it was ready: %s", p.path, bytes.TrimSpace(p.said.Bytes()))
			}
			if m := readyLine.FindStringSubmatch(line); m != nil {
				p.base = m[1]
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		ready, err := p.isReady(ctx)
		if ready || err != nil {
			return err
		}
		if err := until(ctx, time.Now().Add(readyPause)); err != nil {
			return err
		}
	}
}

func (p *program) isReady(ctx context.Context) (bool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/readyz", nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	return response.StatusCode == http.StatusOK, response.Body.Close()
}

// stopTimeout bounds a graceful stop.
const stopTimeout = 30 * time.Second

// stop asks it to end and waits until it has, also when the run is over.
func (p *program) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.cmd.Process.Kill(), <-ended)
	}
}

// resident is how much memory it holds, in bytes; its PostgreSQL, which is a
// process of its own, is left out.
func (p *program) resident(ctx context.Context) (float64, error) {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	if pages, err := os.ReadFile("/proc/" + pid + "/statm"); err == nil {
		var size, resident float64
		_, err := fmt.Sscan(string(pages), &size, &resident)
		return resident * float64(os.Getpagesize()), err
	}
	out, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", pid).Output()
	if err != nil {
		return 0, fmt.Errorf("ps: %w", err)
	}
	kibibytes, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return kibibytes * 1024, err
}

// inUse is the memory of the program that is no garbage, in bytes: what its last
// collection left, and the stacks.
func (p *program) inUse(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	parts := map[string]float64{"go_gc_heap_live_bytes": 0, "go_memstats_stack_inuse_bytes": 0}
	found := 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if _, wanted := parts[name]; !wanted {
			continue
		}
		if parts[name], err = strconv.ParseFloat(value, 64); err != nil {
			return 0, err
		}
		found++
	}
	if found != len(parts) {
		return 0, fmt.Errorf("GET /metrics: %s: %d of %d numbers", response.Status, found, len(parts))
	}
	return parts["go_gc_heap_live_bytes"] + parts["go_memstats_stack_inuse_bytes"], nil
}
