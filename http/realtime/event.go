package realtime

import "time"

// Event is one decoded event of a call.
type Event struct {
	// Type is the provider's own name of it, GA or beta, as received.
	Type string
	// ID is the provider's id of the event; may be empty.
	ID string
	// Body says what happened: exactly one of the types below.
	Body Body
}

// Body is one of the types of this file and nothing else. All times in them
// are milliseconds of the provider's own count of the learner's audio.
type Body interface{ body() }

// The bodies.
type (
	// SessionDescribed states the call's settings.
	SessionDescribed struct {
		SessionID string
		Model     string
		// ExpiresAt is when the provider will end the call; zero: not said.
		ExpiresAt time.Time
		// PrefixPaddingMS is contained in every SpeechStarted from here on.
		// nil: this way of turn detection has none.
		PrefixPaddingMS *int
		// Mark is MintRequest.Mark; empty: none. Nothing else of the
		// instructions is decoded.
		Mark string
	}

	// ItemAdded says that an item took its place in the conversation. This is
	// what orders turns, for both speakers.
	ItemAdded struct {
		// PreviousItemID is the item before it; nil: not said, or the first.
		PreviousItemID *string
		Item           Item
	}

	// ItemDone says that an item is complete. Its predecessor is unreliable and
	// so is not decoded.
	ItemDone struct{ Item Item }

	// SpeechStarted says that the learner was heard to begin. The item is to come.
	SpeechStarted struct {
		ItemID       string
		AudioStartMS *int // nil: not said
	}

	// SpeechStopped says that the learner was heard to end.
	SpeechStopped struct {
		ItemID     string
		AudioEndMS *int // nil: not said
	}

	// Committed says that the learner's audio became an item, and fixes its
	// place.
	Committed struct {
		ItemID         string
		PreviousItemID *string
	}

	// TimeoutTriggered says that nobody spoke for the idle timeout. The item that
	// follows is no turn of the learner.
	TimeoutTriggered struct {
		ItemID       string
		AudioStartMS *int
		AudioEndMS   *int
	}

	// TranscriptionCompleted is what the learner said in one part of an item,
	// whole. A later one for the same part replaces it.
	TranscriptionCompleted struct {
		ItemID       string
		ContentIndex int
		Text         string
		// Prompted: nobody listened; it is the line she was to say.
		Prompted bool
		Usage    *Usage
	}

	// TranscriptionFailed says that there will be no text for this item.
	TranscriptionFailed struct {
		ItemID       string
		ContentIndex int
		Code         string
	}

	// ResponseCreated says that the tutor began to think.
	ResponseCreated struct{ ResponseID string }

	// ResponseDone says that the tutor has thought to the end, or was stopped.
	ResponseDone struct {
		ResponseID string
		// Status is completed, cancelled, failed or incomplete.
		Status string
		// Reason says why it is not completed, as "turn_detected".
		Reason string
		// Items are its output, without those that have no id.
		Items []Item
		Usage *Usage
	}

	// OutputItemAdded says that an item belongs to this response.
	OutputItemAdded struct {
		ResponseID string
		Item       Item
	}

	// OutputItemDone says that an item of this response is complete.
	OutputItemDone struct {
		ResponseID string
		Item       Item
	}

	// OutputTranscriptDone is what the tutor's voice says, as generated: also when
	// the learner spoke in.
	OutputTranscriptDone struct {
		ResponseID   string
		ItemID       string
		ContentIndex int
		Text         string
	}

	// OutputTextDone is what the tutor says without a voice.
	OutputTextDone struct {
		ResponseID   string
		ItemID       string
		ContentIndex int
		Text         string
	}

	// OutputAudioStarted says that the tutor is heard from here.
	OutputAudioStarted struct{ ResponseID string }

	// OutputAudioStopped says that the tutor has fallen silent.
	OutputAudioStopped struct{ ResponseID string }

	// OutputAudioCleared says that the learner spoke in; what was left is not heard.
	OutputAudioCleared struct{ ResponseID string }

	// Truncated says that the learner heard this much of the item and no more.
	Truncated struct {
		ItemID       string
		ContentIndex int
		AudioEndMS   *int // nil: not said
	}

	// Deleted says that the item left the conversation.
	Deleted struct{ ItemID string }

	// ProviderError says that the provider refused something; most are recoverable.
	ProviderError struct {
		Code    string
		Message string
	}

	// Ignored is a known event that says nothing a record needs: deltas, parts,
	// rate limits.
	Ignored struct{}

	// Unknown is an event of a name that is not known here.
	Unknown struct{}
)

// Item is one entry of the conversation.
type Item struct {
	ID string
	// Type is message, function_call, function_call_output, ...
	Type string
	// Role is user, assistant or system; empty for what is no message.
	Role string
	// Status is in_progress, completed or incomplete; may be empty.
	Status string
	// Parts are those of its content that have words, in order.
	Parts []Part
	// HasAudio: the item was or will be spoken.
	HasAudio bool
}

// Part is the words of one part of an item's content.
type Part struct {
	// Index is its place in the content.
	Index int
	// Text is written or transcribed, trimmed.
	Text string
}

// Usage is what a response or a transcription cost, in tokens. The parts of
// a sum may be missing where a provider states only the sum.
type Usage struct {
	InputTokens       int
	InputTextTokens   int
	InputAudioTokens  int
	CachedTextTokens  int
	CachedAudioTokens int
	OutputTokens      int
	OutputTextTokens  int
	OutputAudioTokens int
	// Seconds is the length of audio, where that is what is paid for.
	Seconds float64
}

func (SessionDescribed) body()       {}
func (ItemAdded) body()              {}
func (ItemDone) body()               {}
func (SpeechStarted) body()          {}
func (SpeechStopped) body()          {}
func (Committed) body()              {}
func (TimeoutTriggered) body()       {}
func (TranscriptionCompleted) body() {}
func (TranscriptionFailed) body()    {}
func (ResponseCreated) body()        {}
func (ResponseDone) body()           {}
func (OutputItemAdded) body()        {}
func (OutputItemDone) body()         {}
func (OutputTranscriptDone) body()   {}
func (OutputTextDone) body()         {}
func (OutputAudioStarted) body()     {}
func (OutputAudioStopped) body()     {}
func (OutputAudioCleared) body()     {}
func (Truncated) body()              {}
func (Deleted) body()                {}
func (ProviderError) body()          {}
func (Ignored) body()                {}
func (Unknown) body()                {}
