package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parley"
	"parley/cmd/parley/embedded"
)

// road is how the program reaches one of its servers: through a proxy that can spoil it.
type road struct {
	*toxiproxy.Proxy
	t *testing.T
}

// roadTo opens a road to HOST:PORT that ends with the test.
func roadTo(t *testing.T, name, server string) road {
	t.Helper()
	quiet := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	r := road{toxiproxy.NewProxy(quiet, name, "127.0.0.1:0", server), t}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

// poison puts a toxic on what is said in one direction: upstream or downstream.
func (r road) poison(kind, stream, attributes string) {
	r.t.Helper()
	toxic := fmt.Sprintf(`{"name":"%s %s","type":"%s","stream":"%s","attributes":%s}`, kind, stream, kind, stream, attributes)
	if _, err := r.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		r.t.Fatal(err)
	}
}

// heal makes the road as it was; a road that was down is up at the same address.
func (r road) heal() {
	r.t.Helper()
	r.Toxics.ResetToxics(r.t.Context())
	if err := r.Update(&toxiproxy.Proxy{Listen: r.Listen, Upstream: r.Upstream, Enabled: true}); err != nil {
		r.t.Fatal(err)
	}
}

// fault befalls a road. Most makes requests fail; some only slows them.
type fault struct {
	name    string
	befalls func(road)
}

var faults = []fault{
	{"is slow", func(r road) {
		r.poison("latency", "upstream", `{"latency":50,"jitter":25}`)
		r.poison("latency", "downstream", `{"latency":50,"jitter":25}`)
	}},
	{"is cut at each word", func(r road) { r.poison("reset_peer", "upstream", `{"timeout":0}`) }},
	{"is cut amid an answer", func(r road) { r.poison("limit_data", "downstream", `{"bytes":100}`) }},
	{"is down", road.Stop},
	{"is half open, and nothing comes back", func(r road) { r.poison("timeout", "downstream", `{"timeout":0}`) }},
	{"is half open, and nothing gets there", func(r road) { r.poison("timeout", "upstream", `{"timeout":0}`) }},
	{"closes late", func(r road) { r.poison("slow_close", "downstream", `{"delay":1000}`) }},
}

// onRoads configures the programs that a test starts: for servers of their own, with a
// road to each.
func onRoads(t *testing.T) map[string]road {
	t.Helper()
	at := serversAlone(t)
	roads := map[string]road{}
	through := func(name, address string) *url.URL {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		roads[name] = roadTo(t, name, u.Host)
		u.Host = roads[name].Listen
		return u
	}
	log := through("NATS", at.NATS.URL)
	log.User = url.UserPassword(at.NATS.User, at.NATS.Password)
	for name, value := range map[string]string{
		"PARLEY_NATS_URL": log.String(), "PARLEY_ACCEPT_UNKNOWN_DURABILITY": "1",
		"PARLEY_POSTGRES_URL": through("PostgreSQL", at.Postgres.URL).String(),
		"PARLEY_S3_ENDPOINT":  through("S3", at.S3.Endpoint).String(),
		"PARLEY_S3_REGION":    at.S3.Region, "PARLEY_S3_ACCESS_KEY": at.S3.AccessKey, "PARLEY_S3_SECRET_KEY": at.S3.SecretKey,
	} {
		t.Setenv(name, value)
	}
	return roads
}

// serversAlone are the embedded servers, without the program, until the test ends.
func serversAlone(t *testing.T) embedded.Connection {
	t.Helper()
	folder, err := embedded.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	servers := embedded.New(folder, embedded.Config{NATSConf: parley.NATSConf, PostgresBin: os.Getenv("PARLEY_POSTGRES_BIN"), Log: silent()})
	at, err := servers.Start(t.Context())
	if err != nil {
		t.Fatal(errors.Join(err, folder.Close()))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := errors.Join(servers.Stop(ctx), folder.Close()); err != nil {
			t.Error(err)
		}
	})
	return at
}

// stubborn is a page that finishes a conversation in troubled times: like the real one, it asks again
// when it is not answered, or refused for a reason that passes.
type stubborn struct {
	*conversation
	file    []byte
	refused func() // called when a request fails
}

const (
	answerWait = 3 * time.Second       // after which a page does not wait for an answer any longer
	askAgain   = 50 * time.Millisecond // later
)

func (g *stubborn) persist(method, path string, body any, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	for {
		a, err := g.try(method, g.path(path), body, headers...)
		if err == nil && a.status < 300 {
			return a, nil
		}
		if err == nil && a.status < 500 {
			return a, fmt.Errorf("%s %s: %s", method, path, a)
		}
		g.refused()
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return a, fmt.Errorf("%s %s: not in time: %s %w", method, path, a, err)
		}
	}
}

