package jetstream

import (
	"context"
	"errors"
	"maps"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// RotationStep is one step of a rotation, in the order in which they are taken.
// A rotation that was cut between any two, or in one, goes on when it is begun
// again; until the step Switch programs use the old generation, from then on the
// new one.
type RotationStep string

// The steps.
const (
	// StepMakeKey makes the key to rotate to, where the source holds none yet.
	StepMakeKey RotationStep = "make key"
	// StepMakeStream makes the next generation's stream, empty.
	StepMakeStream RotationStep = "make stream"
	// StepCopy wraps every data key under the new master key, while programs make
	// and destroy keys in the old generation.
	StepCopy RotationStep = "copy"
	// StepFreeze ends the old generation: it is read, and no more written to.
	// Programs that need a new key wait from here to the switch.
	StepFreeze RotationStep = "freeze"
	// StepCopyRest copies what came during the copying, and compares all.
	StepCopyRest RotationStep = "copy rest"
	// StepSwitch makes the new generation the live one.
	StepSwitch RotationStep = "switch"
	// StepRemove deletes the streams of older generations whole.
	StepRemove RotationStep = "remove"
	// StepSettle puts the new master key in the old one's place.
	StepSettle RotationStep = "settle"
)

// Rotated says what a rotation did.
type Rotated struct {
	From      int  `json:"from"` // generation
	To        int  `json:"to"`
	Keys      int  `json:"keys"`        // data keys under the new master key
	Destroyed int  `json:"destroyed"`   // that stayed so
	KeyIsLeft bool `json:"key_is_left"` // the old master key must be taken out of its source by hand
	// Copies are the streams that copy older generations, whose keys the old master
	// key still opens there.
	Copies []string `json:"copies,omitempty"`
}

// Rotate brings all data keys under another master key: the last one in its
// source, or one that is made there beside the file. Programs go on meanwhile.
// Afterwards the old master key opens nothing that is stored here. progress is
// told each step before it is taken; an error of it ends the rotation there.
//
// Errors: CodeInvalid when there is no new key and none can be made;
// CodeConflict while a rotation to yet another key is on its way, or when both
// generations are not alike, which then both stay; CodeUnavailable.
func (v *Vault) Rotate(ctx context.Context, progress func(RotationStep) error) (Rotated, error) {
	r := &rotation{vault: v}
	defer r.leave()
	for _, step := range []struct {
		name RotationStep
		do   func(context.Context) error
	}{
		{StepMakeKey, r.makeKey},
		{StepMakeStream, r.makeStream},
		{StepCopy, r.copy},
		{StepFreeze, r.freeze},
		{StepCopyRest, r.copyRest},
		{StepSwitch, r.makeLive},
		{StepRemove, r.remove},
		{StepSettle, r.settle},
	} {
		if err := progress(step.name); err != nil {
			return r.done, err
		}
		if err := step.do(ctx); err != nil {
			return r.done, err
		}
	}
	return r.done, nil
}

// rotation is one way from generation to generation. Every step finds out for
// itself whether it was taken already.
type rotation struct {
	vault *Vault
	done  Rotated
	keys  masterKeys // of the source, the wanted one last
	from  *record    // nil when the wanted key's generation is live already
	to    *record
	name  string // of the vault
}

// makeKey finds the live generation and its successor-to-be.
func (r *rotation) makeKey(ctx context.Context) error {
	v := r.vault
	found, err := generations(ctx, v.publisher.js, v.config.AnswerWait)
	if err != nil {
		return err
	}
	live := liveOf(found)
	if live == nil {
		return events.Errorf(events.CodeUnavailable, "the data keys are gone")
	}
	r.name = live.Vault
	if r.keys, err = v.config.MasterKey.read(ctx); err != nil {
		return err
	}
	if len(found) == 1 && len(r.keys) == 1 && r.keys.opening(live.check) != nil {
		if r.keys, err = v.config.MasterKey.add(ctx, v.config.Random); err != nil {
			return err
		}
	}
	return r.choose(live, found[len(found)-1].Number > live.Number)
}

// choose decides from which generation to which. begun is true when there is one
// above the live one.
func (r *rotation) choose(live *KeyGeneration, begun bool) error {
	current := r.keys.opening(live.check)
	switch {
	case current == nil:
		return wrongMasterKey()
	case &current[0] != &r.keys.wanted()[0]:
		r.from = r.generation(live.Number, current)
		r.to = r.generation(live.Number+1, r.keys.wanted())
	case begun:
		return r.otherKey(live.Number + 1)
	default: // only the last steps are left, or nothing
		r.to = r.generation(live.Number, current)
	}
	r.done.From, r.done.To = live.Number, r.to.number
	return nil
}

// otherKey refuses to go on with what another key began.
func (r *rotation) otherKey(generation int) error {
	return events.Errorf(events.CodeConflict, "a rotation to another master key was begun, and %s does not hold that key behind the one in use: put it there; if it is lost, delete the stream %s, which is only a copy so far", r.vault.config.MasterKey, keyStreamOf(generation))
}

func (r *rotation) generation(number int, master []byte) *record {
	g := newGeneration(number, r.vault.publisher, r.vault.config)
	g.master.Store(&dataKey{bytes: [keySize]byte(master)})
	return newRecord(g)
}

func (r *rotation) leave() {
	r.keys.wipe()
	for _, g := range []*record{r.from, r.to} {
		if g != nil {
			g.leave()
		}
	}
}

// makeStream makes the next stream, or finds the one that was begun.
func (r *rotation) makeStream(ctx context.Context) error {
	if r.from == nil {
		return nil
	}
	check, err := r.vault.check(r.keys.wanted())
	if err != nil {
		return err
	}
	replicas, err := r.replicas(ctx)
	if err != nil {
		return err
	}
	info, err := ensure(ctx, r.vault.publisher.js, keyConfig(replicas, r.to.number, r.name, check))
	if err != nil {
		return err
	}
	if (masterKeys{r.keys.wanted()}).opening(info.Config.Metadata[checkMetadata]) == nil {
		return r.otherKey(r.to.number)
	}
	return nil
}

// replicas are as many as the old stream has: its operator may have changed them.
func (r *rotation) replicas(ctx context.Context) (int, error) {
	info, err := lookUp(ctx, r.vault.publisher.js, r.from.stream())
	if err != nil {
		return 0, err
	}
	if info == nil {
		return 0, events.Errorf(events.CodeConflict, "another rotation was faster; look with: parley keys status")
	}
	return info.Config.Replicas, nil
}

func (r *rotation) copy(ctx context.Context) error {
	if r.from == nil {
		return nil
	}
	return carry(ctx, r.from, r.to)
}

// freeze marks the old generation's end and has the server refuse every write.
func (r *rotation) freeze(ctx context.Context) error {
	if r.from == nil {
		return nil
	}
	info, err := lookUp(ctx, r.vault.publisher.js, r.from.stream())
	if err != nil || info == nil || info.Config.Sealed { // what comes next tells when it is gone
		return err
	}
	if err := r.from.note(ctx, endsName); err != nil {
		return err
	}
	info.Config.Sealed = true
	if _, err := r.vault.publisher.js.UpdateStream(ctx, info.Config); err != nil {
		return unavailable(err, "the old key stream could not be closed")
	}
	return nil
}

// copyRest leaves the two generations alike, or fails. Both were read up to the
// rest already, so that programs need not wait for long.
func (r *rotation) copyRest(ctx context.Context) error {
	if r.from == nil {
		return nil
	}
	if err := carry(ctx, r.from, r.to); err != nil {
		return err
	}
	if !maps.Equal(r.from.contents, r.to.contents) {
		return events.Errorf(events.CodeConflict, "the new generation of keys is not like the old one; both stay, and nothing is lost")
	}
	r.done.Keys, r.done.Destroyed = r.to.contents.count()
	return nil
}

func (r *rotation) makeLive(ctx context.Context) error {
	if r.from == nil {
		return nil
	}
	return r.to.note(ctx, livesName)
}

// remove deletes what is older than the live generation. On several replicas a
// write that was on its way when the stream was closed may have come in since, so
// all is looked at once more as long as there is a key for it.
func (r *rotation) remove(ctx context.Context) error {
	js := r.vault.publisher.js
	found, err := generations(ctx, js, r.vault.config.AnswerWait)
	if err != nil {
		return err
	}
	for _, old := range found {
		if old.Number >= r.to.number {
			continue
		}
		if err := r.carryOver(ctx, old); err != nil {
			return err
		}
		err := js.DeleteStream(ctx, string(old.Stream))
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return unavailable(err, "the old key stream could not be deleted")
		}
	}
	return r.nameCopies(ctx)
}

