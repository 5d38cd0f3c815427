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
		many     bool // to tell of one by one: a resync may stand for them
	}{"one": {1, false}, "as many as a notification names": {100, true}, "more": {101, true}} {
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
			for again, told := false, 0; told < c.sessions && !(again && c.many); {
				change := <-hers
				switch {
				case change.Resync:
					again = true
				case !change.Deleted || change.Learner != anna || change.Session == "":
					t.Fatalf("got %+v", change)
				default:
					told++
				}
			}
			select {
			case change := <-others:
				if !change.Resync {
					t.Errorf("another hears of it: %+v", change)
				}
			default:
			}
		})
	}
}
