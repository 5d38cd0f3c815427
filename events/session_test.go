package events_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/events"
)

const (
	ada  events.AccountID = "01JADA00000000000000000000"
	berk events.AccountID = "01JBERK0000000000000000000"
	shop events.TopicID   = "01JSHP00000000000000000000"
	one  events.SessionID = "01JSESS0000000000000000000"
)

// given folds a session from what has happened; each body is one append.
func given(bodies ...events.Body) *events.Session {
	s := events.NewSession(one)
	for i, b := range bodies {
		s.Evolve(events.Event{ID: events.EventID(fmt.Sprint(i)), Aggregate: one.Aggregate(), Body: b, Position: events.Position(i + 1)})
	}
	return s
}

func kinds(drafts []events.Event) []events.Kind {
	var ks []events.Kind
	for _, d := range drafts {
		ks = append(ks, d.Body.Kind())
	}
	return ks
}

func wantKinds(t *testing.T, drafts []events.Event, want ...events.Kind) {
	t.Helper()
	if got := kinds(drafts); !slices.Equal(got, want) {
		t.Fatalf("drafted %v, want %v", got, want)
	}
}

func wantCode(t *testing.T, err error, want events.Code) {
	t.Helper()
	if events.CodeOf(err) != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

var (
	started = &events.SessionStarted{Learner: ada, Topic: shop, Language: "en", Level: "A2"}
	issued  = &events.TokenIssued{Call: 1}
	ended   = &events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: true, LastN: 3}
	asked   = &events.UploadRequested{Upload: "u1", Size: 10, SHA256: "aa", ContentType: "audio/webm"}
	landed  = &events.UploadCompleted{Upload: "u1", Object: "o", Size: 10, SHA256: "aa"}
)

