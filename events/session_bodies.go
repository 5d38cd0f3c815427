package events

import "time"

// Milliseconds in bodies count from the start of the recording (rec_ms) where
// they end in …RecMS, and on the call's own audio clock where they end in
// …CallMS; a nil pointer means "not known".

// SessionStarted opens a session.
type SessionStarted struct {
	Learner  AccountID `json:"learner"`
	Topic    TopicID   `json:"topic"`
	Language string    `json:"language"` // BCP 47
	Level    string    `json:"level"`    // CEFR
	Provider string    `json:"provider"`
	Model    string    `json:"model"`
	Voice    string    `json:"voice"`

	// TranscriptionModel writes down what the learner says; empty in an event from
	// before it was noted: not known.
	TranscriptionModel string `json:"transcription_model,omitempty"`

	// OwnTopic is the text of a topic that the learner wrote herself; empty
	// for one of the catalogue, whose text is public.
	OwnTopic TopicText `json:"-"`
}

// TokenIssued says that the first token of a call was minted. Never the secret.
type TokenIssued struct {
	Call      int        `json:"call"`
	ExpiresAt time.Time  `json:"expires_at"`
	MintMS    int64      `json:"mint_ms"`
	Browser   BrowserID  `json:"browser,omitempty"` // that asked for it
	Until     *time.Time `json:"until,omitempty"`   // when the server ends the session
	UntilWhy  EndReason  `json:"until_why,omitempty"`
}

// TokenRefreshed says that a later token was minted, for the next call.
type TokenRefreshed struct {
	Call      int        `json:"call"`
	ExpiresAt time.Time  `json:"expires_at"`
	MintMS    int64      `json:"mint_ms"`
	Browser   BrowserID  `json:"browser,omitempty"` // that asked for it
	Until     *time.Time `json:"until,omitempty"`   // when the server ends the session
	UntilWhy  EndReason  `json:"until_why,omitempty"`
}

// TokenRefreshFailed says that no token could be had.
type TokenRefreshFailed struct {
	Call      int    `json:"call"`
	Class     string `json:"class"`
	Retryable bool   `json:"retryable"`
}

// CallConnected says that the browser's WebRTC connection of a call stands.
type CallConnected struct {
	Call         int    `json:"call"`
	ProviderCall string `json:"provider_call,omitempty"` // keyed hash of the provider's id
	SinceClickMS int64  `json:"since_click_ms"`
	AtMS         int64  `json:"at_ms"`            // from the session's start
	RecMS        *int64 `json:"rec_ms,omitempty"` // the call's anchor on the recording's clock
}

// CallDescribed is what the provider said of a call in session.created or
// session.updated.
type CallDescribed struct {
	Call            int        `json:"call"`
	EndsAt          *time.Time `json:"ends_at,omitempty"`
	PrefixPaddingMS *int64     `json:"prefix_padding_ms,omitempty"`
}

// CallDropped says that a call's connection is gone.
type CallDropped struct {
	Call  int    `json:"call"`
	Cause string `json:"cause"`
}

// ResponseMeasured is the time to the tutor's first sound.
type ResponseMeasured struct {
	Call     int    `json:"call"`
	Response string `json:"response"`
	AfterMS  int64  `json:"after_ms"` // from the end of the learner's speech, or from connecting
}

// Speaker is who speaks in a segment; NoSpeaker marks an item that is only a
// link in the chain (tool calls, system items, empty items of an idle timeout).
type Speaker string

// The speakers.
const (
	Learner   Speaker = "learner"
	Tutor     Speaker = "tutor"
	NoSpeaker Speaker = "none"
)

// SegmentPlaced is one link of the chain that the order of segments derives
// from. Any of its parts may be unknown; several of one item complement one
// another.
type SegmentPlaced struct {
	Call     int     `json:"call"`
	Item     string  `json:"item"`
	Previous *string `json:"previous,omitempty"`
	Speaker  Speaker `json:"speaker,omitempty"`
	Response string  `json:"response,omitempty"` // the response that made the item
}

// TranscriptStatus is how far the text of a segment is.
type TranscriptStatus string

// The first four are stored; the last two are derived.
const (
	Final    TranscriptStatus = "final"
	Prompted TranscriptStatus = "prompted" // the line that the built-in partner offered
	Empty    TranscriptStatus = "empty"
	Failed   TranscriptStatus = "failed"
	Missing  TranscriptStatus = "missing" // the session ended without it
	Pending  TranscriptStatus = "pending"
)

// SegmentText is the sealed part of SegmentTranscribed.
type SegmentText struct {
	Text string `json:"text"`
}

