package recording

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
)

const learner = events.AccountID("01JD00000000000000000000AA")

// studio is a real log, and shelves in place of the store, whose own room tests it.
type studio struct {
	*eventstest.Bundle
	shelves *shelves
	fault   *fault
	logged  bytes.Buffer
}

func setup(t *testing.T) *studio {
	t.Helper()
	return &studio{Bundle: eventstest.NewBundle(t), shelves: &shelves{kept: map[string]kept{}}, fault: &fault{}}
}

// finalizer is a new one each time, as after a restart.
func (s *studio) finalizer() *Finalizer {
	logger := slog.New(slog.NewTextHandler(&s.logged, nil))
	return NewFinalizer(faultyLog{s.Log, s.fault}, faultyShelves{s.shelves, s.fault}, s.Clock.Now, s.IDs.Event, logger)
}

// uploaded is a session whose file lies in the store, and the hint of it.
func (s *studio) uploaded(t *testing.T, file []byte, claimed time.Duration) (events.SessionID, events.Event) {
	t.Helper()
	id, upload := events.SessionID(s.IDs.ULID()), events.UploadID(s.IDs.ULID())
	key, sum := IncomingKey(id, upload), sumOf(file)
	s.Append(t, id.Aggregate(), &events.SessionStarted{Learner: learner}, &events.SessionEnded{RecordingExpected: true})
	s.Append(t, id.Aggregate(),
		&events.UploadRequested{Upload: upload, Size: int64(len(file)), SHA256: sum, ContentType: "audio/webm;codecs=opus", DurationMS: claimed.Milliseconds()},
		&events.UploadCompleted{Upload: upload, Object: key, Size: int64(len(file)), SHA256: sum},
	)
	s.shelves.keep(Object{Key: key, Size: int64(len(file)), SHA256: sum, ETag: sum}, file)
	loaded := s.Load(t, id.Aggregate())
	return id, loaded[len(loaded)-1]
}

func (s *studio) session(t *testing.T, id events.SessionID) *events.Session {
	t.Helper()
	session := events.NewSession(id)
	for _, e := range s.Load(t, id.Aggregate()) {
		session.Evolve(e)
	}
	return session
}

// until handles the hint as often as it fails.
func (s *studio) until(t *testing.T, hint events.Event) (failures int) {
	t.Helper()
	for ; ; failures++ {
		if err := s.finalizer().Handle(t.Context(), hint); err == nil {
			return failures
		} else if failures > 10 {
			t.Fatalf("it never ends: %v", err)
		}
	}
}

func TestFinalizer(t *testing.T) {
	s := setup(t)
	file := minute().b
	_, want := rewritten(t, file, claimOf(file, time.Minute))

	t.Run("places the audio, reports it and removes the incoming file", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Minute)
		s.until(t, hint)
		audio := s.session(t, id).Audio
		upload := hint.Body.(*events.UploadCompleted).Upload
		if audio == nil || audio.Upload != upload || audio.DurationMS != 59800 || audio.Codec != "opus" ||
			audio.Channels != 2 || audio.Size != int64(len(want)) || audio.SHA256 != sumOf(want) ||
			audio.ContentType != "audio/webm" || audio.Repaired != nil {
			t.Fatalf("audio = %+v", audio)
		}
		if got := s.shelves.kept[audio.Object].bytes; !bytes.Equal(got, want) {
			t.Error("other bytes were placed than the rewrite makes")
		}
		if keys := s.shelves.keys(id); len(keys) != 1 {
			t.Errorf("left are %v", keys)
		}
	})
	t.Run("tells what was repaired", func(t *testing.T) {
		cut := file[:len(file)-5]
		id, hint := s.uploaded(t, cut, time.Minute)
		s.until(t, hint)
		if audio := s.session(t, id).Audio; audio == nil || fmt.Sprint(audio.Repaired) != "[dropped_bytes=23]" {
			t.Errorf("audio = %+v", audio)
		}
	})
	t.Run("tells how much talk there was after its end", func(t *testing.T) {
		for ended, want := range map[int64]string{63_434: "[]", 63_435: "[ends_before_transcript_ms=3635]", 600_000: "[ends_before_transcript_ms=540200]"} {
			id, hint := s.uploaded(t, file, time.Minute)
			s.Append(t, id.Aggregate(), &events.SegmentPlaced{Call: 1, Item: "a"}, &events.SegmentPlaced{Call: 1, Item: "b"},
				&events.SegmentTimed{Call: 1, Item: "b", StartedRecMS: &ended}, &events.SegmentTimed{Call: 1, Item: "a", EndedRecMS: new(int64(1000))})
			s.until(t, hint)
			if audio := s.session(t, id).Audio; audio == nil || fmt.Sprint(audio.Repaired) != want {
				t.Errorf("talk until %d: %+v, want %s", ended, audio, want)
			}
		}
	})
	t.Run("does nothing a second time", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Minute)
		s.until(t, hint)
		before := len(s.Load(t, id.Aggregate()))
		s.until(t, hint)
		if after := len(s.Load(t, id.Aggregate())); after != before {
			t.Errorf("%d events more", after-before)
		}
	})
}

