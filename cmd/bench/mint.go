package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"parley/http/realtime"
)

// provider is a partner that runs as a process of its own, as a provider does.
type provider struct {
	base, key string
	cmd       *exec.Cmd
	said      bytes.Buffer // on standard error
}

var partnerLine = regexp.MustCompile(`The partner is ready: (\S+)`)

// runPartner starts a partner that knows a key, with these variables beside the
// usual ones.
func (b *bench) runPartner(dir string, variables ...string) (*provider, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &provider{key: rand.Text()}
	file := filepath.Join(dir, "partner.key")
	if err := os.WriteFile(file, []byte(p.key), 0o600); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(b.program, "partner", "--addr", "127.0.0.1:0", "--key-file", file)
	p.cmd.Env, p.cmd.Stderr = append(programEnviron(), variables...), &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := partnerLine.FindStringSubmatch(lines.Text()); m != nil {
			p.base = m[1]
			go func() {
				for lines.Scan() { // so that it is not stuck on what it says later
				}
			}()
			return p, nil
		}
	}
	err = p.stop()
	return nil, errors.Join(fmt.Errorf("the partner ended before it was ready: %s", bytes.TrimSpace(p.said.Bytes())), err)
}

// stop ends it.
func (p *provider) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.cmd.Wait()
}

// client speaks with it as our server does.
func (p *provider) client() *realtime.Client {
	return realtime.New(realtime.Config{
		BaseURL: p.base, APIKey: p.key, Dialect: realtime.DialectPartner,
		Model: "parley-partner", Voice: "marin", TranscriptionModel: "whisper-1",
	})
}

// variables let a program talk with it.
func (p *provider) variables() []string {
	return []string{"OPENAI_API_KEY=" + p.key, "PARLEY_REALTIME_URL=" + p.base, "PARLEY_REALTIME_DIALECT=" + string(realtime.DialectPartner)}
}

// mintingSessions take turns, so that none grows long.
const mintingSessions = 64

// mintPause lies between two tokens: a hundred thousand learners start no faster, and
// what the last one caused in the read models and workers is over.
const mintPause = 40 * time.Millisecond

// mint measures a token through our server beside one from the provider itself.
func (b *bench) mint(ctx context.Context) (err error) {
	dir := b.folder("mint")
	partner, err := b.runPartner(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partner.stop()) }()
	return b.serving(ctx, start{dir: filepath.Join(dir, "data"), variables: partner.variables()}, 1, func(_ *program, l *learner) error {
		pages, err := l.sessions(ctx, mintingSessions)
		if err != nil {
			return err
		}
		turn, client := 0, partner.client()
		through := b.unhurried(func(ctx context.Context) error {
			turn++
			_, err := pages[turn%len(pages)].token(ctx)
			return err
		})
		straight := b.unhurried(func(ctx context.Context) error {
			_, err := client.Mint(ctx, realtime.MintRequest{Language: "es"})
			return err
		})
		medians, err := b.plan.measure(ctx, through, straight)
		if err != nil {
			return err
		}
		b.report.add(
			beside("mint_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
			beside("mint_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)),
			alone("mint_added_p50", ms(medians[0].p50-medians[1].p50), milliseconds),
			alone("mint_added_p99", ms(medians[0].p99-medians[1].p99), milliseconds))
		return nil
	})
}

// unhurried is a side that mints a hundred tokens (quick: 25), with a pause between
// any two.
func (b *bench) unhurried(mint func(context.Context) error) side {
	return func(ctx context.Context) (sample, error) {
		began := time.Now()
		answers := make([]time.Duration, b.plan.round/(10*time.Millisecond))
		for i := range answers {
			due := began.Add(time.Duration(i) * mintPause)
			if err := until(ctx, due); err != nil {
				return sample{}, err
			}
			asked := time.Now()
			if err := mint(ctx); err != nil {
				return sample{}, err
			}
			answers[i] = time.Since(asked)
		}
		return sampleOf(len(answers), time.Since(began), answers), nil
	}
}

// granted is a token as a page gets it.
type granted struct {
	Value    string `json:"value"`
	CallsURL string `json:"calls_url"`
	Call     int    `json:"call"`
}

// token asks for one, with which the session's next call is opened.
func (r *reporter) token(ctx context.Context) (granted, error) {
	var token granted
	err := r.learner.ask(ctx, http.MethodPost, r.path("/token"), nil, &token)
	return token, err
}
