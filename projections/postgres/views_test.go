package postgres_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections"
	"parley/projections/postgres"
)

// reader is a database into which a log was projected.
type reader struct {
	*postgres.Views
	store *postgres.Store
	vault *vault
}

// given projects a log of these events.
func given(t *testing.T, evs ...events.Event) reader {
	t.Helper()
	db, keys := server.Open(t), newVault()
	r := reader{postgres.NewViews(db, keys), postgres.NewStore(db, keys), keys}
	project(t, tapeOf(evs...), r.store)
	return r
}

// started opens a session of the learner on the market.
func started(id events.SessionID, learner events.AccountID) events.Event {
	return on(id.Aggregate(), &events.SessionStarted{
		Learner: learner, Topic: market, Language: "en", Level: "B1", Provider: "partner", Model: "m", Voice: "v", TranscriptionModel: "t",
	})
}

func said(id events.SessionID, item string, status events.TranscriptStatus, text string) events.Event {
	return on(id.Aggregate(), &events.SegmentTranscribed{
		Call: 1, Item: item, Status: status, Words: len(strings.Fields(text)), Private: events.SegmentText{Text: text},
	})
}

// talk is one saved conversation, its texts crossed.
func talk(id events.SessionID, learner events.AccountID) []events.Event {
	of := id.Aggregate()
	ended := on(of, &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: true, LastN: 3})
	ended.Outbox = events.NumbersOf(1, 2, 3)
	return []events.Event{
		started(id, learner),
		on(of, &events.TokenIssued{Call: 1, ExpiresAt: time.Date(2026, 3, 14, 9, 40, 0, 0, time.UTC)}),
		on(of, &events.CallConnected{Call: 1, AtMS: 40, RecMS: new(int64(20))}),
		on(of, &events.SegmentPlaced{Call: 1, Item: "hello", Speaker: events.Tutor, Response: "r1"}),
		on(of, &events.SegmentTimed{Call: 1, Response: "r1", StartedRecMS: new(int64(100)), EndedRecMS: new(int64(900))}),
		on(of, &events.ResponseMeasured{Call: 1, Response: "r1", AfterMS: 80}),
		on(of, &events.SegmentPlaced{Call: 1, Item: "apples", Previous: new("hello"), Speaker: events.Learner}),
		on(of, &events.SegmentTimed{Call: 1, Item: "apples", StartedCallMS: new(int64(1000)), EndedCallMS: new(int64(2000))}),
		on(of, &events.SegmentPlaced{Call: 1, Item: "tool", Previous: new("apples"), Speaker: events.NoSpeaker}),
		on(of, &events.SegmentPlaced{Call: 1, Item: "price", Previous: new("tool"), Speaker: events.Tutor, Response: "r2"}),
		on(of, &events.ResponseMeasured{Call: 1, Response: "r2", AfterMS: 400}),
		on(of, &events.SegmentTranscribed{Call: 1, Item: "price", Part: 1, Status: events.Final, Words: 2, Private: events.SegmentText{Text: "three euros."}}),
		said(id, "price", events.Final, "They cost"),
		said(id, "apples", events.Final, "I would like some apples"),
		said(id, "hello", events.Prompted, "Welcome to the market!"),
		on(of, &events.SegmentPlaced{Call: 1, Item: "late", Previous: new("price"), Speaker: events.Learner}),
		ended,
		on(of, &events.UploadRequested{Upload: "u1", Size: 10}),
		on(of, &events.UploadCompleted{Upload: "u1", Object: "o"}),
		on(of, &events.AudioFinalized{Upload: "u1", Object: "o", DurationMS: 61_000}),
	}
}