func TestFinalizerRefuses(t *testing.T) {
	s := setup(t)
	file := minute().b

	t.Run("a wrong file, and keeps its bytes", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Hour)
		s.until(t, hint)
		session := s.session(t, id)
		if session.Audio != nil || session.Rejected == nil || session.Rejected.Reason != string(ReasonDuration) {
			t.Errorf("rejected = %+v", session.Rejected)
		}
		if keys := s.shelves.keys(id); len(keys) != 1 || !strings.HasPrefix(keys[0], "incoming/") {
			t.Errorf("left are %v", keys)
		}
		if !strings.Contains(s.logged.String(), "instead of 1h0m0s") {
			t.Errorf("operators are told %s", s.logged.String())
		}
	})
	t.Run("a file that is gone", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Minute)
		if _, err := s.shelves.RemoveSession(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		s.until(t, hint)
		if r := s.session(t, id).Rejected; r == nil || r.Reason != string(ReasonMissing) {
			t.Errorf("rejected = %+v", r)
		}
	})
	t.Run("to replace other bytes", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Minute)
		key := AudioKey(id, hint.Body.(*events.UploadCompleted).Upload, "audio/webm")
		s.shelves.keep(Object{Key: key, Size: 3, SHA256: "other"}, []byte("abc"))
		if err := s.finalizer().Handle(t.Context(), hint); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("got %v", err)
		}
		if string(s.shelves.kept[key].bytes) != "abc" {
			t.Error("the bytes were replaced")
		}
	})
	t.Run("to go on for ever, and gives a reason", func(t *testing.T) {
		id, hint := s.uploaded(t, file, time.Minute)
		for range 2 {
			if err := s.finalizer().GiveUp(t.Context(), hint, errBroken); err != nil {
				t.Fatal(err)
			}
		}
		session := s.session(t, id)
		if _, reason := session.Facts().Status(*session.EndedAt); reason != string(ReasonUndecided) || len(session.Positions) != 5 {
			t.Errorf("reason %q after %d events", reason, len(session.Positions))
		}
	})
}

func TestFinalizerOfDeletedSession(t *testing.T) {
	s := setup(t)
	t.Run("removes what there is, and says nothing", func(t *testing.T) {
		id, hint := s.uploaded(t, minute().b, time.Minute)
		s.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: learner})
		before := len(s.Load(t, id.Aggregate()))
		s.until(t, hint)
		if keys, after := s.shelves.keys(id), len(s.Load(t, id.Aggregate())); len(keys) != 0 || after != before {
			t.Errorf("left are %v, %d events more", keys, after-before)
		}
	})
	t.Run("removes the audio that it placed while the session was deleted", func(t *testing.T) {
		id, hint := s.uploaded(t, minute().b, time.Minute)
		s.shelves.onPut = func() { s.Append(t, id.Aggregate(), &events.SessionDeleteRequested{By: learner}) }
		s.until(t, hint)
		if keys := s.shelves.keys(id); len(keys) != 0 || s.session(t, id).Audio != nil {
			t.Errorf("left are %v", keys)
		}
	})
}

// A crash between any two steps, before or after the step took effect, changes
// nothing in the end.
func TestFinalizerInterrupted(t *testing.T) {
	s := setup(t)
	file := newTape(2).cluster().simple(0, 20).b
	for _, took := range []bool{false, true} {
		for step := 1; ; step++ {
			id, hint := s.uploaded(t, file, time.Second)
			*s.fault = fault{at: step, took: took}
			failures := s.until(t, hint)
			if s.fault.at > s.fault.steps {
				break
			}
			session, keys := s.session(t, id), s.shelves.keys(id)
			if failures == 0 || session.Audio == nil || len(session.Positions) != 5 || len(keys) != 1 || keys[0] != session.Audio.Object {
				t.Errorf("step %d, took effect %v: %d failures, %d events, left are %v", step, took, failures, len(session.Positions), keys)
			}
		}
	}
}

func TestTwoFinalizers(t *testing.T) {
	s := setup(t)
	id, hint := s.uploaded(t, minute().b, time.Minute)
	results := make(chan error)
	for range 2 {
		worker := s.finalizer()
		go func() { results <- worker.Handle(t.Context(), hint) }()
	}
	for range 2 {
		if err := <-results; err != nil && events.CodeOf(err) != events.CodeNotFound {
			t.Error(err) // the slower one may find the incoming file gone, and comes again
		}
	}
	s.until(t, hint)
	if keys, session := s.shelves.keys(id), s.session(t, id); len(keys) != 1 || session.Audio == nil || len(session.Positions) != 5 {
		t.Errorf("left are %v, %d events", keys, len(session.Positions))
	}
}
