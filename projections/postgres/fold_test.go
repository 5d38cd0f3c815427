package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
	"parley/projections/postgres"
)

const (
	anna   = events.AccountID("01KKNQ5E480000000000ACC0AA")
	bea    = events.AccountID("01KKNQ5E480000000000ACC0BB")
	market = events.TopicID("01KKNQ5E48000000000T0P1CAA")
	letter = events.TopicID("01KKNQ5E48000000000T0P1CBB")
	first  = events.SessionID("01KKNQ5E48000000000SESS1AA")
	second = events.SessionID("01KKNQ5E48000000000SESS1BB")
)

func newProjector(log projections.Source, store projections.Store) *projections.Projector {
	return projections.NewProjector(log, store, "PARLEY", slog.New(slog.DiscardHandler))
}

// project carries a log into a store and returns once all of it is there.
func project(t testing.TB, log projections.Source, store projections.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newProjector(log, store)
	if l, is := log.(*tape); is {
		l.settled = p.Wait
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	select {
	case <-p.CaughtUp():
		cancel()
		if err := <-ended; err != nil {
			t.Fatalf("project: %v", err)
		}
	case err := <-ended:
		t.Fatalf("project: %v", err)
	}
}

// Whatever the log holds, however it is cut into batches, delivered again, and
// carried on by other projectors: the rows are those of one fold in memory.
func TestRowsEqualTheFold(t *testing.T) {
	db, keys := server.Open(t), newVault()
	t.Run("written row by row", func(t *testing.T) { rowsEqualTheFold(t, db, keys, postgres.NewStore(db, keys)) })
	t.Run("written in bulk", func(t *testing.T) { rowsEqualTheFold(t, db, keys, postgres.NewStore(db, keys).InBulk()) })
}

func rowsEqualTheFold(t *testing.T, db *postgres.Database, keys *vault, store *postgres.Store) {
	views := postgres.NewViews(db, keys)
	rapid.Check(t, func(rt *rapid.T) {
		if err := store.Clear(t.Context()); err != nil {
			rt.Fatal(err)
		}
		log := tapeOf(rapid.SliceOfN(rapid.Custom(anyEvent), 1, 60).Draw(rt, "log")...)
		log.cuts = rapid.SliceOfN(rapid.Custom(anyCut), 1, 5).Draw(rt, "cuts")
		project(t, log.upTo(rapid.IntRange(0, len(log.all)).Draw(rt, "restart")), store)
		project(t, log, store)

		fold := projections.NewRows(wordKeys(t, keys, first, second))
		for _, e := range log.all {
			fold.Apply(e)
		}
		got, err := views.Contents(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(postgres.ContentsOf(fold), got); diff != "" {
			rt.Fatalf("rows differ from the fold (-fold +rows):\n%s", diff)
		}
	})
}

func anyCut(t *rapid.T) cut {
	return cut{rapid.IntRange(1, 20).Draw(t, "size"), rapid.IntRange(0, 3).Draw(t, "again")}
}

func wordKeys(t *testing.T, by postgres.Deriver, of ...events.SessionID) projections.WordKeys {
	t.Helper()
	keys := projections.WordKeys{}
	for _, id := range of {
		key, ok, err := postgres.KeyOf(t.Context(), by, id)
		if err != nil || !ok {
			t.Fatalf("key of %s: %v", id, err)
		}
		keys[id] = key
	}
	return keys
}

// anyEvent draws an event that might be in a log, in its right place or not.
func anyEvent(t *rapid.T) events.Event {
	e := rapid.OneOf(
		rapid.Custom(anyOfSession), rapid.Custom(anyOfSession), rapid.Custom(anyOfSession),
		rapid.Custom(anyOther),
	).Draw(t, "event")
	if rapid.IntRange(0, 40).Draw(t, "unreadable") == 0 {
		e.Body = &events.Unreadable{Type: "parley.session_sang.v1", Reason: "unknown kind"}
	}
	return e
}

func anyOfSession(t *rapid.T) events.Event {
	id := rapid.SampledFrom([]events.SessionID{first, second}).Draw(t, "session")
	e := on(id.Aggregate(), anySessionBody(t))
	if rapid.Bool().Draw(t, "via browser") {
		e.Via, e.N = events.ViaBrowser, rapid.Int64Range(1, 30).Draw(t, "n")
		e.Outbox = events.NumbersOf(e.N, e.N+1)
	}
	return e
}

func anySessionBody(t *rapid.T) events.Body {
	call := rapid.IntRange(1, 2).Draw(t, "call")
	item := rapid.SampledFrom([]string{"i1", "i2", "i3"}).Draw(t, "item")
	response := rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "response")
	ms := func(name string) *int64 {
		return rapid.SampledFrom([]*int64{nil, new(int64(700)), new(int64(4000))}).Draw(t, name)
	}
	text := rapid.SampledFrom([]string{"", "Two apples", "Zwei Äpfel, bitte."}).Draw(t, "text")
	return rapid.SampledFrom([]events.Body{
		&events.SessionStarted{Learner: anna, Topic: market, Language: "en", Level: "B1", Provider: "partner", Model: "m", Voice: "v", TranscriptionModel: "t"},
		&events.SessionStarted{Learner: bea, Topic: letter, Language: "de", Level: "A1", OwnTopic: events.TopicText{Title: text}},
		&events.TokenIssued{Call: call, ExpiresAt: eventstest.Began.Add(time.Minute)},
		&events.TokenRefreshed{Call: call, ExpiresAt: eventstest.Began.Add(time.Hour)},
		&events.CallConnected{Call: call, AtMS: 12, RecMS: ms("rec")},
		&events.CallDescribed{Call: call, PrefixPaddingMS: ms("padding")},
		&events.CallDropped{Call: call, Cause: "network"},
		&events.ResponseMeasured{Call: call, Response: response, AfterMS: 500},
		&events.SegmentPlaced{Call: call, Item: item, Previous: new("i1"), Speaker: events.Learner},
		&events.SegmentPlaced{Call: call, Item: item, Speaker: events.Tutor, Response: response},
		&events.SegmentPlaced{Call: call, Item: item, Speaker: events.NoSpeaker},
		&events.SegmentTranscribed{Call: call, Item: item, Status: events.Final, Words: 2, Private: events.SegmentText{Text: text}},
		&events.SegmentTranscribed{Call: call, Item: item, Part: rapid.IntRange(1, 2).Draw(t, "part"), Status: events.Final, Words: 2, Private: events.SegmentText{Text: text}},
		&events.SegmentTranscribed{Call: call, Item: item, Status: events.Prompted, Words: 2, Private: events.SegmentText{Text: text}},
		&events.SegmentTimed{Call: call, Item: item, StartedCallMS: ms("started"), EndedRecMS: ms("ended")},
		&events.SegmentTimed{Call: call, Response: response, StartedRecMS: ms("started"), ClearedByVoice: true},
		&events.SegmentInterrupted{Call: call, Item: item, HeardMS: ms("heard")},
		&events.UsageRecorded{Call: call, Response: response, Tokens: map[string]int64{"output_audio": int64(call)}},
		&events.UsageRecorded{Call: call, Item: item, Tokens: map[string]int64{"input_audio": 7}},
		&events.OutboxReceived{},
		&events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: true, LastN: 9},
		&events.UploadRequested{Upload: "u1", Size: 10, SHA256: "ab"},
		&events.UploadCompleted{Upload: "u1", Object: "o"},
		&events.AudioFinalized{Upload: "u1", Object: "o", DurationMS: 1234, Repaired: []string{"duration"}},
		&events.AudioRejected{Upload: "u1", Reason: "not_audio"},
		&events.SessionDeleteRequested{By: anna},
		&events.SessionErased{Events: 3},
	}).Draw(t, "body")
}