func TestSession(t *testing.T) {
	catalogue := on(market.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Public: &events.TopicText{Title: "At the market"}})
	read := given(t, append(talk(first, anna), catalogue)...)
	view, err := read.Session(t.Context(), anna, first)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("turns in order, opened, without mere links", func(t *testing.T) {
		var got []string
		for _, s := range view.Segments {
			got = append(got, string(s.Speaker)+" "+string(s.Status)+": "+s.Text)
		}
		want := []string{
			"tutor prompted: Welcome to the market!", "learner final: I would like some apples",
			"tutor final: They cost three euros.", "learner missing: ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("times on the recording", func(t *testing.T) {
		hello, apples := view.Segments[0], view.Segments[1]
		if *hello.StartedMS != 100 || *hello.EndedMS != 900 {
			t.Errorf("the tutor spoke %d to %d", *hello.StartedMS, *hello.EndedMS)
		}
		if *apples.StartedMS != 20+1000+300 || *apples.EndedMS != 20+2000 {
			t.Errorf("the learner spoke %d to %d", *apples.StartedMS, *apples.EndedMS)
		}
	})
	t.Run("saved, with its recording and topic", func(t *testing.T) {
		if view.Status != events.StatusSaved || view.Audio == nil || view.Audio.DurationMS != 61_000 {
			t.Errorf("got %s %+v", view.Status, view.Audio)
		}
		if view.Topic.Text.Title != "At the market" || view.Topic.Own || view.EndedBecause != events.EndedByLearner {
			t.Errorf("got %+v, ended by %s", view.Topic, view.EndedBecause)
		}
	})
	t.Run("its recording alone", func(t *testing.T) {
		audio, err := read.Audio(t.Context(), anna, first)
		if err != nil || audio.Object != "o" || audio.DurationMS != 61_000 {
			t.Errorf("got %+v, %v", audio, err)
		}
	})
	t.Run("timings", func(t *testing.T) {
		if *view.Timings.FirstResponseMS != 80 || *view.Timings.MedianResponseMS != 80 || view.Timings.Responses != 2 {
			t.Errorf("got %+v", view.Timings)
		}
	})
	t.Run("another's and an unknown one are not found", func(t *testing.T) {
		for _, ask := range []struct {
			by events.AccountID
			of events.SessionID
		}{{bea, first}, {anna, second}} {
			if _, err := read.Session(t.Context(), ask.by, ask.of); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s of %s: got %v", ask.of, ask.by, err)
			}
			if _, err := read.Audio(t.Context(), ask.by, ask.of); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("the recording of %s for %s: got %v", ask.of, ask.by, err)
			}
		}
	})
	t.Run("a destroyed key leaves turns without words", func(t *testing.T) {
		read.vault.destroy(first.Aggregate())
		view, err := read.Session(t.Context(), anna, first)
		if err != nil {
			t.Fatal(err)
		}
		if apples := view.Segments[1]; !apples.Erased || apples.Text != "" || apples.Speaker != events.Learner {
			t.Errorf("got %+v", apples)
		}
	})
}

func TestStatusFollowsTheLog(t *testing.T) {
	whole := talk(first, anna)
	for name, c := range map[string]struct {
		events int
		want   events.Status
	}{
		"while talking":           {16, events.StatusActive},
		"ended":                   {17, events.StatusEnded},
		"upload announced":        {18, events.StatusUploading},
		"upload there":            {19, events.StatusFinalizing},
		"checked and playable":    {20, events.StatusSaved},
		"only the first is there": {1, events.StatusActive},
	} {
		t.Run(name, func(t *testing.T) {
			view, err := given(t, slices.Clone(whole[:c.events])...).Session(t.Context(), anna, first)
			if err != nil || view.Status != c.want {
				t.Errorf("got %s, %v; want %s", view.Status, err, c.want)
			}
		})
	}
}

func TestStatusGoesWithTheClock(t *testing.T) {
	config, keys := server.Config(), newVault()
	now := eventstest.Began
	config.Now = func() time.Time { return now }
	db := postgres.New(config)
	if err := db.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	project(t, tapeOf(talk(first, anna)[:17]...), postgres.NewStore(db, keys))
	views := postgres.NewViews(db, keys)

	for _, c := range []struct {
		after time.Duration
		want  events.Status
	}{{0, events.StatusEnded}, {2 * time.Hour, events.StatusNeedsAttention}} {
		now = eventstest.Began.Add(c.after)
		view, err := views.Session(t.Context(), anna, first)
		if err != nil || view.Status != c.want {
			t.Errorf("after %s: got %s, %v", c.after, view.Status, err)
		}
		list, err := views.Sessions(t.Context(), anna, "", "", 10)
		if err != nil || list.Sessions[0].Status != c.want {
			t.Errorf("after %s: got %+v, %v", c.after, list.Sessions, err)
		}
	}
}

