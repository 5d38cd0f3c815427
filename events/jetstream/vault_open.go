package jetstream

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// checkText is what the key stream's metadata holds under the master key, so
// that a wrong one is noticed before it wraps anything.
const checkText = "parley"

// open checks the master key against the live generation of keys, the first of
// which is made at the first start, and begins to watch for keys that others
// destroy.
func (v *Vault) open(ctx context.Context) error {
	found, err := generations(ctx, v.publisher.js, v.config.AnswerWait)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if found, err = v.begin(ctx); err != nil {
			return err
		}
	}
	live := liveOf(found)
	if live == nil {
		return events.Errorf(events.CodeInvalid, "the data keys are gone: there is only the beginning of their next generation; restore them from a backup")
	}
	master, err := v.masterOf(ctx, live.check)
	if err != nil {
		return err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g, err := v.watch(watching, live, master)
	if err != nil {
		cancel()
		return err
	}
	v.current.Store(g)
	var attending sync.WaitGroup
	attending.Go(func() { v.attend(watching, g) })
	attending.Go(func() { v.forget(watching) })
	v.stop = func() { cancel(); attending.Wait() }
	return nil
}

// begin makes the first generation.
func (v *Vault) begin(ctx context.Context) ([]KeyGeneration, error) {
	keys, err := v.config.MasterKey.first(ctx, v.config.Random)
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	check, err := v.check(keys.wanted())
	if err != nil {
		return nil, err
	}
	if _, err := ensure(ctx, v.publisher.js, keyConfig(v.config.Replicas, 1, check, check)); err != nil {
		return nil, err
	}
	return generations(ctx, v.publisher.js, v.config.AnswerWait)
}

// check makes the text by which a master key is known again.
func (v *Vault) check(master []byte) (string, error) {
	sealed, err := sealBytes(master, v.config.Random, []byte(checkText), frame(checkMetadata))
	return base64.StdEncoding.EncodeToString(sealed), err
}

// masterOf reads the source for the key that a check was made with.
// Errors: CodeInvalid.
func (v *Vault) masterOf(ctx context.Context, check string) (*dataKey, error) {
	keys, err := v.config.MasterKey.read(ctx)
	var none *noMasterKey
	if errors.As(err, &none) {
		return nil, none.refusal()
	}
	if err != nil {
		return nil, err
	}
	defer keys.wipe()
	master := keys.opening(check)
	if master == nil {
		return nil, wrongMasterKey()
	}
	return &dataKey{bytes: [keySize]byte(master)}, nil
}

func wrongMasterKey() error {
	return events.Errorf(events.CodeInvalid, "the master key is not the one that wraps the data keys of this event log")
}

// CheckMasterKey tells, without a server, whether the source holds a key of one
// of the vault's generations, given the metadata of streams by their names. Where
// there is none yet, the source only has to be readable, or a file still to be
// made. Errors: CodeInvalid.
func CheckMasterKey(ctx context.Context, m MasterKey, metadata map[string]map[string]string) error {
	var checks []string
	for stream, about := range metadata {
		if generationOf(stream) > 0 {
			checks = append(checks, about[checkMetadata])
		}
	}
	keys, err := m.read(ctx)
	var none *noMasterKey
	switch {
	case errors.As(err, &none) && len(checks) == 0:
		return nil
	case errors.As(err, &none):
		return none.refusal()
	case err != nil:
		return err
	}
	defer keys.wipe()
	for _, check := range checks {
		if keys.opening(check) != nil {
			return nil
		}
	}
	if len(checks) > 0 {
		return wrongMasterKey()
	}
	return nil
}

// heartbeat is how often who watches the keys hears from the stream that nothing was
// destroyed, the least that nats.go allows. After twice as long without it, as when the
// server at hand is cut off from the others, all keys are forgotten.
const heartbeat = 500 * time.Millisecond

// watch begins to destroy in memory what others destroy in the stream, and to
// notice the generation's end.
func (v *Vault) watch(ctx context.Context, found *KeyGeneration, master *dataKey) (*generation, error) {
	consumer, err := v.publisher.js.OrderedConsumer(ctx, string(found.Stream), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   found.last + 1,
		HeadersOnly:   true,
	})
	if err != nil {
		return nil, unavailable(err, "the key stream cannot be watched")
	}
	g := newGeneration(found.Number, v.publisher, v.config)
	g.master.Store(master)
	watching, err := consumer.Consume(
		func(m jetstream.Msg) { v.learn(ctx, g, m) },
		jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if errors.Is(err, jetstream.ErrNoHeartbeat) {
				g.keys.empty()
			}
			g.look()
		}))
	if err != nil {
		g.end()
		return nil, unavailable(err, "the key stream cannot be watched")
	}
	g.unwatch = watching.Stop
	if found.Ended {
		g.look()
	}
	return g, nil
}

// learn waits for its turn, so that a key which is just being fetched is gone
// afterwards.
func (v *Vault) learn(ctx context.Context, g *generation, m jetstream.Msg) {
	name := g.name(m.Subject())
	if name == endsName {
		g.look()
	}
	if !isMarker(m.Headers()) {
		return
	}
	done, err := v.turns.take(ctx, name)
	if err != nil {
		return // the vault closes
	}
	defer done()
	g.keys.destroy(name)
	kind, id, _ := strings.Cut(name, ".")
	v.config.KeyDestroyed(events.Aggregate{Kind: events.AggregateKind(kind), ID: id})
}

// look has the generation looked at: it may have ended.
func (g *generation) look() {
	select {
	case g.alarm <- struct{}{}:
	default: // it will be already
	}
}

