package postgres_test

import (
	"math/rand/v2"
	"runtime"
	"slices"

	"parley/events"
	"parley/events/eventstest"
)

// What passes on the wire when something is appended, and answered.
const (
	appendRequest = "HPUB parley.session."
	appendAnswer  = `{"stream":"PARLEY"`
	commitAnswer  = "COMMIT\x00"
)

// nemesis brings trouble, one after the other, while clients append.
type nemesis struct {
	*ordeal
	random *rand.Rand
	deeds  map[string]func()
	doomed []events.SessionID // sessions to erase
}

const (
	rounds  = 1  // of all troubles, each in an order of its own
	between = 80 // appends that end before the next one
)

// rage goes through all troubles and returns when the last is over.
func (n *nemesis) rage() {
	for range rounds {
		troubles := sortedKeys(n.deeds)
		n.random.Shuffle(len(troubles), func(i, j int) { troubles[i], troubles[j] = troubles[j], troubles[i] })
		for _, trouble := range troubles {
			seen := n.history.answers.At()
			n.deeds[trouble]()
			n.troubles = append(n.troubles, trouble)
			if err := n.history.answers.Wait(n.ctx, seen+between); err != nil {
				n.t.Fatalf("nothing goes on after %q (seed %d)", trouble, n.seed)
			}
		}
	}
}

func (n *nemesis) anyInstance() *instance { return n.instances[n.random.IntN(len(n.instances))] }

// troublesEverywhere are those that need no particular ground.
func (n *nemesis) troublesEverywhere() map[string]func() {
	return map[string]func(){
		"lost acknowledgement":        func() { n.await(n.anyInstance().proxy.LoseAnswer(appendAnswer)) },
		"stored late":                 n.storeLate,
		"given up before it leaves":   func() { n.giveUp(true) },
		"given up as it leaves":       func() { n.giveUp(false) },
		"overtaken":                   n.overtake,
		"connection cut":              func() { n.anyInstance().proxy.Cut() },
		"erasure":                     n.erase,
		"projector killed":            n.killProjector,
		"a projector beside":          n.addProjector,
		"projector's log cut":         func() { n.reader.proxy.Cut() },
		"PostgreSQL cut":              func() { n.postgres.Cut() },
		"commit's answer lost":        func() { n.await(n.postgres.LoseAnswer(commitAnswer)) },
		"all connections cut at once": n.cutAll,
	}
}

// storeLate holds an instance's appends back until they were sent again.
func (n *nemesis) storeLate() {
	i := n.anyInstance()
	release := n.hold(i)
	defer release()
	before := i.conn.Stats().OutMsgs
	for i.conn.Stats().OutMsgs < before+4*clients && n.ctx.Err() == nil {
		runtime.Gosched()
	}
}

// giveUp has all callers of an instance leave while nothing gets through, or just
// when it does again.
func (n *nemesis) giveUp(before bool) {
	i := n.anyInstance()
	release := n.hold(i)
	if before {
		i.giveUp()
	}
	release()
	if !before {
		i.giveUp()
	}
}

// overtake writes to the sessions of all whose appends are held back.
func (n *nemesis) overtake() {
	release := n.hold(n.anyInstance())
	defer release()
	for _, of := range n.contested {
		if err := n.write(n.ctx, n.calm, n.random, of); !isBearable(err) {
			n.t.Fatalf("overtake: %v (seed %d)", err, n.seed)
		}
	}
}

func (n *nemesis) hold(i *instance) (release func()) {
	held, release := i.proxy.HoldRequest(appendRequest)
	n.t.Cleanup(release)
	n.await(held)
	return release
}

// erase deletes a session as the worker does, while others write to it.
func (n *nemesis) erase() {
	if len(n.doomed) == 0 {
		return
	}
	of := n.doomed[0]
	n.doomed = n.doomed[1:]
	n.eraseSession(of)
}

// killProjector ends one amid what it does; another one starts in its place.
func (n *nemesis) killProjector() {
	i := n.random.IntN(len(n.projectors))
	killed := n.projectors[i]
	n.projectors = slices.Delete(n.projectors, i, i+1)
	n.postgres.Cut()
	killed.stop(n.t)
	n.startProjector()
}

// addProjector leaves at most three; the eldest leaves.
func (n *nemesis) addProjector() {
	n.startProjector()
	if len(n.projectors) > 3 {
		n.projectors[0].stop(n.t)
		n.projectors = n.projectors[1:]
	}
}

func (n *nemesis) cutAll() {
	for _, i := range n.instances {
		i.proxy.Cut()
	}
	n.reader.proxy.Cut()
	n.postgres.Cut()
}

// troublesOfOne are those of a server that is alone.
func (n *nemesis) troublesOfOne(k *killable) map[string]func() {
	restart := func() {
		k.kill()
		k.start()
		n.reconnect()
	}
	return map[string]func(){
		"server killed": restart,
		"server killed amid an append": func() {
			lost := n.anyInstance().proxy.LoseAnswer(appendAnswer)
			n.await(lost)
			restart()
		},
	}
}

// troublesOfThree are those of a cluster.
func (n *nemesis) troublesOfThree(c *eventstest.Cluster) map[string]func() {
	restart := func(s *eventstest.NATS) {
		c.Restart(s, "PARLEY", "PARLEY_KEYS", "PARLEY_SIGNINS", "PARLEY_ERASED", "PARLEY_TIMERS")
		n.reconnect()
	}
	return map[string]func(){
		"leader changed":             func() { c.ChangeLeader(n.beside, "PARLEY") },
		"leader of the keys changed": func() { c.ChangeLeader(n.beside, "PARLEY_KEYS") },
		"leader restarted":           func() { restart(c.LeaderOf("PARLEY")) },
		"server restarted":           func() { restart(c.Servers[n.random.IntN(len(c.Servers))]) },
	}
}
