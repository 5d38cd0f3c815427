package postgres_test

import (
	"maps"
	"testing"

	"parley/events"
	"parley/projections/postgres"
)

// sessionsIn makes a session of each life, and says which is which.
func sessionsIn(t *testing.T, lives map[string][]events.Body) (reader, map[events.SessionID]string) {
	t.Helper()
	names := map[events.SessionID]string{}
	var log []events.Event
	for name, life := range lives {
		id := events.SessionID("01KKNQ5E48000000000SESS" + string(rune('A'+len(names))) + "AA")
		names[id] = name
		log = append(log, started(id, anna))
		for n, body := range life {
			e := on(id.Aggregate(), body)
			if _, reported := body.(*events.RecordingStarted); reported {
				e.Via, e.N, e.Outbox = events.ViaBrowser, int64(n+1), events.NumbersOf(1)
			}
			log = append(log, e)
		}
	}
	return given(t, log...), names
}

func TestUnsettled(t *testing.T) {
	ended := func(recording bool, lastN int64) *events.SessionEnded {
		return &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: recording, LastN: lastN}
	}
	reported := &events.RecordingStarted{}
	uploaded := []events.Body{&events.UploadRequested{Upload: "u1"}, &events.UploadCompleted{Upload: "u1"}, &events.AudioFinalized{Upload: "u1"}}
	lives := map[string][]events.Body{
		"talking":                         nil,
		"ended, nothing awaited":          {ended(false, 0)},
		"ended, all reports in":           {reported, ended(false, 1)},
		"ended, reports missing":          {reported, ended(false, 2)},
		"ended, recording awaited":        {ended(true, 0)},
		"saved with its recording":        append([]events.Body{ended(true, 0)}, uploaded...),
		"saved, then asked to be deleted": {ended(false, 0), &events.SessionDeleteRequested{By: anna}},
	}
	r, names := sessionsIn(t, lives)
	found, err := r.Unsettled(t.Context(), postgres.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, s := range found {
		got[names[s.ID]] = true
	}
	want := map[string]bool{
		"talking": true, "ended, reports missing": true, "ended, recording awaited": true,
		"saved, then asked to be deleted": true,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for limit, code := range map[int]events.Code{0: events.CodeInvalid, 1: "", postgres.MaxPage: "", postgres.MaxPage + 1: events.CodeInvalid} {
		if _, err := r.Unsettled(t.Context(), limit); events.CodeOf(err) != code {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestOpenSessions(t *testing.T) {
	r, names := sessionsIn(t, map[string][]events.Body{
		"open": nil, "asked to be deleted": {&events.SessionDeleteRequested{By: anna}},
		"erased": {&events.SessionDeleteRequested{By: anna}, &events.SessionErased{}},
	})
	asked := map[events.SessionID]bool{first: true} // which never was
	for id := range names {
		asked[id] = true
	}
	open, err := r.OpenSessions(t.Context(), asked)
	if err != nil || len(open) != 1 {
		t.Fatalf("%v, %v", open, err)
	}
	for id := range open {
		if names[id] != "open" {
			t.Errorf("%q is open", names[id])
		}
	}
}
