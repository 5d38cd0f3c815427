package recording

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"parley/events"
)

// LevelsType is the content type of [Levels].
const LevelsType = "application/octet-stream"

// LevelsKey is where the levels of an upload's audio lie, beside it.
func LevelsKey(session events.SessionID, upload events.UploadID) string {
	return "audio/" + string(session) + "/" + string(upload) + ".levels"
}

// Measurer makes the levels of audio that is finalized. A session needs none to be
// saved, so nobody waits for it. Like the finalizer it may repeat each step.
type Measurer struct {
	log     Log
	objects Objects
	now     func() time.Time
	newID   func() events.EventID
	logger  *slog.Logger
}

// NewMeasurer makes a measurer. It keeps nothing between two hints.
func NewMeasurer(log Log, objects Objects, now func() time.Time, newID func() events.EventID, logger *slog.Logger) *Measurer {
	return &Measurer{log, objects, now, newID, logger}
}

// IsMeasurable tells whether levels can be made of audio; of none they cannot. There is
// no decoder of AAC in Go.
func IsMeasurable(audio *events.AudioFinalized) bool {
	return audio != nil && audio.ContentType == "audio/webm" && audio.DurationMS <= maxMeasured.Milliseconds()
}

// Kinds are the events that can be a reason to look at their session.
func (m *Measurer) Kinds() []events.Kind { return []events.Kind{events.KindAudioFinalized} }

// Handle measures the audio of the hint's session, if that waits for it. Nil means that
// nothing is left to do. Errors: those of the log and the store.
func (m *Measurer) Handle(ctx context.Context, hint events.Event) error {
	session, err := m.decide(ctx, hint, nothing)
	if err != nil || !IsMeasurable(session.ToMeasure()) {
		return err
	}
	audio := session.ToMeasure()
	levels, err := m.measure(ctx, audio)
	if errors.Is(err, errUnmeasured) {
		m.logger.InfoContext(ctx, "a recording without levels", "session", session.ID, "upload", audio.Upload, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(levels)
	o := Object{Key: LevelsKey(session.ID, audio.Upload), ContentType: LevelsType, Size: int64(len(levels)), SHA256: hex.EncodeToString(sum[:])}
	if _, err := m.objects.Put(ctx, o, bytes.NewReader(levels)); err != nil && events.CodeOf(err) != events.CodeAlreadyStored {
		return err
	}
	session, err = m.decide(ctx, hint, func(s *events.Session) ([]events.Event, error) {
		return s.MeasureAudio(&events.AudioMeasured{Upload: audio.Upload, Object: o.Key})
	})
	if err == nil && (session.Deleted != nil || session.Erased != nil) {
		_, err = m.objects.RemoveSession(ctx, session.ID)
	}
	return err
}

// GiveUp leaves the recording without levels: it plays all the same, and an operator
// may have it tried again.
func (m *Measurer) GiveUp(ctx context.Context, hint events.Event, cause error) error {
	m.logger.ErrorContext(ctx, "levels given up", "session", hint.Aggregate.ID, "error", cause)
	return nil
}

// measure reads the audio. Errors: errUnmeasured, those of the store.
func (m *Measurer) measure(ctx context.Context, audio *events.AudioFinalized) (levels Levels, err error) {
	there, err := m.objects.Head(ctx, audio.Object)
	if err != nil {
		return nil, err
	}
	file := m.objects.Open(ctx, there)
	defer closing(file, &err)
	return Measure(file)
}

// decide runs one decision on the hint's session and gives the session after it.
func (m *Measurer) decide(ctx context.Context, hint events.Event, decision func(*events.Session) ([]events.Event, error)) (*events.Session, error) {
	session := events.NewSession(events.SessionID(hint.Aggregate.ID))
	stamp := events.Stamp{Actor: events.System("measurer"), Time: m.now(), Causation: hint.ID, Correlation: hint.Correlation, NewID: m.newID}
	_, err := events.Execute(ctx, m.log, hint.Aggregate, session, stamp, decision)
	return session, err
}
