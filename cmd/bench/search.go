package main

import (
	"context"
	"errors"
	"fmt"

	"parley/events"
	"parley/projections/postgres"
)

// searched are words that the sentences of talks are made of, so that nearly
// every session is found.
const searched = "ventana reservar"

// search measures a search over one's own words beside the same page without a
// search. The keys of all sessions are known, as after the learner's first look.
func (b *bench) search(ctx context.Context) (err error) {
	s, err := b.start(ctx, b.folder("search"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	learner := events.AccountID(newID())
	if _, err := s.seedFor(ctx, []events.AccountID{learner}, b.plan.own, wholeTalk); err != nil {
		return err
	}
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	views := postgres.NewViews(s.database, s.log.Vault())
	page := func(query string) step {
		return func(ctx context.Context) (int, error) {
			found, err := views.Sessions(ctx, learner, query, "", searchPage)
			if err == nil && len(found.Sessions) != searchPage {
				err = fmt.Errorf("%q finds %d sessions", query, len(found.Sessions))
			}
			return 1, err
		}
	}
	medians, err := b.plan.measure(ctx, b.rounds([]step{page(searched)}), b.rounds([]step{page("")}))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("search_%d", b.plan.own)
	b.report.add(
		beside(name+"_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
		beside(name+"_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)))
	return nil
}

// searchPage is how many sessions one page shows.
const searchPage = 30
