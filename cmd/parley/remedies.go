package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
	"parley/projections/erasure"
	"parley/projections/s3"
	"parley/projections/timekeeper"
)

// The remedies, by their names; recover has a flag for each.
const (
	remedyEnd      = "end"
	remedyFinalize = "finalize"
	remedyWithout  = "without-recording"
	remedyResume   = "resume"
)

// ward is a session that an operator helps.
type ward struct {
	config Config
	log    *jetstream.Log
	store  func(context.Context) (*s3.Store, error) // opens it when it is needed
	calls  erasure.Calls
	id     events.SessionID
	actor  events.Actor
}

// remedy is one way to help.
type remedy struct {
	does string // for people
	// plan says what it will do to this session. Errors: CodeNotFound, CodeErased,
	// CodeConflict when it cannot help.
	plan func(*timekeeper.Session) (string, error)
	// do does it. It decides anew from the log, so that it is right although
	// something has come since the plan.
	do func(context.Context, ward) error
}

var remedies = map[string]remedy{
	remedyEnd:      {"end a session whose page is gone; its recording may still come", planEnd, end},
	remedyFinalize: {"check and place its recording once more", planFinalize, finalize},
	remedyResume:   {"do here what the workers owe it: its deletion, its sweep, its timer, its recording, its levels", planResume, resume},
	remedyWithout:  {"close a session without its recording; one that comes later is still taken", planWithout, closeWithout},
}

// planFor says what a remedy would do to a session. Errors: CodeInvalid for one
// that is none, those of its plan.
func planFor(ctx context.Context, log events.Loader, id events.SessionID, name string) (http.Helped, error) {
	planned := http.Helped{ID: id, Remedy: name}
	chosen, known := remedies[name]
	if !known {
		return planned, events.Errorf(events.CodeInvalid, "a remedy is one of %s", strings.Join(slices.Sorted(maps.Keys(remedies)), ", "))
	}
	s, err := loadTimed(ctx, log, id)
	if err != nil {
		return planned, err
	}
	if s.Deleted == nil && s.Erased == nil { // nothing more goes on the trail of who may be gone
		planned.Learner = s.Learner
	}
	planned.Status, planned.Reason = statusOf(s.Session, time.Now())
	planned.Will, err = chosen.plan(s)
	return planned, err
}

// carryOut does what was planned, and says how the session is then.
func carryOut(ctx context.Context, w ward, planned *http.Helped) error {
	if err := remedies[planned.Remedy].do(ctx, w); err != nil {
		return err
	}
	after, err := loadTimed(ctx, w.log, w.id)
	planned.Done = true
	planned.Status, planned.Reason = statusOf(after.Session, time.Now())
	return err
}

func planEnd(s *timekeeper.Session) (string, error) {
	if err := s.Open(s.Learner); err != nil {
		return "", err
	}
	if s.Ended != nil {
		return "", events.Errorf(events.CodeConflict, "it has ended already")
	}
	ending := s.Ending(events.EndedByOperator)
	return fmt.Sprintf("append session_ended: by the operator, recording expected: %t, reports 1 to %d expected", ending.RecordingExpected, ending.LastN), nil
}

func end(ctx context.Context, w ward) error {
	return w.decide(ctx, func(s *timekeeper.Session) ([]events.Event, error) {
		if s.Ended != nil {
			return nil, nil
		}
		return s.End(s.Ending(events.EndedByOperator))
	})
}

func planWithout(s *timekeeper.Session) (string, error) {
	if err := s.Open(s.Learner); err != nil {
		return "", err
	}
	ending := withoutRecording(s)
	drafts, err := s.End(ending)
	if err != nil {
		return "", err
	}
	if len(drafts) == 0 || s.Audio != nil {
		return "", events.Errorf(events.CodeConflict, "no recording is awaited")
	}
	will := "append session_ended: no recording expected"
	if through := s.Received.Through(); through < ending.LastN {
		will += fmt.Sprintf("; it waits for its browser all the same, as only reports 1 to %d of %d are in", through, ending.LastN)
	}
	return will, nil
}

// withoutRecording is the session's end without a recording, as it was otherwise.
func withoutRecording(s *timekeeper.Session) *events.SessionEnded {
	ending := s.Ending(events.EndedByOperator)
	if s.Ended != nil {
		known := *s.Ended
		ending = &known
	}
	ending.RecordingExpected = false
	return ending
}

func closeWithout(ctx context.Context, w ward) error {
	return w.decide(ctx, func(s *timekeeper.Session) ([]events.Event, error) {
		return s.End(withoutRecording(s))
	})
}

func planFinalize(s *timekeeper.Session) (string, error) {
	switch err := s.Open(s.Learner); {
	case err != nil:
		return "", err
	case s.Audio != nil:
		return "", events.Errorf(events.CodeConflict, "its recording is finalized already")
	case s.Completed == nil:
		return "", events.Errorf(events.CodeConflict, "no recording of it lies in the store")
	case s.Rejected != nil:
		return fmt.Sprintf("announce %s as a new upload and finalize it here, although it was refused before (%s)", s.Completed.Object, s.Rejected.Reason), nil
	}
	return "finalize " + s.Completed.Object + " here", nil
}

// finalize lets a finalizer of this process look at the recording. What was refused
// is announced anew, as the domain decides about each upload once.
func finalize(ctx context.Context, w ward) error {
	s, err := loadTimed(ctx, w.log, w.id)
	if err != nil {
		return err
	}
	if s.Rejected != nil {
		if err := w.announceAgain(ctx, *s.Upload, *s.Completed); err != nil {
			return err
		}
	}
	return w.place(ctx)
}

func (w ward) announceAgain(ctx context.Context, announced events.UploadRequested, completed events.UploadCompleted) error {
	upload := events.UploadID(newID())
	announced.Upload = upload
	err := w.decide(ctx, func(s *timekeeper.Session) (drafts []events.Event, err error) {
		upload, drafts, err = s.RequestUpload(&announced, time.Now())
		return drafts, err
	})
	if err != nil {
		return err
	}
	completed.Upload = upload
	return w.decide(ctx, func(s *timekeeper.Session) ([]events.Event, error) { return s.CompleteUpload(&completed, time.Now()) })
}

// decide runs one decision on the session, in the operator's name.
func (w ward) decide(ctx context.Context, decision func(*timekeeper.Session) ([]events.Event, error)) error {
	_, err := events.Execute(ctx, w.log, w.id.Aggregate(), timekeeper.NewSession(w.id), stampOf(w.actor), decision)
	return err
}