// SegmentTranscribed settles the text of one part of a segment; the one of the
// highest rank counts, it replaces and never appends. Nearly all segments have
// one part.
type SegmentTranscribed struct {
	Call   int              `json:"call"`
	Item   string           `json:"item"`
	Part   int              `json:"part,omitempty"` // its place in the item's content
	Status TranscriptStatus `json:"status"`
	Words  int              `json:"words"`

	Private SegmentText `json:"-"`
}

// SegmentTimed is one observation of when a segment was spoken. It names the
// item, or, for the tutor's sound, the response; the last one of each part
// counts. Raw observations are stored so that the rule which turns them into
// times can be improved by a rebuild.
type SegmentTimed struct {
	Call           int     `json:"call"`
	Item           string  `json:"item,omitempty"`
	Response       string  `json:"response,omitempty"`
	StartedCallMS  *int64  `json:"started_call_ms,omitempty"`
	EndedCallMS    *int64  `json:"ended_call_ms,omitempty"`
	StartedRecMS   *int64  `json:"started_rec_ms,omitempty"` // arrival of the report
	EndedRecMS     *int64  `json:"ended_rec_ms,omitempty"`
	MeasuredBy     Measure `json:"measured_by"`
	ClearedByVoice bool    `json:"cleared_by_voice,omitempty"` // the learner spoke in
}

// Measure tells what a time is taken from.
type Measure string

// How times are measured.
const (
	ByProvider Measure = "provider" // the provider's turn detection
	ByArrival  Measure = "arrival"  // the report's arrival in the browser
	ByPress    Measure = "press"    // push-to-talk: the button's press and release
)

// SegmentInterrupted marks a tutor's segment that was cut off. The generated
// text stays; where the cut was is never invented.
type SegmentInterrupted struct {
	Call    int    `json:"call"`
	Item    string `json:"item"`
	HeardMS *int64 `json:"heard_ms,omitempty"`
}

// UsageRecorded counts what a response or a transcription cost, by kind: in tokens,
// or in milliseconds of audio (audio_ms) where that is what is paid for.
type UsageRecorded struct {
	Call     int              `json:"call"`
	Response string           `json:"response,omitempty"`
	Item     string           `json:"item,omitempty"`
	Tokens   map[string]int64 `json:"tokens"`
}

// RecordingStarted fixes what rec_ms counts from.
type RecordingStarted struct {
	AtMS        int64  `json:"at_ms"`
	ContentType string `json:"content_type,omitempty"`
}

// RecordingStopped says that nothing is recorded from here, before the
// session's end: the microphone is gone, or the recorder failed.
type RecordingStopped struct {
	Cause string `json:"cause"`
	AtMS  int64  `json:"at_ms"`
	RecMS *int64 `json:"rec_ms,omitempty"`
}

// RecordingMuted says that the learner's channel is silent from here, or not.
type RecordingMuted struct {
	On    bool   `json:"on"`
	RecMS *int64 `json:"rec_ms,omitempty"`
}

// OutboxReceived settles outbox numbers of which none made an event of its
// own: the numbers are in the envelope. Skipped counts provider events of
// types that this version does not know.
type OutboxReceived struct {
	Skipped map[string]int `json:"skipped,omitempty"`
}

// EndReason is why a session ended.
type EndReason string

// The reasons of design section 5, and those for which the server hangs up.
const (
	EndedByLearner            EndReason = "learner"
	EndedByTokenRefreshFailed EndReason = "token_refresh_failed"
	EndedByTimeLimit          EndReason = "time_limit"
	EndedAbandoned            EndReason = "abandoned"
	EndedByOperator           EndReason = "operator"
	EndedIdle                 EndReason = "idle"       // nobody spoke
	EndedUsedUp               EndReason = "used_up"    // the minutes of the day
	EndedBySignOut            EndReason = "signed_out" // in the browser that it was talked in
)

// SessionEnded ends the talking; what is on the way still arrives.
type SessionEnded struct {
	Reason            EndReason `json:"reason"`
	RecordingExpected bool      `json:"recording_expected"`
	LastN             int64     `json:"last_n"`
}

// UploadRequested announces the browser's one file.
type UploadRequested struct {
	Upload      UploadID `json:"upload"`
	Size        int64    `json:"size"`
	SHA256      string   `json:"sha256"` // hex
	ContentType string   `json:"content_type"`
	DurationMS  int64    `json:"duration_ms"` // as the browser claims
}

// UploadCompleted says that the announced bytes lie in the store.
type UploadCompleted struct {
	Upload UploadID `json:"upload"`
	Object string   `json:"object"`
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
}

