package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/projections/recording"
)

// killedStore kills after each of the finalizer's steps that changes the store.
type killedStore struct {
	recording.Objects
	killer
}

func (k killedStore) Put(ctx context.Context, o recording.Object, body io.Reader) (put recording.Object, err error) {
	err = k.after(func() (string, error) { put, err = k.Objects.Put(ctx, o, body); return "put", err })
	return put, err
}

func (k killedStore) Remove(ctx context.Context, key string) error {
	return k.after(func() (string, error) { return "remove-incoming", k.Objects.Remove(ctx, key) })
}

// finalizersToBeKilled are two on the same uploads.
func finalizersToBeKilled(k killer, in *instance) (all []duty) {
	log, logger := in.backend.log, in.logger
	for _, name := range []string{"finalizer", "rival"} {
		f := recording.NewFinalizer(killedLog{log, k}, killedStore{in.backend.store, k}, time.Now, newEventID, logger)
		worker := jetstream.Worker{Name: name, Kinds: f.Kinds(), AckWait: time.Second, Handle: f.Handle, GiveUp: f.GiveUp, Trouble: func(_ events.Event, err error) {
			logger.Warn("a finalizer that is to be killed failed", "error", err)
		}}
		all = append(all, duty{name, func(ctx context.Context) error { return log.Work(ctx, worker) }})
	}
	return all
}

// A program with two finalizers is killed after each of their steps; what they make
// in the end is one audio, made once.
func TestFinalizersKilledAtEachStep(t *testing.T) {
	p := startWith(t, t.TempDir(), []string{"--roles", "web,projector"})
	ada := p.setUp(t)
	c := ada.startSession()
	c.token()
	c.report()
	c.end()
	file := sample(t)
	c.announce(file)
	if a := c.put(file); a.status != http.StatusOK {
		t.Fatalf("upload: %s", a)
	}
	if a := c.complete(); a.status != http.StatusOK {
		t.Fatalf("complete: %s", a)
	}
	p.kill()
	wantSteps(t, killedAtEachStep(t, asKilledFinalizers, p.dir, "remove-incoming"), "put", "audio_finalized", "remove-incoming")

	p = start(t, p.dir)
	c.base, c.cookie = p.base, rename(c.cookie, p.base)
	c.saved()
	wantAudio(t, c)
	out, _, _ := invoke(t, "", "replay", "--data", p.dir, "--json", c.id)
	if n := strings.Count(out, "audio_finalized"); n != 1 || strings.Contains(out, "audio_rejected") {
		t.Errorf("%d times finalized: %s", n, out)
	}
	p.stop()
}