// nameCopies finds what copies older generations: it may lie where it does for good
// reason, and is an operator's to delete.
func (r *rotation) nameCopies(ctx context.Context) error {
	streams, err := allStreams(ctx, r.vault.publisher.js)
	if err != nil {
		return err
	}
	r.done.Copies = nil
	for _, origin := range keyOrigins(streams) {
		if generationOf(origin) >= r.to.number {
			continue
		}
		for _, copied := range copiesOf(origin, streams) {
			r.done.Copies = append(r.done.Copies, copied.Config.Name)
		}
	}
	return nil
}

func (r *rotation) carryOver(ctx context.Context, old KeyGeneration) error {
	if old.Vault != r.name {
		return events.Errorf(events.CodeConflict, "the stream %s is of another vault; delete it yourself if nothing needs it", old.Stream)
	}
	master := r.keys.opening(old.check)
	if master == nil {
		return nil
	}
	from := r.generation(old.Number, master)
	defer from.leave()
	return carry(ctx, from, r.to)
}

func (r *rotation) settle(context.Context) (err error) {
	if len(r.keys) > 1 {
		r.done.KeyIsLeft, err = r.vault.config.MasterKey.settle()
	}
	return err
}

// note puts a mark of the rotation in a generation, once.
func (g *generation) note(ctx context.Context, name string) error {
	_, _, err := g.publisher.settle(ctx, []*nats.Msg{g.message(name, 0, nil, nil)})
	if err != nil {
		return unavailable(err, "a step of the rotation could not be noted")
	}
	return nil
}