// AudioFinalized says that the recording is checked, rewritten and placed.
type AudioFinalized struct {
	Upload      UploadID `json:"upload"`
	Object      string   `json:"object"`
	ContentType string   `json:"content_type"`
	DurationMS  int64    `json:"duration_ms"`
	Codec       string   `json:"codec"`
	Channels    int      `json:"channels"`
	Size        int64    `json:"size"`
	SHA256      string   `json:"sha256"`
	Repaired    []string `json:"repaired,omitempty"`
}

// AudioMeasured says where the levels of the audio lie.
type AudioMeasured struct {
	Upload UploadID `json:"upload"`
	Object string   `json:"object"`
}

// AudioRejected says why an upload cannot become the audio; its bytes stay.
type AudioRejected struct {
	Upload UploadID `json:"upload"`
	Reason string   `json:"reason"`
}

// SessionDeleteRequested closes the session for every reader.
type SessionDeleteRequested struct {
	By AccountID `json:"by"`
}

// SessionErased is the tombstone. The first one, with UnreadableAt, is written
// once the key and the objects are gone; a second one with SweptAt when the
// sealed bytes are gone from the log too.
type SessionErased struct {
	Positions    Numbers    `json:"positions"`
	Events       int        `json:"events"` // its own and those of its claims
	Objects      int        `json:"objects"`
	UnreadableAt time.Time  `json:"unreadable_at"`
	SweptAt      *time.Time `json:"swept_at,omitempty"`
	RequestedAt  *time.Time `json:"requested_at,omitempty"`
	Owner        string     `json:"owner,omitempty"`  // keyed hash of session and learner: who may read the receipt
	Claims       int        `json:"claims,omitempty"` // on calls at the provider
	Copies       []Copy     `json:"copies,omitempty"` // of the log
}

// Kinds and sealed parts.

// Kind is session_started.
func (*SessionStarted) Kind() Kind { return KindSessionStarted }

// Sealed is the learner's own topic.
func (b *SessionStarted) Sealed() any { return &b.OwnTopic }

// Kind is token_issued.
func (*TokenIssued) Kind() Kind { return KindTokenIssued }

// Kind is token_refreshed.
func (*TokenRefreshed) Kind() Kind { return KindTokenRefreshed }

// Kind is token_refresh_failed.
func (*TokenRefreshFailed) Kind() Kind { return KindTokenRefreshFailed }

// Kind is call_connected.
func (*CallConnected) Kind() Kind { return KindCallConnected }

// Kind is call_described.
func (*CallDescribed) Kind() Kind { return KindCallDescribed }

// Kind is call_dropped.
func (*CallDropped) Kind() Kind { return KindCallDropped }

// Kind is response_measured.
func (*ResponseMeasured) Kind() Kind { return KindResponseMeasured }

// Kind is segment_placed.
func (*SegmentPlaced) Kind() Kind { return KindSegmentPlaced }

// Kind is segment_transcribed.
func (*SegmentTranscribed) Kind() Kind { return KindSegmentTranscribed }

// Sealed is what was said.
func (b *SegmentTranscribed) Sealed() any { return &b.Private }

// Kind is segment_timed.
func (*SegmentTimed) Kind() Kind { return KindSegmentTimed }

// Kind is segment_interrupted.
func (*SegmentInterrupted) Kind() Kind { return KindSegmentInterrupted }

// Kind is usage_recorded.
func (*UsageRecorded) Kind() Kind { return KindUsageRecorded }

// Kind is recording_started.
func (*RecordingStarted) Kind() Kind { return KindRecordingStarted }

// Kind is recording_stopped.
func (*RecordingStopped) Kind() Kind { return KindRecordingStopped }

// Kind is recording_muted.
func (*RecordingMuted) Kind() Kind { return KindRecordingMuted }

// Kind is outbox_received.
func (*OutboxReceived) Kind() Kind { return KindOutboxReceived }

// Kind is session_ended.
func (*SessionEnded) Kind() Kind { return KindSessionEnded }

// Kind is upload_requested.
func (*UploadRequested) Kind() Kind { return KindUploadRequested }

// Kind is upload_completed.
func (*UploadCompleted) Kind() Kind { return KindUploadCompleted }

// Kind is audio_finalized.
func (*AudioFinalized) Kind() Kind { return KindAudioFinalized }

// Kind is audio_measured.
func (*AudioMeasured) Kind() Kind { return KindAudioMeasured }

// Kind is audio_rejected.
func (*AudioRejected) Kind() Kind { return KindAudioRejected }

// Kind is session_delete_requested.
func (*SessionDeleteRequested) Kind() Kind { return KindSessionDeleteRequested }

// Kind is session_erased.
func (*SessionErased) Kind() Kind { return KindSessionErased }
