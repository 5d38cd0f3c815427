package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// eventPause lies between two events of a page that relays a conversation.
const eventPause = 500 * time.Millisecond

// relay measures many pages that relay at the pace of a conversation, from the
// request to the durable answer, beside as many requests to a route that does
// nothing, and what memory each of them takes.
func (b *bench) relay(ctx context.Context) error {
	return b.serving(ctx, start{dir: b.folder("relay")}, b.plan.pages, func(p *program, l *learner) error {
		warm, err := l.sessions(ctx, 1)
		if err != nil {
			return err
		}
		if _, err := b.rounds(saying(warm))(ctx); err != nil {
			return err
		}
		before, err := p.inUse(ctx)
		if err != nil {
			return err
		}
		pages, err := b.browsers(ctx, l)
		if err != nil {
			return err
		}
		relaying := func(ctx context.Context) (sample, error) {
			s, err := b.relaying(ctx, len(pages), func(ctx context.Context, page, events int) error { return pages[page].relay(ctx, events) })
			if err != nil {
				return sample{}, err
			}
			s.bytes, err = p.inUse(ctx)
			return s, err
		}
		idling := func(ctx context.Context) (sample, error) {
			return b.relaying(ctx, len(pages), func(ctx context.Context, _, _ int) error { return l.ask(ctx, http.MethodGet, "/healthz", nil, nil) })
		}
		medians, err := b.plan.measure(ctx, relaying, idling)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("relay_%d", len(pages))
		b.report.add(
			beside(name+"_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
			beside(name+"_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)),
			beside(name+"_reached", medians[0].rate, perSecond, medians[1].rate),
			alone(name+"_memory_each", (medians[0].bytes-before)/float64(len(pages))/1024, kibibytes))
		return nil
	})
}

// browsers are pages of as many sign-ins, as they are in life, with a session each
// that something was said in.
func (b *bench) browsers(ctx context.Context, l *learner) ([]*reporter, error) {
	pages, err := l.sessions(ctx, b.plan.pages)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		if page.learner, err = l.elsewhere(ctx); err != nil { // one after the other: more are taken for guessing
			return nil, err
		}
	}
	return pages, once(ctx, saying(pages))
}

// conversation is how long one round of talking takes: long enough for every page
// to have something to say.
func (b *bench) conversation() time.Duration { return max(2*b.plan.round, time.Second) }

// relaying lets pages hand in events at the pace of a conversation, as their outbox
// does: one batch at a time, and what comes meanwhile with the next. An event's time
// counts from when it was there.
func (b *bench) relaying(ctx context.Context, pages int, hand func(ctx context.Context, page, events int) error) (sample, error) {
	total := int(b.conversation() / eventPause)
	answers := make([][]time.Duration, pages)
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for page := range pages {
		group.Go(func() error {
			first := began.Add(eventPause * time.Duration(page) / time.Duration(pages))
			for len(answers[page]) < total {
				told := len(answers[page])
				if err := until(ctx, first.Add(time.Duration(told)*eventPause)); err != nil {
					return err
				}
				there := min(total, int(time.Since(first)/eventPause)+1)
				if err := hand(ctx, page, there-told); err != nil {
					return err
				}
				for i := told; i < there; i++ {
					answers[page] = append(answers[page], time.Since(first.Add(time.Duration(i)*eventPause)))
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return sampleOf(pages*total, time.Since(began), slices.Concat(answers...)), err
}

// relay hands in that many new events.
func (r *reporter) relay(ctx context.Context, events int) error {
	from := r.n + 1
	r.n += events
	return again(ctx, func() error { return r.report(ctx, from) })
}
