package recording

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"parley/events"
)

// Log is what the finalizer needs of the log.
type Log = events.LoadAppender

// Finalizer makes audio of uploads: verify, rewrite, place, report, and only then
// remove the incoming file. A hint tells it no more than which session to look at;
// what to do follows from the session as the log knows it. So every step may be
// repeated after a crash, by several workers at once.
type Finalizer struct {
	log     Log
	objects Objects
	now     func() time.Time
	newID   func() events.EventID
	logger  *slog.Logger
}

// NewFinalizer makes a finalizer. It keeps nothing between two hints.
func NewFinalizer(log Log, objects Objects, now func() time.Time, newID func() events.EventID, logger *slog.Logger) *Finalizer {
	return &Finalizer{log: log, objects: objects, now: now, newID: newID, logger: logger}
}

// Kinds are the events that can be a reason to look at their session.
func (f *Finalizer) Kinds() []events.Kind { return []events.Kind{events.KindUploadCompleted} }

// Handle brings the session of the hint as far as it can be brought. Nil means that
// nothing is left to do; after an error the same hint should be handled again.
// Errors: those of the log and the store.
func (f *Finalizer) Handle(ctx context.Context, hint events.Event) error {
	session, err := f.decide(ctx, hint, nothing)
	if err != nil {
		return err
	}
	if waiting := session.ToFinalize(); waiting != nil {
		session, err = f.finalize(ctx, hint, session.Upload, waiting)
		if err != nil {
			return err
		}
	}
	return f.tidy(ctx, session)
}

// GiveUp is for a hint whose handling has failed too often. The session then needs
// attention; uploading again starts anew.
func (f *Finalizer) GiveUp(ctx context.Context, hint events.Event, cause error) error {
	_, err := f.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		waiting := s.ToFinalize()
		if waiting == nil {
			return nil, nil
		}
		f.logger.ErrorContext(ctx, "upload given up", "session", s.ID, "upload", waiting.Upload, "error", cause)
		return s.RejectAudio(&events.AudioRejected{Upload: waiting.Upload, Reason: string(ReasonUndecided)})
	})
	return err
}

// finalize works on the upload that waits, and gives the session after its report.
func (f *Finalizer) finalize(ctx context.Context, hint events.Event, announced *events.UploadRequested, completed *events.UploadCompleted) (*events.Session, error) {
	plan, audio, err := f.place(ctx, hint, announced, completed)
	var rejection *Rejection
	if errors.As(err, &rejection) {
		return f.reject(ctx, hint, completed.Upload, rejection)
	}
	if err != nil {
		return nil, err
	}
	return f.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		return s.FinalizeAudio(&events.AudioFinalized{
			Upload:      completed.Upload,
			Object:      audio.Key,
			ContentType: audio.ContentType,
			DurationMS:  plan.Duration.Milliseconds(),
			Codec:       plan.Codec,
			Channels:    plan.Channels,
			Size:        audio.Size,
			SHA256:      audio.SHA256,
			Repaired:    plan.Repair.beside(s.Turns, plan.Duration).Notes(),
		})
	})
}

// reject reports that the file cannot be the audio. Its bytes stay.
func (f *Finalizer) reject(ctx context.Context, hint events.Event, upload events.UploadID, why *Rejection) (*events.Session, error) {
	f.logger.WarnContext(ctx, "upload rejected", "session", hint.Aggregate.ID, "upload", upload, "reason", why.Reason, "detail", why.Detail)
	return f.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		return s.RejectAudio(&events.AudioRejected{Upload: upload, Reason: string(why.Reason)})
	})
}

// tidy removes what is no longer needed: the incoming file of the audio that is
// there, and everything of a session that was deleted while we worked on it.
func (f *Finalizer) tidy(ctx context.Context, s *events.Session) error {
	if s.Deleted != nil || s.Erased != nil {
		_, err := f.objects.RemoveSession(ctx, s.ID)
		return err
	}
	if s.Audio != nil && s.Completed != nil && s.Completed.Upload == s.Audio.Upload {
		return f.objects.Remove(ctx, s.Completed.Object)
	}
	return nil
}

func nothing(*events.Session) ([]events.Event, error) { return nil, nil }

// decide runs one decision on the hint's session and gives the session after it.
func (f *Finalizer) decide(ctx context.Context, hint events.Event, decision func(*events.Session) ([]events.Event, error)) (*events.Session, error) {
	session := events.NewSession(events.SessionID(hint.Aggregate.ID))
	stamp := events.Stamp{
		Actor:       events.System("finalizer"),
		Time:        f.now(),
		Causation:   hint.ID,
		Correlation: hint.Correlation,
		NewID:       f.newID,
	}
	_, err := events.Execute(ctx, f.log, hint.Aggregate, session, stamp, decision)
	return session, err
}

// closing joins the error of closing a reader to the one that reading ended with.
func closing(r io.Closer, err *error) { *err = errors.Join(*err, r.Close()) }