func TestDeletion(t *testing.T) {
	deleted := on(first.Aggregate(), &events.SessionDeleteRequested{By: anna})
	late := said(first, "late", events.Final, "apples again")
	read := given(t, append(talk(first, anna), deleted, late)...)

	t.Run("reads fail closed at once", func(t *testing.T) {
		if _, err := read.Session(t.Context(), anna, first); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
		if _, err := read.Audio(t.Context(), anna, first); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("the recording: %v", err)
		}
		for _, query := range []string{"", "apples"} {
			page, err := read.Sessions(t.Context(), anna, query, "", 10)
			if err != nil || len(page.Sessions) > 0 {
				t.Errorf("query %q: got %v, %v", query, page.Sessions, err)
			}
		}
	})
	t.Run("nothing of its content stays, also of what comes late", func(t *testing.T) {
		got := contents(t, read)
		for _, table := range []string{"calls", "segments", "responses"} {
			if len(got[table]) > 0 {
				t.Errorf("%s: %v", table, got[table])
			}
		}
	})
	t.Run("the operator sees what was used, and not a word", func(t *testing.T) {
		counted := append(talk(first, anna),
			on(first.Aggregate(), &events.UsageRecorded{Call: 1, Response: "r1", Tokens: map[string]int64{"output": 90, "output_audio": 70}}),
			on(first.Aggregate(), &events.UsageRecorded{Call: 1, Response: "r2", Tokens: map[string]int64{"output": 10}}),
			on(first.Aggregate(), &events.UsageRecorded{Call: 1, Item: "apples", Tokens: map[string]int64{"input": 7}}))
		older := on(second.Aggregate(), &events.SessionStarted{Learner: anna, Model: "m"}) // from before more was noted
		read := given(t, append(counted, older)...)
		seen, err := read.Overview(t.Context(), 10)
		if err != nil || len(seen) != 2 {
			t.Fatalf("got %+v, %v", seen, err)
		}
		want := events.Used{Responses: map[string]int64{"output": 100, "output_audio": 70}, Transcriptions: map[string]int64{"input": 7}}
		if diff := cmp.Diff(want, seen[1].Used); diff != "" || len(seen[0].Used.Responses) != 0 || seen[1].Model != "m" || seen[1].TranscriptionModel != "t" || seen[0].TranscriptionModel != "" {
			t.Error(diff, seen)
		}
	})
	t.Run("the operator sees that its erasure is on the way", func(t *testing.T) {
		seen, err := read.Overview(t.Context(), 10)
		if err != nil || len(seen) != 1 || !seen[0].Deleted || seen[0].ID != first {
			t.Errorf("got %+v, %v", seen, err)
		}
	})
	t.Run("erased: the row leaves", func(t *testing.T) {
		erased := on(first.Aggregate(), &events.SessionErased{Events: 21})
		read := given(t, append(talk(first, anna), deleted, erased)...)
		if got := contents(t, read); len(got) > 0 {
			t.Errorf("left: %v", got)
		}
	})
	t.Run("what a sweep left over makes no row", func(t *testing.T) {
		read := given(t, late, deleted, on(first.Aggregate(), &events.SessionErased{Events: 21}))
		if got := contents(t, read); len(got) > 0 {
			t.Errorf("made: %v", got)
		}
	})
}

