package projections_test

import (
	"fmt"
	"testing"
	"time"

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
			if diff := cmp.Diff(want, rowsOf(log)); diff != "" {
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

// shownRows are the rows that readers would find.
type shownRows struct {
	Sessions  map[events.SessionID]string
	Segments  map[events.SessionID]int
	Responses map[events.SessionID]int
	Letters   int
}

func rowsOf(log []events.Event) shownRows {
	rows := projections.NewRows(projections.WordKeys{})
	for _, e := range log {
		rows.Apply(e)
	}
	shown := shownRows{map[events.SessionID]string{}, map[events.SessionID]int{}, map[events.SessionID]int{}, len(rows.Letters)}
	for id, row := range rows.Sessions {
		if row.Gone {
			continue
		}
		status, reason := row.Facts().Status(eventstest.Began)
		shown.Sessions[id] = fmt.Sprint(status, reason, row.Learner, row.Language, row.Received, row.Ended, row.Position)
		shown.Segments[id], shown.Responses[id] = len(row.SegmentRows()), len(row.ResponseRows())
	}
	return shown
}

// anyTurn is something that happens in one of the two sessions, readable or not.
func anyTurn(t *rapid.T) events.Event {
	id := rapid.SampledFrom([]events.SessionID{leaves, stays}).Draw(t, "session")
	item := rapid.SampledFrom([]string{"i1", "i2"}).Draw(t, "item")
	e := events.Event{Aggregate: id.Aggregate(), Time: eventstest.Began, N: rapid.Int64Range(1, 9).Draw(t, "n")}
	e.Outbox = events.NumbersOf(e.N)
	e.Body = rapid.SampledFrom([]events.Body{
		&events.SessionStarted{Learner: "01JD00000000000000000000AA", Language: "en", Level: "B1"},
		&events.TokenIssued{Call: 1, ExpiresAt: eventstest.Began.Add(time.Minute)},
		&events.SegmentPlaced{Call: 1, Item: item, Speaker: events.Learner},
		&events.SegmentTranscribed{Call: 1, Item: item, Status: events.Final, Words: 1, Private: events.SegmentText{Text: "apples"}},
		&events.ResponseMeasured{Call: 1, Response: item, AfterMS: 100},
		&events.SessionEnded{Reason: events.EndedByLearner, LastN: 3},
		&events.UploadRequested{Upload: "u", Size: 1, SHA256: "ab"},
		&events.SessionDeleteRequested{},
		&events.Unreadable{Type: "parley.session_sang.v1", Reason: "unknown kind"},
	}).Draw(t, "body")
	return e
}
