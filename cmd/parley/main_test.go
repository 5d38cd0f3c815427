package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/cmd/parley/embedded"
	"parley/events/jetstream"
)

// asProgram makes the test binary be the program, so that a test can kill it.
const asProgram = "TEST_AS_PARLEY"

func TestMain(m *testing.M) {
	for name, workers := range map[string]killed{asKilledErasers: erasersToBeKilled, asKilledFinalizers: finalizersToBeKilled} {
		if file := os.Getenv(name); file != "" {
			os.Exit(serveUntilKilled(file, workers, os.Args[2:]))
		}
	}
	if os.Getenv(asProgram) != "" {
		os.Exit(run(signalled(), terminal{os.Stdin, os.Stdout, os.Stderr, programEnviron()}, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// programEnviron leaves out what configures the tests.
func programEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, asProgram) })
}

// program is a Parley that runs as a process of its own.
type program struct {
	t     *testing.T
	dir   string
	base  string
	code  string // of the first account; empty when there is one
	cmd   *exec.Cmd
	ended chan error
	out   *bytes.Buffer
}

const patience = 60 * time.Second

var (
	readyLine = regexp.MustCompile(`Parley is ready: (\S+)`)
	setupLine = regexp.MustCompile(`code=(\S+)`)
)

// invoke runs a command of the program to its end.
func invoke(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// start runs serve on a folder and waits for its word that it is ready.
func start(t *testing.T, dir string, env ...string) *program {
	t.Helper()
	return startWith(t, dir, nil, env...)
}

// startWith is start with more flags.
func startWith(t *testing.T, dir string, more []string, env ...string) *program {
	t.Helper()
	p := &program{t: t, dir: dir, ended: make(chan error, 1), out: &bytes.Buffer{}}
	p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--data", dir, "--addr", "127.0.0.1:0"}, more...)...)
	p.cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	p.cmd.Stderr = p.out
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	last := "partner"
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "OPENAI_API_KEY=") }) {
		last = "code=" // with a provider there is no word of the partner
		if len(before) > 0 {
			last = "ready" // nor of a code, when it is started again
		}
	}
	go func() { p.ended <- p.listen(stdout, last, ready) }()
	t.Cleanup(p.leave)
	select {
	case <-ready:
	case err := <-p.ended:
		t.Fatalf("the program ended: %v\n%s", err, p.out)
	case <-time.After(patience):
		t.Fatalf("the program is not ready\n%s", p.out)
	}
	return p
}

// listen reads what the program says; the line after the address tells of the
// set-up code or of the partner, and is said at the same moment.
func (p *program) listen(stdout io.Reader, last string, ready chan<- struct{}) error {
	lines := bufio.NewScanner(stdout)
	said := false
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			p.base = m[1]
		}
		if m := setupLine.FindStringSubmatch(lines.Text()); m != nil {
			p.code = m[1]
		}
		if strings.Contains(lines.Text(), last) && !said {
			said = true
			close(ready)
		}
	}
	return p.cmd.Wait()
}

// kill is SIGKILL: nothing can be cleaned up.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	select {
	case err := <-p.ended:
		p.ended <- err
	case <-time.After(patience):
		p.t.Error("the program outlives SIGKILL")
	}
}

// leave ends it after a test, unless it has ended. SIGTERM: the servers of a
// killed program outlive it by a moment, and write in a folder that the test
// removes.
func (p *program) leave() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return // it has ended
	}
	select {
	case err := <-p.ended:
		p.ended <- err
	case <-time.After(patience):
		p.kill()
		p.t.Errorf("the program does not stop\n%s", p.out)
	}
}

// stop asks it to end, and wants it to end well.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			p.t.Fatalf("stopping: %v\n%s", err, p.out)
		}
	case <-time.After(patience):
		p.t.Fatal("the program does not stop")
	}
}

// inTheLog runs something on the program's log.
func (p *program) inTheLog(t *testing.T, do func(context.Context, *jetstream.Log) error) {
	t.Helper()
	at, err := embedded.ReadConnection(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	log, nc, err := openLog(t.Context(), Config{}, *at.NATS, p.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	defer log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := do(ctx, log); err != nil {
		t.Fatal(err)
	}
}

// browser is a signed-in learner with an address.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
	cookie string
}

func newBrowser(t *testing.T, base string) *browser {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, base: base, client: &http.Client{Transport: transport, Timeout: patience}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    []byte
	json   map[string]any
}

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.raw) }

// code is the problem's code.
func (a answer) code() string {
	code, _ := a.json["code"].(string)
	return code
}

func (a answer) text(path ...string) string {
	var at any = a.json
	for _, name := range path {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	text, _ := at.(string)
	return text
}

// do makes a request; body is nil, bytes as they are, or something for JSON.
func (b *browser) do(method, path string, body any, headers ...string) answer {
	b.t.Helper()
	a, err := b.try(method, path, body, headers...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is do, where an answer need not come.
func (b *browser) try(method, path string, body any, headers ...string) (a answer, err error) {
	r, err := b.request(method, path, body, headers...)
	if err != nil {
		return a, err
	}
	response, err := b.client.Do(r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	a = answer{status: response.StatusCode, header: response.Header, raw: raw}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(raw, &a.json)
	}
	return a, err
}

func (b *browser) request(method, path string, body any, headers ...string) (*http.Request, error) {
	var content io.Reader
	switch v := body.(type) {
	case nil:
	case []byte:
		content = bytes.NewReader(v)
	case string:
		content = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	target := path
	if strings.HasPrefix(path, "/") {
		target = b.base + path
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, target, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, nil
}

// must makes a request that has to succeed with the status.
func (b *browser) must(status int, method, path string, body any, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.status != status {
		b.t.Fatalf("%s %s: got %s, want %d", method, path, a, status)
	}
	return a
}

const password = "correct horse battery staple"

// setUp makes the first account with the printed code.
func (p *program) setUp(t *testing.T) *browser {
	t.Helper()
	b := newBrowser(t, p.base)
	a := b.must(http.StatusCreated, "POST", "/api/setup", map[string]string{"code": p.code, "name": "Ada", "email": "ada@example.org", "password": password})
	b.keep(a)
	return b
}

func (b *browser) keep(a answer) {
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	b.cookie = cookie
}

// signIn signs in an account that exists.
func signIn(t *testing.T, base, email string) *browser {
	t.Helper()
	b := newBrowser(t, base)
	b.keep(b.must(http.StatusOK, "POST", "/api/sign-in", map[string]string{"email": email, "password": password}))
	return b
}

// addAccount adds one by the command line.
func addAccount(t *testing.T, dir, email, role string) {
	t.Helper()
	if _, errs, code := invoke(t, password+"\n", "account", "add", "--data", dir, "--email", email, "--role", role, "--password-stdin"); code != exitOK {
		t.Fatalf("account add: %s", errs)
	}
}

// sample is a recording as Chromium's MediaRecorder made it: 5 s, stereo.
func sample(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "projections", "recording", "testdata", "chromium-156-stereo-5s.webm"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
