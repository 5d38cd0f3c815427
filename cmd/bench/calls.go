package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/http/realtime"
)

// calls measures how long it takes until a call is connected, and how many calls
// one partner bears on one core.
func (b *bench) calls(ctx context.Context) error {
	if err := b.connecting(ctx); err != nil {
		return err
	}
	return b.crowded(ctx)
}

// connecting measures what lies between the click and the open channel: a token
// through our server, the offer, the answer, the connection. The baseline is the
// same with a token straight from the partner.
func (b *bench) connecting(ctx context.Context) (err error) {
	dir := filepath.Join(b.folder("calls"), "connecting")
	partner, err := b.runPartner(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partner.stop()) }()
	return b.serving(ctx, start{dir: filepath.Join(dir, "data"), variables: partner.variables()}, 1, func(_ *program, l *learner) error {
		pages, err := l.sessions(ctx, 1)
		if err != nil {
			return err
		}
		client := partner.client()
		through := func(ctx context.Context) (string, string, error) {
			token, err := pages[0].token(ctx)
			return token.CallsURL, token.Value, err
		}
		straight := func(ctx context.Context) (string, string, error) {
			token, err := client.Mint(ctx, realtime.MintRequest{Language: "es"})
			return token.CallsURL, token.Value.Reveal(), err
		}
		medians, err := b.plan.measure(ctx, b.clicks(through), b.clicks(straight))
		if err != nil {
			return err
		}
		b.report.add(
			beside("call_connected_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
			beside("call_connected_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)))
		return nil
	})
}

// clicks is a side in which calls are opened and closed, one after the other.
func (b *bench) clicks(token func(context.Context) (callsURL, value string, err error)) side {
	return func(ctx context.Context) (sample, error) {
		var took []time.Duration
		began := time.Now()
		for len(took) == 0 || time.Since(began) < b.plan.round {
			clicked := time.Now()
			c, err := newCaller()
			if err != nil {
				return sample{}, err
			}
			callsURL, value, err := token(ctx)
			if err == nil {
				err = c.connect(ctx, http.DefaultClient, callsURL, value)
			}
			took = append(took, time.Since(clicked))
			if err := errors.Join(err, c.close()); err != nil {
				return sample{}, err
			}
		}
		return sampleOf(len(took), time.Since(began), took), nil
	}
}

// packetPause is what lies between two packets of the tutor.
const packetPause = 20 * time.Millisecond

// crowded measures many calls at the same time with a partner that has one core:
// what they take of it, and how late packets come that have to come every 20 ms.
// The baseline is one call.
func (b *bench) crowded(ctx context.Context) (err error) {
	partner, err := b.runPartner(filepath.Join(b.folder("calls"), "crowded"), "GOMAXPROCS=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partner.stop()) }()
	one, err := b.conversing(ctx, partner, 1)
	if err != nil {
		return err
	}
	all, err := b.conversing(ctx, partner, b.plan.calls)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("calls_%d", b.plan.calls)
	b.report.add(
		beside(name+"_core", 100*all.rate, percent, 100*one.rate),
		beside(name+"_late_p50", ms(all.p50), milliseconds, ms(one.p50)),
		beside(name+"_late_p99", ms(all.p99), milliseconds, ms(one.p99)))
	return nil
}

// conversing lets so many calls talk and takes rounds of them: the share of a core
// as the rate, and how much later than its turn a packet came.
func (b *bench) conversing(ctx context.Context, partner *provider, calls int) (_ sample, err error) {
	callers := make([]*caller, calls)
	defer func() { err = errors.Join(err, closeAll(callers)) }()
	client := partner.client()
	group, opening := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i := range callers {
		group.Go(func() error {
			token, err := client.Mint(opening, realtime.MintRequest{Language: "es"})
			if err != nil {
				return err
			}
			if callers[i], err = newCaller(); err != nil {
				return err
			}
			return callers[i].connect(opening, http.DefaultClient, token.CallsURL, token.Value.Reveal())
		})
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	medians, err := b.plan.measure(ctx, func(ctx context.Context) (sample, error) { return b.attend(ctx, partner, callers) })
	if err != nil {
		return sample{}, err
	}
	return medians[0], nil
}

// callsAtOnce is how many calls are being opened at the same time.
const callsAtOnce = 8

func closeAll(callers []*caller) (err error) {
	for _, c := range callers {
		if c != nil {
			err = errors.Join(err, c.close())
		}
	}
	return err
}

// attend listens to all calls for a while.
func (b *bench) attend(ctx context.Context, partner *provider, callers []*caller) (sample, error) {
	before, err := partner.used()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	for _, c := range callers {
		c.attend()
	}
	if err := until(ctx, began.Add(b.conversation())); err != nil {
		return sample{}, err
	}
	var late []time.Duration
	for _, c := range callers {
		for _, gap := range c.attended() {
			late = append(late, max(0, gap-packetPause))
		}
	}
	took := time.Since(began)
	after, err := partner.used()
	if err != nil {
		return sample{}, err
	}
	due := int(took/packetPause) * len(callers)
	if len(late) < due/2 { // late is a number, silence is a failure
		return sample{}, fmt.Errorf("%d of %d packets came", len(late), due)
	}
	s := sampleOf(0, took, late)
	s.rate = (after - before).Seconds() / took.Seconds()
	return s, nil
}

// used is the processor time that the partner has taken so far.
func (p *provider) used() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("this system does not tell what processor time another process takes: %w", err)
	}
	// behind the name in brackets; proc(5) counts utime as the 14th, stime as the 15th
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc tells %q of the partner", stat)
	}
	var user, system time.Duration
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, err
	}
	return (user + system) * time.Second / clockTicks, nil
}

// clockTicks a second is what Linux counts processor time in, on every machine that
// Go runs on (sysconf _SC_CLK_TCK).
const clockTicks = 100
