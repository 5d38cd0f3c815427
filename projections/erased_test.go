package projections_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
)

// The one that is erased, and the one that stays.
const (
	leaves events.SessionID = "01JD0000000000000000000S01"
	stays  events.SessionID = "01JD0000000000000000000S02"
)

// What the log holds after an erasure gives the same read models as a log in which
// that session never was: of its own only tombstones are left, and they make no row.
func TestReplayAfterErasure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.Custom(anyTurn), 0, 40).Draw(t, "before the deletion")
		after := rapid.SliceOfN(rapid.Custom(anyTurn), 0, 20).Draw(t, "after it")
		tombstone := events.Event{Aggregate: leaves.Aggregate(), Body: &events.SessionErased{}}
		whole := append(append(before, tombstone), after...)
		var never, swept []events.Event
		for i := range whole {
			whole[i].Position = events.Position(i + 1)
			whole[i].ID = events.EventID(fmt.Sprintf("e%d", i))
			e := whole[i]
			if e.Aggregate != leaves.Aggregate() {
				never, swept = append(never, e), append(swept, e)
			} else if e.Body == tombstone.Body {
				swept = append(swept, e)
			}
		}
		whole = append(whole[:len(before)+1], ofOthers(whole[len(before)+1:])...) // nothing comes behind a tombstone
		want := rowsOf(never)
		for name, log := range map[string][]events.Event{"read along": whole, "replayed": swept} {
			if diff := cmp.Diff(want, rowsOf(log), wholeRows); diff != "" {
				t.Fatalf("%s (-never was +erased):\n%s", name, diff)
			}
		}
	})
}

func ofOthers(evs []events.Event) (others []events.Event) {
	for _, e := range evs {
		if e.Aggregate != leaves.Aggregate() {
			others = append(others, e)
		}
	}
	return others
}

// shownRows are the rows that readers would find, whole.
type shownRows struct {
	Sessions map[events.SessionID]*projections.SessionRow
	Letters  []projections.DeadLetter
}

var wholeRows = cmp.Exporter(func(reflect.Type) bool { return true })

func rowsOf(log []events.Event) shownRows {
	rows := projections.NewRows(projections.WordKeys{leaves: {1}, stays: {2}})
	for _, e := range log {
		rows.Apply(e)
	}
	maps.DeleteFunc(rows.Sessions, func(_ events.SessionID, row *projections.SessionRow) bool { return row.Gone })
	return shownRows{rows.Sessions, append([]projections.DeadLetter{}, rows.Letters...)}
}

// anyTurn is something that happens in one of the two sessions, readable or not.
func anyTurn(t *rapid.T) events.Event {
	id := rapid.SampledFrom([]events.SessionID{leaves, stays}).Draw(t, "session")
	e := events.Event{Aggregate: id.Aggregate(), Time: eventstest.Began, N: rapid.Int64Range(1, 9).Draw(t, "n")}
	e.Outbox = events.NumbersOf(e.N)
	kind := rapid.SampledFrom(sessionKinds).Draw(t, "kind")
	if e.Body = &(events.Unreadable{Type: "parley.session_sang.v1", Reason: "unknown kind"}); kind != "" {
		e.Body = eventstest.Sample(kind).Body
	}
	return e
}

// sessionKinds are all that may happen in a session but its tombstone; the empty one is
// of no kind that is known.
var sessionKinds = slices.Sorted(func(yield func(events.Kind) bool) {
	for _, kind := range events.Kinds() {
		if eventstest.Sample(kind).Aggregate.Kind == events.KindOfSession && !kind.IsTombstone() && !yield(kind) {
			return
		}
	}
	yield("")
})
