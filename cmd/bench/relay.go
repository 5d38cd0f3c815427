package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// relayed is how many events a second a page hands in, each by itself, as it does
// when they come as slowly as that.
const relayed = 2

// relay measures many pages that relay at the pace of a conversation, from the
// request to the durable answer, beside as many requests to a route that does
// nothing, and what memory each of them takes.
func (b *bench) relay(ctx context.Context) error {
	return b.serving(ctx, start{dir: b.folder("relay")}, b.plan.pages, func(p *program, l *learner) error {
		warm, err := l.sessions(ctx, 1)
		if err != nil {
			return err
		}
		if err := once(ctx, saying(warm)); err != nil {
			return err
		}
		empty, err := p.resident(ctx)
		if err != nil {
			return err
		}
		pages, err := l.sessions(ctx, b.plan.pages)
		if err != nil {
			return err
		}
		if err := once(ctx, saying(pages)); err != nil {
			return err
		}
		relaying := func(ctx context.Context) (sample, error) {
			s, err := b.paced(ctx, saying(pages))
			if err != nil {
				return sample{}, err
			}
			s.bytes, err = p.resident(ctx)
			return s, err
		}
		medians, err := b.plan.measure(ctx, relaying, func(ctx context.Context) (sample, error) { return b.paced(ctx, l.idling(len(pages))) })
		if err != nil {
			return err
		}
		name := fmt.Sprintf("relay_%d", len(pages))
		b.report.add(
			beside(name+"_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
			beside(name+"_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)),
			beside(name+"_reached", medians[0].rate, perSecond, medians[1].rate),
			alone(name+"_memory_each", (medians[0].bytes-empty)/float64(len(pages))/1024, kibibytes))
		return nil
	})
}

// conversation is how long one round of talking takes: long enough for every page
// to have something to say.
func (b *bench) conversation() time.Duration { return max(2*b.plan.round, time.Second) }

// idling ask for what costs the server nothing.
func (l *learner) idling(n int) []step {
	steps := make([]step, n)
	for i := range steps {
		steps[i] = func(ctx context.Context) (int, error) { return 1, l.ask(ctx, http.MethodGet, "/healthz", nil, nil) }
	}
	return steps
}

// paced lets pages do their step at the pace of a conversation. An answer's time
// counts from when its event was there, so that a page whose answers are late is
// not taken for one that has little to say.
func (b *bench) paced(ctx context.Context, pages []step) (sample, error) {
	p := pace{rate: relayed * len(pages), lasts: b.conversation()}
	found := make([][]time.Duration, len(pages))
	began := time.Now()
	done, took, err := p.keep(ctx, len(pages), func(ctx context.Context, page int) error {
		i := len(found[page])*len(pages) + page
		due := began.Add(time.Duration(i) * time.Second / time.Duration(p.rate))
		_, err := pages[page](ctx)
		found[page] = append(found[page], time.Since(due))
		return err
	})
	if err != nil {
		return sample{}, err
	}
	return sampleOf(done, took, slices.Concat(found...)), nil
}
