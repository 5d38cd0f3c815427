package events

// RequestUpload announces the browser's file. Announcing the same bytes again
// gives the same upload and drafts nothing; other bytes replace an upload that
// was rejected or never completed.
// It may begin before the session's end is in: the upload runs while the last
// transcriptions are awaited. Errors: CodeConflict when the audio is there, CodeErased.
func (s *Session) RequestUpload(b *UploadRequested) (UploadID, []Event, error) {
	if err := s.deleted(); err != nil {
		return "", nil, err
	}
	switch {
	case s.Audio != nil && s.Upload != nil && s.Upload.SHA256 == b.SHA256:
		return s.Upload.Upload, nil, nil
	case s.Audio != nil:
		return "", nil, Errorf(CodeConflict, "this session has its recording already")
	case s.Upload != nil && s.Rejected == nil && s.Upload.SHA256 == b.SHA256 && s.Upload.Size == b.Size:
		return s.Upload.Upload, nil, nil
	}
	return b.Upload, Draft(b), nil
}

// KnownUpload finds an announced upload. Errors: CodeNotFound.
func (s *Session) KnownUpload(id UploadID) (*UploadRequested, error) {
	if s.Upload == nil || s.Upload.Upload != id {
		return nil, Errorf(CodeNotFound, "there is no such upload")
	}
	return s.Upload, nil
}

// CompleteUpload notes that the bytes lie in the store; once only.
// Errors: CodeNotFound, CodeErased.
func (s *Session) CompleteUpload(b *UploadCompleted) ([]Event, error) {
	if err := s.deleted(); err != nil {
		return nil, err
	}
	if _, err := s.KnownUpload(b.Upload); err != nil {
		return nil, err
	}
	if s.Completed != nil {
		return nil, nil
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
