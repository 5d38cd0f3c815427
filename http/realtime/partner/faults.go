package partner

import "time"

// Faults are the troubles of real providers, to be switched on for tests. The
// zero value has none. They hold for every call of a partner.
type Faults struct {
	// MintStatus answers each mint with this HTTP status; 0: none.
	MintStatus int
	// MintDelay holds each mint back.
	MintDelay time.Duration
	// Transcription is what goes wrong with what the learner said.
	Transcription TranscriptionFault
	// EndAfter ends each call this long after it was connected, as if the
	// provider's limit were so near; the session states that end. 0: the
	// limit of the Config.
	EndAfter time.Duration
	// UnknownEvents sends an event of an unknown name after each response.
	UnknownEvents bool
}

// TranscriptionFault is a way for transcriptions to go wrong.
type TranscriptionFault string

// The ways. Empty: none.
const (
	// TranscriptionLate comes seconds after the tutor's answer began.
	TranscriptionLate TranscriptionFault = "late"
	// TranscriptionCrossed holds each first one back until the second came.
	TranscriptionCrossed TranscriptionFault = "crossed"
	// TranscriptionFails always fails.
	TranscriptionFails TranscriptionFault = "failed"
	// TranscriptionEmpty has no words.
	TranscriptionEmpty TranscriptionFault = "empty"
	// TranscriptionDuplicate comes twice.
	TranscriptionDuplicate TranscriptionFault = "duplicate"
	// TranscriptionMissing never comes.
	TranscriptionMissing TranscriptionFault = "missing"
)

// late is how long TranscriptionLate takes.
const late = 4 * time.Second

// unknownEvent is the name that UnknownEvents uses.
const unknownEvent = "response.future_event"