// leastLook and mostLook bound the wait between two looks for the next
// generation: a destroyed key must be out of all memories within a second.
const (
	leastLook = 5 * time.Millisecond
	mostLook  = 250 * time.Millisecond
)

// askEvery and mostSilence bound for how long an instance that is cut off goes on with
// the keys in its memory: together less than a second.
const (
	askEvery    = 250 * time.Millisecond
	mostSilence = 600 * time.Millisecond
)

// forget empties the memory whenever the connection is lost, and whenever the server at
// its other end does not answer, until the vault closes: nobody tells then what is
// destroyed.
func (v *Vault) forget(ctx context.Context) {
	lost := v.publisher.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED)
	defer v.publisher.nc.RemoveStatusListener(lost)
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	for {
		answered := false
		select {
		case <-ctx.Done():
			return
		case <-lost:
		case <-ask.C:
			answered = v.answered(ctx)
		}
		if g := v.current.Load(); g != nil && !answered {
			g.keys.empty()
		}
	}
}

func (v *Vault) answered(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, mostSilence)
	defer cancel()
	return v.publisher.nc.FlushWithContext(ctx) == nil
}

// attend takes up one generation after the other until the vault closes. When
// the connection was away it begins anew with an empty memory: what was destroyed
// meanwhile must not be in it.
func (v *Vault) attend(ctx context.Context, g *generation) {
	back := v.publisher.nc.StatusChanged(nats.CONNECTED)
	defer v.publisher.nc.RemoveStatusListener(back)
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	again.Stop()
	for pause, anew := leastLook, false; ; {
		select {
		case <-ctx.Done():
			v.current.Store(nil)
			g.leave()
			return
		case <-back:
			g.keys.empty()
			pause, anew = leastLook, true
		case <-g.alarm:
			pause = leastLook
		case <-again.C:
			pause = min(2*pause, mostLook)
		}
		next, soon := v.successor(ctx, g, anew)
		switch {
		case next != nil:
			v.current.Store(next)
			g.leave()
			g, anew = next, false
		case soon:
			again.Reset(pause)
		}
	}
}

// successor begins to watch the generation that is live now, if it is another
// one or is to be watched anew. It takes no key over: what was destroyed at the
// change might be among them. soon is true when there will be one.
func (v *Vault) successor(ctx context.Context, g *generation, anew bool) (next *generation, soon bool) {
	found, err := generations(ctx, v.publisher.js, v.config.AnswerWait)
	if err != nil {
		return nil, true
	}
	live := liveOf(found)
	if live == nil {
		return nil, true
	}
	var master *dataKey
	switch {
	case live.Number != g.number:
		if master, err = v.masterOf(ctx, live.check); err != nil {
			master = nil // its users are told, and the source is read again for them
		}
	case anew:
		master = g.copyMaster()
	default:
		return nil, live.Ended
	}
	next, err = v.watch(ctx, live, master)
	return next, err != nil
}

// inLive does something in the live generation, and again in the next one when
// a rotation ends it meanwhile. Errors: CodeUnavailable; those of do.
func (v *Vault) inLive(ctx context.Context, do func(context.Context, *generation) error) error {
	for {
		g, err := v.unlocked(ctx)
		if err != nil {
			return err
		}
		bound, cancel := context.WithCancel(ctx)
		loose := context.AfterFunc(g.life, cancel)
		err = do(bound, g)
		loose()
		cancel()
		over := g.life.Err() != nil || errors.Is(err, errEnded) || isFrozen(err) || isGone(err)
		if err == nil || !over {
			return err
		}
		if err := v.outlive(ctx, g); err != nil {
			return err
		}
	}
}

// outlive waits until a generation has ended and the next one is taken up.
func (v *Vault) outlive(ctx context.Context, g *generation) error {
	g.look()
	late := time.NewTimer(v.config.AnswerWait)
	defer late.Stop()
	select {
	case <-g.life.Done():
		return nil
	case <-late.C:
		return events.Errorf(events.CodeUnavailable, "a rotation of the master key has stopped at its last step; finish it with: parley keys rotate")
	case <-ctx.Done():
		return unavailable(ctx.Err(), "the data key was not found in time")
	}
}

// commandPause is how long the program waits before it runs a master key
// command again that has not given the right key.
const commandPause = time.Second

// unlocked gives the live generation with its master key, for which the source
// is read again when it did not hold it before. Errors: CodeUnavailable.
func (v *Vault) unlocked(ctx context.Context) (*generation, error) {
	g := v.current.Load()
	if g == nil {
		return nil, events.Errorf(events.CodeUnavailable, "the vault is not open")
	}
	if g.master.Load() != nil {
		return g, nil
	}
	v.unlocking.Lock()
	defer v.unlocking.Unlock()
	if g.master.Load() != nil {
		return g, nil
	}
	refusal := "the master key was rotated, and " + v.config.MasterKey.String() + " does not hold the new one"
	now := v.config.Now()
	if v.config.MasterKey.command != "" && now.Sub(v.tried) < commandPause {
		return nil, events.Errorf(events.CodeUnavailable, "%s", refusal)
	}
	v.tried = now
	found, err := lookAt(ctx, v.publisher.js, g.number, v.config.AnswerWait)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, events.Errorf(events.CodeUnavailable, "the data keys are gone")
	}
	master, err := v.masterOf(ctx, found.check)
	if err != nil {
		return nil, events.Wrap(err, events.CodeUnavailable, refusal)
	}
	g.master.Store(master)
	return g, nil
}

// Ready tells whether keys can be used. Errors: CodeUnavailable.
func (v *Vault) Ready(ctx context.Context) error {
	_, err := v.unlocked(ctx)
	return err
}

// close ends the watch and wipes the keys.
func (v *Vault) close() {
	v.stop()
	v.stop = func() {}
}