func contents(t *testing.T, read reader) postgres.Contents {
	t.Helper()
	got, err := read.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDeadLetters(t *testing.T) {
	broken := on(first.Aggregate(), &events.Unreadable{Type: "parley.session_sang.v1", Reason: "unknown kind"})
	evs := slices.Concat(
		[]events.Event{started(first, anna), broken, said(first, "x", events.Final, "behind it")},
		talk(second, bea),
		[]events.Event{said(second, "nul\x00", events.Final, "PostgreSQL cannot hold this")},
	)
	read := given(t, evs...)

	t.Run("the broken one and what is behind it wait in order", func(t *testing.T) {
		letters, err := read.DeadLetters(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		var at []events.Position
		for _, l := range letters {
			at = append(at, l.Position)
		}
		if want := []events.Position{2, 3, events.Position(len(evs))}; !slices.Equal(at, want) {
			t.Fatalf("got %v, want %v", at, want)
		}
		if l := letters[0]; l.Type != "parley.session_sang.v1" || l.Aggregate != first.Aggregate() || !strings.Contains(l.Reason, "unknown kind") {
			t.Errorf("got %+v", l)
		}
	})
	t.Run("others go on", func(t *testing.T) {
		view, err := read.Session(t.Context(), bea, second)
		if err != nil || len(view.Segments) != 4 {
			t.Errorf("%d segments, %v", len(view.Segments), err)
		}
	})
	t.Run("an id too large for an index waits too", func(t *testing.T) {
		read := given(t, started(first, anna), said(first, longID(), events.Final, "x"), started(second, bea))
		letters, err := read.DeadLetters(t.Context(), 10)
		if err != nil || len(letters) != 1 || letters[0].Position != 2 {
			t.Errorf("got %+v, %v", letters, err)
		}
	})
	t.Run("in bulk as well, only what cannot be stored waits", func(t *testing.T) {
		db, keys := server.Open(t), newVault()
		project(t, tapeOf(slices.Clone(evs)...), postgres.NewStore(db, keys).InBulk())
		bulk := reader{Views: postgres.NewViews(db, keys)}
		if diff := cmp.Diff(contents(t, read), contents(t, bulk)); diff != "" {
			t.Errorf("rows differ (-one by one +bulk):\n%s", diff)
		}
	})
	t.Run("a deletion is obeyed behind a broken event", func(t *testing.T) {
		deleted := on(first.Aggregate(), &events.SessionDeleteRequested{By: anna})
		read := given(t, append(slices.Clone(evs), deleted)...)
		if _, err := read.Session(t.Context(), anna, first); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})
	t.Run("they leave with the erased session", func(t *testing.T) {
		read := given(t, append(slices.Clone(evs), on(first.Aggregate(), &events.SessionErased{}))...)
		letters, err := read.DeadLetters(t.Context(), 10)
		if err != nil || len(letters) != 1 || letters[0].Aggregate != second.Aggregate() {
			t.Errorf("got %+v, %v", letters, err)
		}
	})
}

// longID does not fit an index, even compressed.
func longID() string {
	var id strings.Builder
	for range 400 {
		id.WriteString(rand.Text())
	}
	return id.String()
}

func TestAccountsAndTopics(t *testing.T) {
	own := events.TopicText{Title: "My dog", Goals: []string{"praise"}}
	read := given(t,
		on(anna.Aggregate(), &events.AccountRegistered{Private: events.Person{Name: "Anna", Email: "anna@example.org"}}),
		on(anna.Aggregate(), events.NewPassword("$old")),
		on(anna.Aggregate(), events.NewPassword("$new")),
		on(anna.Aggregate(), &events.AccountRoleGranted{Role: events.RoleLearner}),
		on(events.EmailAggregate("h1"), &events.EmailClaimed{Account: anna}),
		on(events.EmailAggregate("h2"), &events.EmailClaimed{Account: bea}),
		on(market.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Public: &events.TopicText{Title: "At the market"}}),
		sealedTopic(letter, bea, own),
	)
	t.Run("an account, opened", func(t *testing.T) {
		a, err := read.Account(t.Context(), anna)
		if err != nil || a.Person.Name != "Anna" || !slices.Equal(a.Roles, []events.Role{events.RoleLearner}) {
			t.Errorf("got %+v, %v", a, err)
		}
	})
	t.Run("listed, from behind one on, and by role", func(t *testing.T) {
		all, err := read.Accounts(t.Context(), "", 10)
		if err != nil || len(all) != 1 || all[0].ID != anna || all[0].Person.Email != "anna@example.org" {
			t.Errorf("got %+v, %v", all, err)
		}
		if rest, err := read.Accounts(t.Context(), anna, 10); err != nil || len(rest) != 0 {
			t.Errorf("behind the last: %+v, %v", rest, err)
		}
		if ids, err := read.Holders(t.Context(), events.RoleLearner); err != nil || !slices.Equal(ids, []events.AccountID{anna}) {
			t.Errorf("learners: %v, %v", ids, err)
		}
		if ids, err := read.Holders(t.Context(), events.RoleOperator); err != nil || len(ids) != 0 {
			t.Errorf("operators: %v, %v", ids, err)
		}
	})
	t.Run("the latest password counts", func(t *testing.T) {
		c, err := read.AccountByEmail(t.Context(), "h1")
		if err != nil || c.Account != anna || c.PasswordHash != "$new" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
	t.Run("a claim without account and an unknown address are not found", func(t *testing.T) {
		for _, hash := range []string{"h2", "h3"} {
			if _, err := read.AccountByEmail(t.Context(), hash); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s: got %v", hash, err)
			}
		}
	})
	t.Run("an own topic is its owner's alone", func(t *testing.T) {
		hers, err := read.Topics(t.Context(), bea)
		if err != nil || len(hers) != 2 || !hers[1].Own || hers[1].Text.Title != "My dog" {
			t.Errorf("got %+v, %v", hers, err)
		}
		others, err := read.Topics(t.Context(), anna)
		if err != nil || len(others) != 1 {
			t.Errorf("got %+v, %v", others, err)
		}
		if _, err := read.Topic(t.Context(), anna, letter); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})
}

func sealedTopic(id events.TopicID, owner events.AccountID, text events.TopicText) events.Event {
	return on(id.Aggregate(), &events.TopicAdded{Language: "en", Level: "A2", Owner: owner, Private: text})
}

func TestSearch(t *testing.T) {
	read := given(t, slices.Concat(talk(first, anna), talk(second, bea),
		[]events.Event{said(second, "cafe", events.Final, "Wir gehen ins Café.")})...)
	for name, c := range map[string]struct {
		by    events.AccountID
		query string
		want  []events.SessionID
	}{
		"a word":                        {anna, "apples", []events.SessionID{first}},
		"another form of it":            {anna, "APPLE", []events.SessionID{first}},
		"words of several turns":        {anna, "apple euro", []events.SessionID{first}},
		"one of them was not said":      {anna, "apple dollar", nil},
		"what the partner prompted":     {anna, "welcome", nil},
		"another learner's":             {anna, "cafe", nil},
		"accents do not matter":         {bea, "cafe", []events.SessionID{second}},
		"no word at all finds all":      {anna, " ?! ", []events.SessionID{first}},
		"what looks like SQL is a word": {anna, "'; drop table sessions", nil},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := read.Sessions(t.Context(), c.by, c.query, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			if got := idsOf(page); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	t.Run("the excerpt is what was found", func(t *testing.T) {
		page, err := read.Sessions(t.Context(), anna, "euros", "", 10)
		if err != nil || len(page.Sessions) != 1 || page.Sessions[0].Excerpt != "They cost three euros." {
			t.Errorf("got %+v, %v", page.Sessions, err)
		}
	})
	t.Run("a destroyed key ends finding", func(t *testing.T) {
		read.vault.destroy(first.Aggregate())
		page, err := read.Sessions(t.Context(), anna, "apples", "", 10)
		if err != nil || len(page.Sessions) > 0 {
			t.Errorf("got %+v, %v", page.Sessions, err)
		}
	})
}

func idsOf(p projections.SessionPage) []events.SessionID {
	var ids []events.SessionID
	for _, s := range p.Sessions {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestSessionsPageByPage(t *testing.T) {
	third := events.SessionID("01KKNQ5E48000000000SESS1CC")
	read := given(t, slices.Concat(talk(first, anna), talk(second, bea), []events.Event{started(third, anna)})...)

	t.Run("newest first, to the end", func(t *testing.T) {
		one, err := read.Sessions(t.Context(), anna, "", "", 1)
		if err != nil || !slices.Equal(idsOf(one), []events.SessionID{third}) || one.Next == "" {
			t.Fatalf("got %+v, %v", one, err)
		}
		two, err := read.Sessions(t.Context(), anna, "", one.Next, 1)
		if err != nil || !slices.Equal(idsOf(two), []events.SessionID{first}) || two.Next != "" {
			t.Fatalf("got %+v, %v", two, err)
		}
		s := two.Sessions[0]
		if s.Turns != 4 || s.DurationMS != 61_000 || !s.HasAudio || s.Excerpt != "I would like some apples" {
			t.Errorf("got %+v", s)
		}
	})
	for name, c := range map[string]struct {
		cursor string
		limit  int
		want   events.Code
	}{
		"limit 0":          {"", 0, events.CodeInvalid},
		"limit 1":          {"", 1, ""},
		"the most":         {"", postgres.MaxPage, ""},
		"one more":         {"", postgres.MaxPage + 1, events.CodeInvalid},
		"a cursor of ours": {"MTc3MzQ4MDQxMzAwMCAwMUtLTlE1RTQ4MDAwMDAwMDAwU0VTUzFBQQ", 1, ""},
		"another cursor":   {"page2", 1, events.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read.Sessions(t.Context(), anna, "", c.cursor, c.limit); events.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
