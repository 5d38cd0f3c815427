package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// learner talks with a program through its API, as a page does.
type learner struct {
	base   string
	client *http.Client
}

const (
	learnerEmail    = "learner@bench.invalid"
	learnerPassword = "correct horse battery staple"
)

// signIn adds an account by the command line and signs in, ready for that many
// requests at once.
func (p *program) signIn(ctx context.Context, atOnce int) (*learner, error) {
	add := exec.CommandContext(ctx, p.path, "account", "add", "--data", p.dir, "--email", learnerEmail, "--role", "learner", "--password-stdin")
	add.Env, add.Stdin = programEnviron(), strings.NewReader(learnerPassword)
	if said, err := add.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("account add: %w: %s", err, said)
	}
	return (&learner{p.base, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}}).elsewhere(ctx)
}

// elsewhere signs in from another browser.
func (l *learner) elsewhere(ctx context.Context) (*learner, error) {
	cookies, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	there := &learner{l.base, &http.Client{Jar: cookies, Transport: l.client.Transport}}
	return there, there.ask(ctx, http.MethodPost, "/api/sign-in", map[string]string{"email": learnerEmail, "password": learnerPassword}, nil)
}

// ask makes a request and reads the answer into something; any refusal is an error.
func (l *learner) ask(ctx context.Context, method, path string, body, into any) (err error) {
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, l.base+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode >= http.StatusMultipleChoices:
		return &refusal{response.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, response.Status, answer)}
	case into == nil:
		return nil
	}
	return json.Unmarshal(answer, into)
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// againPause is what a page waits at least before it asks once more.
const againPause = 500 * time.Millisecond

// again asks until the server has time, as a page does.
func again(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		var refused *refusal
		if !errors.As(err, &refused) || refused.status != http.StatusServiceUnavailable {
			return err
		}
		if err := until(ctx, time.Now().Add(againPause)); err != nil {
			return err
		}
	}
}

// sessions starts that many, each with a call that has its token.
func (l *learner) sessions(ctx context.Context, n int) ([]*reporter, error) {
	var list struct {
		Topics []struct {
			ID string `json:"id"`
		} `json:"topics"`
	}
	if err := l.ask(ctx, http.MethodGet, "/api/topics", nil, &list); err != nil {
		return nil, err
	}
	if len(list.Topics) == 0 {
		return nil, errors.New("there are no topics")
	}
	reporters := make([]*reporter, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(startsAtOnce)
	for i := range reporters {
		group.Go(func() error {
			r := &reporter{learner: l}
			reporters[i] = r
			topic := map[string]string{"topic_id": list.Topics[0].ID}
			if err := again(ctx, func() error { return l.ask(ctx, http.MethodPost, "/api/sessions", topic, &r.session) }); err != nil {
				return err
			}
			_, err := r.token(ctx)
			return err
		})
	}
	return reporters, group.Wait()
}

// reporter hands in what one session's page hears.
type reporter struct {
	learner *learner
	session struct {
		ID string `json:"id"`
	}
	n int
}

func (r *reporter) path(more string) string { return "/api/sessions/" + r.session.ID + more }

// say reports one turn of the learner and waits until it is durable.
func (r *reporter) say(ctx context.Context) (int, error) {
	r.n++
	return 1, r.report(ctx, r.n)
}

// report hands in the turns from that number to the last one.
func (r *reporter) report(ctx context.Context, from int) error {
	var reports []any
	for n := from; n <= r.n; n++ {
		heard := map[string]any{
			"type": "conversation.item.input_audio_transcription.completed", "item_id": fmt.Sprintf("item_%d", n),
			"content_index": 0, "transcript": sentence(),
		}
		reports = append(reports, map[string]any{"n": n, "call": 1, "at_ms": 100 * n, "rec_ms": nil, "event": heard})
	}
	var receipt struct {
		Accepted   int `json:"accepted"`
		Duplicates int `json:"duplicates"`
	}
	err := r.learner.ask(ctx, http.MethodPost, r.path("/events"), map[string]any{"events": reports}, &receipt)
	if err == nil && receipt.Accepted+receipt.Duplicates != len(reports) {
		err = fmt.Errorf("session %s: report %d was not accepted", r.session.ID, r.n)
	}
	return err
}

// http measures reports that pages hand in through the API of a real program.
// Each of them loads its session, decides, and appends one event; the baseline
// is appending alone.
func (b *bench) http(ctx context.Context) error {
	return b.serving(ctx, start{dir: b.folder("http")}, pagesAtOnce, func(_ *program, l *learner) error {
		reporters, err := l.sessions(ctx, pagesAtOnce)
		if err != nil {
			return err
		}
		if err := once(ctx, saying(reporters)); err != nil {
			return err
		}
		medians, err := b.plan.measure(ctx, b.rounds(saying(reporters)))
		if err != nil {
			return err
		}
		name, baseline := fmt.Sprintf("append_http_%d", pagesAtOnce), fmt.Sprintf("append_%d", pagesAtOnce)
		b.report.add(
			beside(name, medians[0].rate, perSecond, b.report.value(baseline)),
			beside(name+"_p50", ms(medians[0].p50), milliseconds, b.report.value(baseline+"_p50")),
			beside(name+"_p99", ms(medians[0].p99), milliseconds, b.report.value(baseline+"_p99")))
		return nil
	})
}

// pagesAtOnce is how many pages report at the same time.
const pagesAtOnce = 256
