package events

import "time"

// Status is where a session stands. It is derived, never stored.
type Status string

// The statuses of design section 5.
const (
	StatusActive         Status = "active"
	StatusEnded          Status = "ended"
	StatusUploading      Status = "uploading"
	StatusFinalizing     Status = "finalizing"
	StatusSaved          Status = "saved"
	StatusNeedsAttention Status = "needs_attention"
)

// Facts is what a status derives from; read models hold just these.
type Facts struct {
	Ended             bool
	EndedAt           time.Time // first
	Abandoned         bool      // nobody was there when it ended
	RecordingExpected bool
	LastN             int64
	Through           int64 // all of 1…Through are in
	UploadRequested   bool
	UploadCompleted   bool
	AudioFinalized    bool
	Rejected          string // reason of the latest rejection
}

// OnDevice is the reason of a session whose rest a browser still holds.
const OnDevice = "on_device"

// bringsWithin is how long a page that is still open takes, at most, to bring its
// rest: the largest recording by default, 256 MiB, at 0.6 Mbit/s.
const bringsWithin = time.Hour

// Saved tells whether nothing is missing.
func (f Facts) Saved() bool {
	return f.Ended && f.Through >= f.LastN && (f.AudioFinalized || !f.RecordingExpected)
}

// Status derives the status as it is now, and for StatusNeedsAttention the reason.
func (f Facts) Status(now time.Time) (Status, string) {
	isLeft := f.Abandoned && !f.UploadRequested || now.Sub(f.EndedAt) >= bringsWithin
	switch {
	case !f.Ended:
		return StatusActive, ""
	case f.Saved():
		return StatusSaved, ""
	case f.Rejected != "" && !f.AudioFinalized:
		return StatusNeedsAttention, f.Rejected
	case f.AudioFinalized:
		return StatusNeedsAttention, OnDevice
	case f.UploadCompleted:
		return StatusFinalizing, ""
	case isLeft:
		return StatusNeedsAttention, OnDevice
	case f.UploadRequested:
		return StatusUploading, ""
	}
	return StatusEnded, ""
}

// Facts gathers what the session's status derives from.
func (s *Session) Facts() Facts {
	f := Facts{
		Through:         s.Received.Through(),
		UploadRequested: s.Upload != nil,
		UploadCompleted: s.Completed != nil,
		AudioFinalized:  s.Audio != nil,
	}
	if s.Ended != nil {
		f.Ended, f.RecordingExpected, f.LastN = true, s.Ended.RecordingExpected, s.Ended.LastN
		f.EndedAt, f.Abandoned = *s.EndedAt, s.Ended.Reason == EndedAbandoned
	}
	if s.Rejected != nil {
		f.Rejected = s.Rejected.Reason
	}
	return f
}