func TestSessionStart(t *testing.T) {
	t.Run("a new session starts", func(t *testing.T) {
		drafts, err := given().Start(started)
		wantCode(t, err, "")
		wantKinds(t, drafts, events.KindSessionStarted)
	})
	t.Run("starting again is the same session", func(t *testing.T) {
		drafts, err := given(started).Start(started)
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("another learner's id is taken", func(t *testing.T) {
		_, err := given(started).Start(&events.SessionStarted{Learner: berk, Topic: shop})
		wantCode(t, err, events.CodeConflict)
	})
	t.Run("a deleted session's id is taken", func(t *testing.T) {
		_, err := given(started, &events.SessionDeleteRequested{By: ada}).Start(started)
		wantCode(t, err, events.CodeConflict)
	})
}

func TestSessionOpen(t *testing.T) {
	wantCode(t, given(started).Open(ada), "")
	wantCode(t, given(started).Open(berk), events.CodeNotFound)
	wantCode(t, given().Open(ada), events.CodeNotFound)
	wantCode(t, given(started, &events.SessionDeleteRequested{By: ada}).Open(ada), events.CodeErased)
	wantCode(t, given(started, &events.SessionDeleteRequested{By: ada}).Open(berk), events.CodeNotFound)
}

func TestSessionIssueToken(t *testing.T) {
	call, drafts, err := given(started).IssueToken(events.TokenMinted{ID: "t", ExpiresAt: time.Now(), Took: time.Millisecond})
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindTokenIssued)
	if call != 1 {
		t.Fatalf("call %d", call)
	}
	call, drafts, _ = given(started, issued).IssueToken(events.TokenMinted{ID: "t", ExpiresAt: time.Now(), Took: time.Millisecond})
	wantKinds(t, drafts, events.KindTokenRefreshed)
	if call != 2 {
		t.Fatalf("call %d", call)
	}
	_, _, err = given(started, issued, ended).IssueToken(events.TokenMinted{ID: "t", ExpiresAt: time.Now(), Took: time.Millisecond})
	wantCode(t, err, events.CodeEnded)
}

func report(n int64, bodies ...events.Body) events.Report {
	return events.Report{N: n, Call: 1, Bodies: bodies}
}

func placedA() events.Body {
	return &events.SegmentPlaced{Call: 1, Item: "a", Speaker: events.Learner}
}

func TestSessionReceive(t *testing.T) {
	t.Run("a report becomes an event whose id derives from session and number", func(t *testing.T) {
		drafts, receipt := given(started, issued).Receive([]events.Report{report(7, placedA())})
		wantKinds(t, drafts, events.KindSegmentPlaced)
		if drafts[0].ID != events.EventID(string(one)+"-7-0") || !drafts[0].Outbox.Equal(events.NumbersOf(7)) || receipt.Accepted != 1 {
			t.Fatalf("got %+v, %+v", drafts[0], receipt)
		}
	})
	t.Run("a number that is in is a duplicate", func(t *testing.T) {
		s := given(started, issued)
		drafts, _ := s.Receive([]events.Report{report(1, placedA())})
		s.Evolve(drafts[0])
		again, receipt := s.Receive([]events.Report{report(1, placedA())})
		if len(again) != 0 || receipt.Duplicates != 1 || receipt.Through != 1 {
			t.Fatalf("got %v, %+v", kinds(again), receipt)
		}
	})
	t.Run("what says nothing is settled all the same", func(t *testing.T) {
		drafts, receipt := given(started, issued).Receive([]events.Report{report(1), {N: 2, Call: 1, Skipped: "new.event"}})
		wantKinds(t, drafts, events.KindOutboxReceived)
		if !drafts[0].Outbox.Equal(events.NumbersOf(1, 2)) || receipt.Through != 2 {
			t.Fatalf("got %s, %+v", drafts[0].Outbox, receipt)
		}
	})
	t.Run("a call without a token is rejected, named and settled; the others are kept", func(t *testing.T) {
		stranger := events.Report{N: 1, Call: 9, Bodies: []events.Body{placedA()}}
		drafts, receipt := given(started, issued).Receive([]events.Report{stranger, report(2, placedA())})
		wantKinds(t, drafts, events.KindSegmentPlaced)
		if !slices.Equal(receipt.Rejected, []events.Rejection{{N: 1, Code: events.CodeUnknownCall}}) || receipt.Through != 2 {
			t.Fatalf("got %+v", receipt)
		}
	})
	t.Run("a repeated text under another number makes no second event", func(t *testing.T) {
		text := func() events.Body {
			return &events.SegmentTranscribed{Call: 1, Item: "a", Status: events.Final, Private: events.SegmentText{Text: "hello"}}
		}
		s := given(started, issued)
		first, _ := s.Receive([]events.Report{report(1, text())})
		s.Evolve(first[0])
		again, _ := s.Receive([]events.Report{report(2, text())})
		wantKinds(t, again, events.KindOutboxReceived)
	})
	t.Run("late text still settles after the end", func(t *testing.T) {
		drafts, _ := given(started, issued, ended).Receive([]events.Report{report(1, placedA())})
		wantKinds(t, drafts, events.KindSegmentPlaced)
	})
}

func TestSessionEnd(t *testing.T) {
	drafts, err := given(started).End(ended)
	wantCode(t, err, "")
	wantKinds(t, drafts, events.KindSessionEnded)

	drafts, _ = given(started, ended).End(ended)
	wantKinds(t, drafts)

	drafts, _ = given(started, ended).End(&events.SessionEnded{Reason: events.EndedByLearner, RecordingExpected: false, LastN: 2})
	wantKinds(t, drafts, events.KindSessionEnded)
	if b := drafts[0].Body.(*events.SessionEnded); b.RecordingExpected || b.LastN != 3 {
		t.Fatalf("a later visit forgot the longer outbox: %+v", b)
	}

	_, err = given(started).End(&events.SessionEnded{LastN: -1})
	wantCode(t, err, events.CodeInvalid)
}

// asOf is when all that is given has happened.
var asOf time.Time

func TestSessionUpload(t *testing.T) {
	t.Run("the same bytes are the same upload", func(t *testing.T) {
		id, drafts, err := given(started, asked).RequestUpload(&events.UploadRequested{Upload: "u2", Size: 10, SHA256: "aa"}, asOf.Add(time.Hour-1))
		wantCode(t, err, "")
		wantKinds(t, drafts)
		if id != "u1" {
			t.Fatalf("got %s", id)
		}
	})
	t.Run("other bytes replace an upload that was not completed", func(t *testing.T) {
		_, drafts, err := given(started, asked).RequestUpload(&events.UploadRequested{Upload: "u2", Size: 11, SHA256: "bb"}, asOf)
		wantCode(t, err, "")
		wantKinds(t, drafts, events.KindUploadRequested)
	})
	t.Run("audio that is there is not replaced", func(t *testing.T) {
		s := given(started, asked, landed, &events.AudioFinalized{Upload: "u1"})
		_, _, err := s.RequestUpload(&events.UploadRequested{Upload: "u2", Size: 11, SHA256: "bb"}, asOf)
		wantCode(t, err, events.CodeConflict)
	})
	t.Run("completing twice is one event", func(t *testing.T) {
		drafts, err := given(started, asked, landed).CompleteUpload(landed, asOf)
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("an upload lasts from when it was announced last", func(t *testing.T) {
		for _, when := range []struct {
			name  string
			given []events.Body
			later time.Duration
			want  events.UploadID
			tells []events.Kind
		}{
			{"an hour later it is told", []events.Body{started, asked}, time.Hour, "u1", []events.Kind{events.KindUploadRequested}},
			{"to the end of its time it is the same", []events.Body{started, asked}, events.UploadLasts - 1, "u1", []events.Kind{events.KindUploadRequested}},
			{"then it is a new one", []events.Body{started, asked}, events.UploadLasts, "u2", []events.Kind{events.KindUploadRequested}},
			{"but for one that was completed", []events.Body{started, asked, landed}, events.UploadLasts, "u1", nil},
		} {
			id, drafts, err := given(when.given...).RequestUpload(&events.UploadRequested{Upload: "u2", Size: 10, SHA256: "aa"}, asOf.Add(when.later))
			wantCode(t, err, "")
			wantKinds(t, drafts, when.tells...)
			if id != when.want || len(drafts) > 0 && drafts[0].Body.(*events.UploadRequested).Upload != id {
				t.Errorf("%s: %s, %+v", when.name, id, drafts)
			}
		}
	})
	t.Run("what has lapsed can't be completed", func(t *testing.T) {
		drafts, err := given(started, asked).CompleteUpload(landed, asOf.Add(events.UploadLasts-1))
		wantCode(t, err, "")
		wantKinds(t, drafts, events.KindUploadCompleted)
		_, err = given(started, asked).CompleteUpload(landed, asOf.Add(events.UploadLasts))
		wantCode(t, err, events.CodeConflict)
		drafts, err = given(started, asked, landed).CompleteUpload(landed, asOf.Add(events.UploadLasts))
		wantCode(t, err, "")
		wantKinds(t, drafts)
	})
	t.Run("an upload that was never announced is unknown", func(t *testing.T) {
		_, err := given(started, asked).CompleteUpload(&events.UploadCompleted{Upload: "u9"}, asOf)
		wantCode(t, err, events.CodeNotFound)
	})
	t.Run("a deleted session has nothing to finalize", func(t *testing.T) {
		if waiting := given(started, asked, landed, &events.SessionDeleteRequested{By: ada}).ToFinalize(); waiting != nil {
			t.Fatalf("got %+v", waiting)
		}
	})
}

func TestSessionErase(t *testing.T) {
	deleted := &events.SessionDeleteRequested{By: ada}
	tombstone := &events.SessionErased{Positions: events.NumbersOf(1, 2)}
	now := time.Now()
	swept := &events.SessionErased{Positions: events.NumbersOf(1, 2), SweptAt: &now}
	for _, test := range []struct {
		name  string
		given []events.Body
		when  *events.SessionErased
		want  []events.Kind
		code  events.Code
	}{
		{"only what somebody asked to delete", []events.Body{started}, tombstone, nil, events.CodeConflict},
		{"the tombstone", []events.Body{started, deleted}, tombstone, []events.Kind{events.KindSessionErased}, ""},
		{"once", []events.Body{deleted, tombstone}, tombstone, nil, ""},
		{"then that it is swept", []events.Body{tombstone}, swept, []events.Kind{events.KindSessionErased}, ""},
		{"once too", []events.Body{tombstone, swept}, swept, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			drafts, err := given(test.given...).Erase(test.when)
			wantCode(t, err, test.code)
			wantKinds(t, drafts, test.want...)
		})
	}
	t.Run("what is swept is all up to the tombstone", func(t *testing.T) {
		if got := given(started, issued, deleted).ToSweep().String(); got != "1-3" {
			t.Fatalf("got %s", got)
		}
	})
}

func TestFactsStatus(t *testing.T) {
	ended := time.Date(2026, time.March, 14, 9, 0, 0, 0, time.UTC)
	const soon, late = time.Hour - 1, time.Hour
	recorded := events.Facts{Ended: true, EndedAt: ended, RecordingExpected: true, LastN: 5, Through: 5}
	with := func(f events.Facts, change func(*events.Facts)) events.Facts { change(&f); return f }
	uploading := with(recorded, func(f *events.Facts) { f.UploadRequested = true })
	completed := with(uploading, func(f *events.Facts) { f.UploadCompleted = true })
	finalized := with(completed, func(f *events.Facts) { f.AudioFinalized = true })
	spoken := with(recorded, func(f *events.Facts) { f.RecordingExpected = false })
	abandoned := with(recorded, func(f *events.Facts) { f.Abandoned = true })
	short := func(f events.Facts) events.Facts { f.Through = 4; return f }
	rejected := func(f events.Facts) events.Facts { f.Rejected = "wrong_format"; return f }
	for _, test := range []struct {
		name   string
		facts  events.Facts
		after  time.Duration // since the end
		want   events.Status
		reason string
	}{
		{"talking", events.Facts{}, late, events.StatusActive, ""},
		{"ended", recorded, soon, events.StatusEnded, ""},
		{"ended, and nothing came for an hour", recorded, late, events.StatusNeedsAttention, events.OnDevice},
		{"abandoned", abandoned, 0, events.StatusNeedsAttention, events.OnDevice},
		{"abandoned, and its page is back", with(abandoned, func(f *events.Facts) { f.UploadRequested = true }), soon, events.StatusUploading, ""},
		{"uploading", uploading, soon, events.StatusUploading, ""},
		{"uploading for an hour", uploading, late, events.StatusNeedsAttention, events.OnDevice},
		{"finalizing, however long", completed, late, events.StatusFinalizing, ""},
		{"saved", finalized, late, events.StatusSaved, ""},
		{"saved without a recording", spoken, 0, events.StatusSaved, ""},
		{"one report short is not saved", short(spoken), soon, events.StatusEnded, ""},
		{"one report short for an hour", short(spoken), late, events.StatusNeedsAttention, events.OnDevice},
		{"audio, but one report short", short(finalized), 0, events.StatusNeedsAttention, events.OnDevice},
		{"rejected", rejected(completed), late, events.StatusNeedsAttention, "wrong_format"},
		{"rejected once, good later", rejected(finalized), 0, events.StatusSaved, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, reason := test.facts.Status(ended.Add(test.after)); got != test.want || reason != test.reason {
				t.Fatalf("got %s %q, want %s %q", got, reason, test.want, test.reason)
			}
		})
	}
}

func TestSessionMeasureAudio(t *testing.T) {
	audio := &events.AudioFinalized{Upload: "u1"}
	levels := &events.AudioMeasured{Upload: "u1", Object: "levels"}
	for _, test := range []struct {
		name  string
		given []events.Body
		want  []events.Kind
	}{
		{"the audio's levels", []events.Body{started, asked, landed, audio}, []events.Kind{events.KindAudioMeasured}},
		{"once", []events.Body{started, asked, landed, audio, levels}, nil},
		{"not before the audio", []events.Body{started, asked, landed}, nil},
		{"not of a deleted session", []events.Body{started, audio, &events.SessionDeleteRequested{By: ada}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			drafts, err := given(test.given...).MeasureAudio(levels)
			wantCode(t, err, "")
			wantKinds(t, drafts, test.want...)
		})
	}
}
