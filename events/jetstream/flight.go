package jetstream

import (
	"context"
	"errors"
	"runtime"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// mostRefusals is how often a batch is cleared of its conflicts before its
// members go alone.
const mostRefusals = 3

// flight is one batch on its way, with what becomes of it. It ends when all its
// members have an outcome, or have left.
type flight struct {
	committer *committer
	members   []*passage // those without an outcome; only run changes it
	present   int        // callers that wait for it; under the committer's lock
	sent      bool       // some attempt may be stored or yet become so; run's own
	cancel    context.CancelFunc
}

// fitting is how many of those who wait go into one batch, at least one.
func fitting(waiting []*passage) int {
	messages, bytes := 0, 0
	for i, p := range waiting {
		messages += len(p.write.messages)
		bytes += p.write.size()
		if i > 0 && (messages > events.MaxAppend || bytes > mostBytes) {
			return i
		}
	}
	return len(waiting)
}

// abandon notes that a caller left. The last one to leave ends the flight.
func (f *flight) abandon() {
	if f.present--; f.present == 0 {
		f.cancel()
	}
}

func (f *flight) run(ctx context.Context) {
	defer f.land()
	pause := leastPause
	for refusals := 0; ; {
		last, refused, err := f.committer.publisher.settle(ctx, f.messages())
		switch {
		case err != nil:
			f.resolve(f.failed(err))
			return
		case !refused:
			f.resolve(storedUpTo(last, f.members))
			return
		}
		refusals++
		f.sent = true // it may have been refused by itself, stored before
		if err := f.clear(ctx); err != nil && rest(ctx, &pause) != nil {
			f.resolve(f.failed(&undecided{true, err}))
			return
		}
		if len(f.members) < fewest || refusals == mostRefusals {
			f.resolve(f.everyone(outcome{alone: true}))
			return
		}
	}
}

// messages are those of all members, in order. No append is ever split.
func (f *flight) messages() []*nats.Msg {
	var all []*nats.Msg
	for _, p := range f.members {
		all = append(all, p.write.messages...)
	}
	return all
}

// verdicts gives members their outcomes; false for one that has none yet.
type verdicts func(*passage) (outcome, bool)

// resolve tells members what became of them; the others stay.
func (f *flight) resolve(of verdicts) {
	c := f.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	var others []*passage
	for _, p := range f.members {
		o, has := of(p)
		if !has {
			others = append(others, p)
			continue
		}
		if p.left == nil {
			f.present--
		}
		c.aboard--
		c.resolve(p, o)
	}
	f.members = others
}

// land makes room for the next batch, once those who came with this one have
// had the chance to be on it.
func (f *flight) land() {
	f.cancel()
	runtime.Gosched()
	c := f.committer
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying--
	c.depart()
}

// storedUpTo counts positions back from the batch's last one: its messages lie
// side by side.
func storedUpTo(last uint64, members []*passage) verdicts {
	at := make(map[*passage]uint64, len(members))
	for i := len(members) - 1; i >= 0; i-- {
		at[members[i]] = last
		last -= uint64(len(members[i].write.messages))
	}
	return func(p *passage) (outcome, bool) { return outcome{last: at[p]}, true }
}

// failed is everyone's outcome when no answer came. What the server refused for
// one member's sake goes alone, so that only that one fails.
func (f *flight) failed(err error) verdicts {
	var left *undecided
	var refusal *jetstream.APIError
	f.sent = f.sent || errors.As(err, &left) && left.sent
	if left == nil || errors.As(err, &refusal) {
		return f.everyone(outcome{alone: true})
	}
	return f.everyone(outcome{err: err})
}

// everyone gives all members the same outcome.
func (f *flight) everyone(o outcome) verdicts {
	o.sent = f.sent
	return func(*passage) (outcome, bool) { return o, true }
}

// clear asks for the last positions of all members' subjects at once. Whose
// expectation does not hold is refused, and reads back why.
func (f *flight) clear(ctx context.Context) error {
	subjects := make([]string, len(f.members))
	for i, p := range f.members {
		subjects[i] = p.write.subject
	}
	lasts, err := f.committer.replica.lasts(ctx, subjects)
	if err != nil {
		return err
	}
	f.resolve(func(p *passage) (outcome, bool) {
		return outcome{refused: true}, lasts[p.write.subject] != uint64(p.write.expected)
	})
	return nil
}
