package postgres_test

import (
	"fmt"
	"testing"

	"parley/events"
	"parley/projections/postgres"
)

// A deletion whose request and tombstone are projected together leaves no row from
// which anybody could tell of it.
func TestWatcherTellsOfWhatIsGoneAlready(t *testing.T) {
	for name, c := range map[string]struct {
		sessions int
		resync   bool
	}{"one": {1, false}, "as many as a notification names": {100, false}, "more": {101, true}} {
		t.Run(name, func(t *testing.T) {
			db, keys := server.Open(t), newVault()
			store := postgres.NewStore(db, keys)
			var evs, ends []events.Event
			for i := range c.sessions {
				id := events.SessionID(fmt.Sprintf("01KKNQ5E480000000000S%05d", i))
				evs = append(evs, started(id, anna))
				ends = append(ends, on(id.Aggregate(), &events.SessionDeleteRequested{By: anna}), on(id.Aggregate(), &events.SessionErased{}))
			}
			log := tapeOf(append(evs, ends...)...)
			commit(t, store, log, len(evs))
			w := watch(t, db)
			if err := w.Wait(t.Context(), events.Position(len(evs))); err != nil {
				t.Fatal(err)
			}
			hers, cancel := w.Subscribe(anna)
			defer cancel()
			others, leave := w.Subscribe(bea)
			defer leave()
			commit(t, store, log, len(evs)+len(ends))
			if err := w.Wait(t.Context(), events.Position(len(evs)+len(ends))); err != nil {
				t.Fatal(err)
			}
			told := <-hers
			if told.Resync != (c.resync || c.sessions > backlog) || !told.Resync && (!told.Deleted || told.Learner != anna || told.Session == "") {
				t.Errorf("got %+v", told)
			}
			select {
			case got := <-others:
				if !c.resync {
					t.Errorf("another hears of it: %+v", got)
				}
			default:
			}
		})
	}
}

// backlog is how many changes a hearer may leave untaken.
const backlog = 64