func anyOther(t *rapid.T) events.Event {
	account := rapid.SampledFrom([]events.AccountID{anna, bea}).Draw(t, "account")
	topic := rapid.SampledFrom([]events.TopicID{market, letter}).Draw(t, "topic")
	email := events.EmailAggregate(fmt.Sprintf("hash-%d", rapid.IntRange(1, 2).Draw(t, "email")))
	text := events.TopicText{Title: "Buying fruit", Goals: []string{"haggle"}}
	return rapid.SampledFrom([]events.Event{
		on(account.Aggregate(), &events.AccountRegistered{Method: events.ByPassword, Private: events.Person{Name: "Anna"}}),
		on(account.Aggregate(), &events.AccountCredentialAdded{Private: events.Credential{PasswordHash: "$argon2id$"}}),
		on(account.Aggregate(), &events.AccountRoleGranted{Role: events.RoleLearner}),
		on(account.Aggregate(), &events.AccountRoleGranted{Role: events.RoleOperator}),
		on(account.Aggregate(), &events.AccountDeleteRequested{Receipt: "hash"}),
		on(account.Aggregate(), &events.AccountErased{Events: 2}),
		on(events.AuditOf(account), &events.AuditErased{}),
		on(events.AuditOf(account), &events.SignedIn{Method: events.ByPassword, Address: "198.51.100.0/24"}),
		on(events.AuditOf(account), &events.ContentRead{Session: first, Reason: "why turns are missing"}),
		on(events.AuditOfHour(eventstest.Began, 1), &events.SignInFailed{Method: events.ByPassword, Count: 3}),
		on(events.AuditOfHour(eventstest.Began, 1), &events.AuditInterrupted{Missed: map[events.Kind]int{events.KindSignedIn: 2}}),
		on(email, &events.EmailClaimed{Account: account}),
		on(email, &events.EmailReleased{Account: account}),
		on(email, &events.ClaimErased{Positions: events.NumbersOf(rapid.SliceOfN(rapid.Int64Range(1, 40), 1, 20).Draw(t, "claimings")...)}),
		on(topic.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Public: &text}),
		on(topic.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Owner: account, Private: text}),
		on(topic.Aggregate(), &events.TopicRevised{Language: "en", Level: "C1", Public: &text}),
		on(topic.Aggregate(), &events.TopicRetired{}),
		on(topic.Aggregate(), &events.TopicErased{}),
		on(topic.Aggregate(), &events.EmailClaimed{Account: account}), // belongs elsewhere
	}).Draw(t, "other")
}