// steps are the page's road from the end of the talk to the recording in the store.
func (g *stubborn) steps() []func() error {
	sum := sha256.Sum256(g.file)
	told := map[string]any{"size": len(g.file), "sha256": hex.EncodeToString(sum[:]), "content_type": "audio/webm", "duration_ms": 5000}
	ask := func(path string, body any) func() error {
		return func() error { _, err := g.persist("POST", path, body); return err }
	}
	return []func() error{
		ask("/events", map[string]any{"events": reports()}),
		ask("/end", map[string]any{"reason": "learner", "recording_expected": true, "last_n": len(reports())}),
		func() error {
			a, err := g.persist("POST", "/upload", told)
			g.upload = a.text("upload_id")
			return err
		},
		func() error {
			a, err := g.persist("PUT", "/upload/"+g.upload+"/1", g.file, "Content-Type", "audio/webm")
			if a.code() == "already_stored" { // the answer was lost; completing looks and compares
				return nil
			}
			return err
		},
		func() error { return ask("/upload/"+g.upload+"/complete", nil)() },
		g.untilSaved,
	}
}

// untilSaved looks again and again, as live updates may be in trouble, too.
func (g *stubborn) untilSaved() error {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	for {
		a, err := g.persist("GET", "", nil)
		if err != nil || a.text("status") == "saved" {
			return err
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return fmt.Errorf("not saved in time: %s", a)
		}
	}
}

// finish takes steps beside the test. Done has nil after the last one, or what went wrong.
func (g *stubborn) finish(steps []func() error) (done <-chan error) {
	result := make(chan error, 1)
	go func() {
		for _, step := range steps {
			if err := step(); err != nil {
				result <- err
				return
			}
		}
		result <- nil
	}()
	return result
}

// during takes a page's steps. Before the one at strike a road falls into trouble, which
// passes when a request has failed, or when the page got through in spite of it.
func (g *stubborn) during(r road, of fault, strike int) error {
	failed := make(chan struct{})
	g.refused = sync.OnceFunc(func() { close(failed) })
	steps := g.steps()
	if err := <-g.finish(steps[:strike]); err != nil {
		return err
	}
	of.befalls(r)
	done := g.finish(steps[strike:])
	select {
	case <-failed:
		r.heal()
		return <-done
	case err := <-done:
		r.heal()
		return err
	}
}

// strikes are the steps at which a page first needs a server, and later ones that do.
var strikes = map[string][]int{"NATS": {0, 1, 2, 4}, "S3": {2, 3, 4}, "PostgreSQL": {5, 0, 4}}

// Whatever happens on the road to one of the servers: what was acknowledged is there
// when it has passed, the audio is made once, and nobody had to lend a hand.
func TestTroubleOnTheRoad(t *testing.T) {
	file := sample(t)
	roads := onRoads(t)
	p := start(t, t.TempDir())
	p.setUp(t)
	for name, r := range roads {
		email := strings.ToLower(name) + "@example.org"
		addAccount(t, p.dir, email, "learner")
		learner := signIn(t, p.base, email)
		learner.client.Timeout = answerWait
		for i, of := range faults {
			strike := strikes[name][i%len(strikes[name])]
			t.Run(fmt.Sprintf("%s %s from step %d on", name, of.name, strike), func(t *testing.T) {
				b := *learner
				b.t = t
				c := b.startSession()
				c.token()
				g := &stubborn{conversation: c, file: file}
				if err := g.during(r, of, strike); err != nil {
					t.Fatal(err)
				}
				wantOnce(t, p.dir, c)
			})
		}
	}
	p.stop()
}

// wantOnce wants a saved session whole, and each thing that happened told once.
func wantOnce(t *testing.T, dir string, c *conversation) {
	t.Helper()
	wantSegments(t, c)
	wantAudio(t, c)
	out, errs, code := invoke(t, "", "replay", "--data", dir, "--json", c.id)
	if code != exitOK {
		t.Fatal(errs)
	}
	for kind, want := range map[string]int{"recording_started": 1, "call_connected": 1, "session_ended": 1, "upload_requested": 1, "upload_completed": 1, "audio_finalized": 1, "audio_rejected": 0} {
		if n := strings.Count(out, `"parley.`+kind+`.v1"`); n != want {
			t.Errorf("%d times %s, want %d", n, kind, want)
		}
	}
}
