package jetstream

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/events"
)

// How long one look through the log may be, in messages; and how far a
// message's time of storing may be from its event's own.
const (
	mostBrowsed = 20_000
	clockSlack  = time.Minute
)

var _ events.Browser = (*Log)(nil)

// Browse implements [events.Browser] by direct reads of many messages each.
func (l *Log) Browse(ctx context.Context, f events.Filter) (events.Excerpt, error) {
	var out events.Excerpt
	if f.Limit < 1 || f.Limit > events.MaxBrowse {
		return out, events.Errorf(events.CodeInvalid, "an excerpt holds 1 to %d events", events.MaxBrowse)
	}
	subject := logPrefix + ">"
	if f.Session != "" {
		var err error
		if subject, err = subjectOf(f.Session.Aggregate()); err != nil {
			return out, err
		}
	}
	from, err := l.beginning(ctx, subject, f)
	if err != nil {
		return out, err
	}
	out.Through = f.After
	for looked := 0; from > 0; {
		found, err := l.batch(ctx, subject, from, math.MaxUint64)
		if err != nil || len(found) == 0 {
			out.More = false
			return out, err
		}
		for _, m := range found {
			e := l.clear(m)
			if !f.Until.IsZero() && e.Time.After(f.Until.Add(clockSlack)) {
				out.More = false
				return out, nil
			}
			out.Through, out.More = e.Position, true
			if f.Takes(e) {
				out.Events = append(out.Events, e)
			}
			if looked++; len(out.Events) == f.Limit || looked == mostBrowsed {
				return out, nil
			}
		}
		from = uint64(out.Through) + 1
	}
	return out, nil
}

// Deleted implements [events.Browser].
func (l *Log) Deleted(ctx context.Context, of ...events.SessionID) (map[events.SessionID]bool, error) {
	var mu sync.Mutex
	deleted := map[events.SessionID]bool{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loading)
	for _, id := range of {
		group.Go(func() error {
			subject, err := subjectOf(id.Aggregate())
			if err != nil {
				return err
			}
			last, err := l.leader.last(ctx, subject)
			if err != nil || last == nil {
				return err
			}
			kind, _ := events.KindOfType(last.header.Get(headerType))
			mu.Lock()
			defer mu.Unlock()
			deleted[id] = kind == events.KindSessionDeleteRequested || kind.IsTombstone()
			return nil
		})
	}
	return deleted, group.Wait()
}

// beginning is the first position to look at: behind After, and not long before
// Since. Zero: there is nothing.
func (l *Log) beginning(ctx context.Context, subject string, f events.Filter) (uint64, error) {
	from := uint64(f.After) + 1
	if f.Since.IsZero() {
		return from, nil
	}
	since := f.Since.Add(-clockSlack).UTC()
	found, err := l.leader.get(ctx, getRequest{StartTime: &since, NextFor: subject})
	if err != nil || found == nil {
		return 0, err
	}
	return max(from, found.seq), nil
}

// clear decodes all of a message but its sealed part.
func (l *Log) clear(m *stored) events.Event {
	e, sealed, err := decodeClear(m)
	if err != nil {
		return unreadable(e, m, err)
	}
	e.Sealed, e.Body = sealed, events.Current(e.Body)
	return e
}
