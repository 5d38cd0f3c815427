package events

import "time"

// UploadLasts is how long after it was announced an upload can be gone on with and
// completed. Until then the store keeps what has arrived of it; what belongs to one
// that has lapsed no event will ever point at.
const UploadLasts = 7 * 24 * time.Hour

// comesBack is after how long announcing the same bytes again is told as an event:
// the upload then lasts from there.
const comesBack = time.Hour

// RequestUpload announces the browser's file. Announcing the same bytes again
// gives the same upload, and drafts nothing in the first hour; other bytes replace
// an upload that was rejected or never completed, and so does what lapsed.
// It may begin before the session's end is in: the upload runs while the last
// transcriptions are awaited. Errors: CodeConflict when the audio is there, CodeErased.
func (s *Session) RequestUpload(b *UploadRequested, now time.Time) (UploadID, []Event, error) {
	if err := s.deleted(); err != nil {
		return "", nil, err
	}
	switch {
	case s.Audio != nil && s.Upload != nil && s.Upload.SHA256 == b.SHA256:
		return s.Upload.Upload, nil, nil
	case s.Audio != nil:
		return "", nil, Errorf(CodeConflict, "this session has its recording already")
	case s.Upload == nil || s.Rejected != nil || s.Upload.SHA256 != b.SHA256 || s.Upload.Size != b.Size:
		return b.Upload, Draft(b), nil
	case s.Completed != nil || now.Sub(s.UploadAt) < comesBack:
		return s.Upload.Upload, nil, nil
	case s.lapsed(now):
		return b.Upload, Draft(b), nil
	}
	return s.Upload.Upload, Draft(s.Upload), nil
}

// lapsed tells whether the upload can no longer be completed.
func (s *Session) lapsed(now time.Time) bool { return now.Sub(s.UploadAt) >= UploadLasts }

// KnownUpload finds an announced upload. Errors: CodeNotFound.
func (s *Session) KnownUpload(id UploadID) (*UploadRequested, error) {
	if s.Upload == nil || s.Upload.Upload != id {
		return nil, Errorf(CodeNotFound, "there is no such upload")
	}
	return s.Upload, nil
}

// CompleteUpload notes that the bytes lie in the store; once only.
// Errors: CodeNotFound, CodeConflict when the upload has lapsed, CodeErased.
func (s *Session) CompleteUpload(b *UploadCompleted, now time.Time) ([]Event, error) {
	if err := s.deleted(); err != nil {
		return nil, err
	}
	if _, err := s.KnownUpload(b.Upload); err != nil {
		return nil, err
	}
	if s.Completed != nil {
		return nil, nil
	}
	if s.lapsed(now) {
		return nil, Errorf(CodeConflict, "this upload was announced too long ago; announce it again")
	}
	return Draft(b), nil
}

// ToFinalize is the upload that waits for the finalizer; nil when none does.
func (s *Session) ToFinalize() *UploadCompleted {
	if s.deleted() != nil || s.Audio != nil || s.Rejected != nil {
		return nil
	}
	return s.Completed
}

// FinalizeAudio notes the placed recording; a second worker's drafts nothing.
func (s *Session) FinalizeAudio(b *AudioFinalized) ([]Event, error) {
	if waiting := s.ToFinalize(); waiting == nil || waiting.Upload != b.Upload {
		return nil, nil
	}
	return Draft(b), nil
}

// RejectAudio notes why an upload cannot be the recording.
func (s *Session) RejectAudio(b *AudioRejected) ([]Event, error) {
	if waiting := s.ToFinalize(); waiting == nil || waiting.Upload != b.Upload {
		return nil, nil
	}
	return Draft(b), nil
}

// ToMeasure is the audio that waits for its levels; nil when none does.
func (s *Session) ToMeasure() *AudioFinalized {
	if s.deleted() != nil || s.Measured != nil {
		return nil
	}
	return s.Audio
}

// MeasureAudio notes where the levels of the audio lie, once.
func (s *Session) MeasureAudio(b *AudioMeasured) ([]Event, error) {
	if waiting := s.ToMeasure(); waiting == nil || waiting.Upload != b.Upload {
		return nil, nil
	}
	return Draft(b), nil
}
