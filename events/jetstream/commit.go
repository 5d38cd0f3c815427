package jetstream

import (
	"context"
	"slices"
	"sync"
)

// Bounds of group commit. A batch costs the server as much as about a dozen
// single writes and then little for each member: so few go alone, and a second
// batch is worth its cost only when it carries many.
const (
	fewest     = 12      // appends that go together when no batch flies
	company    = 64      // appends that go together while another batch flies
	mostFlying = 2       // batches on their way at the same time
	mostBytes  = 8 << 20 // of a batch of many; one append alone may be larger
)

// committer lets appends that wait at the same moment leave as one atomic
// batch, each with its own guard, so that they share one sync of the disk.
// Nothing waits for company: an append leaves at once while little is on its
// way, and what comes in the meantime leaves when something has arrived.
//
// A caller holds the turn of its aggregate until its write has arrived, so that
// no two appends of one meet in a batch: the server would refuse the whole.
type committer struct {
	publisher *publisher
	replica   replica

	mu      sync.Mutex
	waiting []*passage
	alone   int // appends on their way each by itself
	flying  int // batches on their way
	aboard  int // appends in those
}

func newCommitter(p *publisher) *committer {
	return &committer{publisher: p, replica: replica{p.nc, logStream, p.wait}}
}

// passage is one write on its way through the committer. Its fields are the
// committer's to lock until done is closed.
type passage struct {
	write   *write
	values  context.Context // of its caller, without its end
	flight  *flight         // nil while it waits
	left    func()          // set when its caller has left, and called at the outcome
	outcome outcome
	done    chan struct{} // closed with the outcome
}

// outcome is what became of a passage: err; or alone, which tells the caller to
// send its write by itself; or refused; or stored, the last event at last. It was
// sent when a batch with it may be stored or yet become so.
type outcome struct {
	last    uint64
	refused bool
	alone   bool
	sent    bool
	err     error
}

// settle brings a write to its definite answer, as publisher.settle does.
// arrived is called when nobody sends the write any more; that is later than
// the return when the context ends while others are in the same batch.
func (c *committer) settle(ctx context.Context, w *write, arrived func()) (last uint64, refused bool, err error) {
	p := &passage{write: w, values: context.WithoutCancel(ctx), done: make(chan struct{})}
	c.enter(p)
	select {
	case <-p.done:
	case <-ctx.Done():
		if sent, left := c.leave(p, arrived); left {
			return 0, false, &undecided{sent, ctx.Err()}
		}
	}
	defer arrived()
	w.sent = w.sent || p.outcome.sent
	if p.outcome.alone {
		defer c.freeAlone()
		return c.publisher.settle(ctx, w.messages)
	}
	return p.outcome.last, p.outcome.refused, p.outcome.err
}

func (c *committer) enter(p *passage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, p)
	c.depart()
}

// leave takes a caller out, unless there is an outcome already.
func (c *committer) leave(p *passage, arrived func()) (sent, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-p.done:
		return false, false
	default:
	}
	if p.flight == nil {
		c.waiting = slices.DeleteFunc(c.waiting, func(q *passage) bool { return p == q })
		arrived()
		return false, true
	}
	p.left = arrived
	p.flight.abandon()
	return true, true
}

// freeAlone makes the place of a write that went alone free.
func (c *committer) freeAlone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alone--
	c.depart()
}

// depart sends off all that may leave now.
func (c *committer) depart() {
	for len(c.waiting) > 0 {
		share := c.share()
		switch {
		case len(c.waiting) >= share && c.flying < mostFlying:
			c.takeOff(c.waiting[:fitting(c.waiting[:share])])
		case len(c.waiting) < fewest && c.flying == 0 && c.alone < fewest:
			c.resolve(c.waiting[0], outcome{alone: true})
			c.waiting = c.waiting[1:]
		default:
			return
		}
	}
}

// share is how many the next batch carries. Many spread evenly over the batches
// that may fly; those who came back first would otherwise leave in small ones.
func (c *committer) share() int {
	if c.flying == 0 && len(c.waiting) < company {
		return max(fewest, len(c.waiting))
	}
	everyone := len(c.waiting) + c.aboard
	return max(company, (everyone+mostFlying-1)/mostFlying)
}

// takeOff sends a batch of those who waited longest.
func (c *committer) takeOff(first []*passage) {
	f := &flight{committer: c, members: slices.Clone(first), present: len(first)}
	c.waiting = c.waiting[len(first):]
	c.flying++
	c.aboard += len(first)
	for _, p := range f.members {
		p.flight = f
	}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(f.members[0].values)
	go f.run(ctx)
}

// resolve gives a passage its outcome.
func (c *committer) resolve(p *passage, o outcome) {
	p.outcome = o
	close(p.done)
	switch {
	case p.left != nil:
		p.left()
	case o.alone:
		c.alone++
	}
}
