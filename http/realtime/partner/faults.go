package partner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Faults are the troubles of real providers, to be switched on for tests. The
// zero value has none. A token carries the faults that held when it was
// minted, and its call has them: so every session can have its own.
//
// In JSON each field has the name in its tag; lengths are written as "1m30s".
type Faults struct {
	// Mint is how minting is refused. MintAfter is how many tokens are
	// minted before: 1 lets a call begin and its first reconnection fail.
	Mint      MintFault `json:"mint,omitempty"`
	MintAfter int       `json:"mint_after,omitempty"`
	// MintDelay holds each mint back.
	MintDelay time.Duration `json:"-"`
	// TokenLife is how soon tokens expire, whatever was asked for and is
	// stated. 0: as asked.
	TokenLife time.Duration `json:"-"`
	// OfferRefusals is how many offers with this token are answered with 401
	// although it is good; it stays so.
	OfferRefusals int `json:"offer_refusals,omitempty"`

	// Transcription is what goes wrong with what the learner said.
	Transcription TranscriptionFault `json:"transcription,omitempty"`
	// Truncation is what goes wrong with the telling of where she spoke in.
	Truncation TruncationFault `json:"truncation,omitempty"`
	// CancelLate tells that a response was cancelled when the next has begun.
	CancelLate bool `json:"cancel_late,omitempty"`

	// EndAfter ends each call this long after it was connected, as if the
	// provider's limit were so near; the session states that end. 0: the
	// limit of the Config.
	EndAfter time.Duration `json:"-"`
	// End is how a call ends at its limit.
	End EndFault `json:"end,omitempty"`
	// CutAfter loses all packets of a call from then on, for CutFor; 0: for
	// good. Nobody is told. CutAfter 0: never.
	CutAfter time.Duration `json:"-"`
	CutFor   time.Duration `json:"-"`
	// SidebandDrop breaks the first sideband of a call after so many events,
	// without a word. 0: never.
	SidebandDrop int `json:"sideband_drop,omitempty"`

	// BetaNames gives events the names of the beta.
	BetaNames bool `json:"beta_names,omitempty"`
	// UnknownEvents sends an event of an unknown name after each response.
	UnknownEvents bool `json:"unknown_events,omitempty"`
	// Garbage sends what is no event after each response.
	Garbage bool `json:"garbage,omitempty"`
}

// MintFault is a way for minting to be refused.
type MintFault string

// The ways. Empty: none.
const (
	MintQuota     MintFault = "quota"
	MintKey       MintFault = "key"
	MintModelGone MintFault = "model_gone"
	MintRate      MintFault = "rate"
	MintServer    MintFault = "server"  // 500
	MintNetwork   MintFault = "network" // the connection breaks
)

// mintRefusals are the provider's answers, but for MintNetwork.
var mintRefusals = map[MintFault]problem{
	MintQuota:     {http.StatusTooManyRequests, "insufficient_quota", "You exceeded your current quota."},
	MintKey:       {http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided."},
	MintModelGone: {http.StatusNotFound, "model_not_found", "The model does not exist or you do not have access to it."},
	MintRate:      {http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached."},
	MintServer:    {http.StatusInternalServerError, "server_error", "The server had an error."},
}

// TranscriptionFault is a way for transcriptions to go wrong.
type TranscriptionFault string

// The ways. Empty: none.
const (
	// TranscriptionLate comes seconds after the tutor's answer began.
	TranscriptionLate TranscriptionFault = "late"
	// TranscriptionCrossed holds each first one back until the second came.
	TranscriptionCrossed TranscriptionFault = "crossed"
	// TranscriptionEarly has its deltas before the item is committed.
	TranscriptionEarly TranscriptionFault = "early"
	// TranscriptionFails always fails.
	TranscriptionFails TranscriptionFault = "failed"
	// TranscriptionEmpty has no words.
	TranscriptionEmpty TranscriptionFault = "empty"
	// TranscriptionDuplicate comes twice.
	TranscriptionDuplicate TranscriptionFault = "duplicate"
	// TranscriptionCumulative is completed word by word, each time with all
	// words so far.
	TranscriptionCumulative TranscriptionFault = "cumulative"
	// TranscriptionMissing never comes.
	TranscriptionMissing TranscriptionFault = "missing"
)

// TruncationFault is a way for conversation.item.truncated to go wrong. Right
// is: after response.done, with what was heard.
type TruncationFault string

// The ways. Empty: none.
const (
	TruncationEarly   TruncationFault = "early"   // before response.done
	TruncationLate    TruncationFault = "late"    // seconds later
	TruncationZero    TruncationFault = "zero"    // nothing heard, it says
	TruncationMissing TruncationFault = "missing" // never
)

// EndFault is how a call ends at its limit: nobody knows what a provider does.
type EndFault string

// The ways. Empty: an error event, then the end.
const (
	EndClose   EndFault = "close"   // without an event
	EndCut     EndFault = "cut"     // packets are lost from then on
	EndSilence EndFault = "silence" // connected, but nobody there
)

// late is how long TranscriptionLate and TruncationLate take.
const late = 4 * time.Second

// unknownEvent is the name that UnknownEvents uses.
const unknownEvent = "response.future_event"

// garbage is what Garbage sends.
var garbage = []string{`{"type":`, `[]`, `{"type":7}`, `{"type":"response.done","response":7}`}

// known are the ways that can be written down; a misspelt fault would be none.
func (f Faults) known() error {
	_, mint := mintRefusals[f.Mint]
	transcription := map[TranscriptionFault]bool{
		"": true, TranscriptionLate: true, TranscriptionCrossed: true, TranscriptionEarly: true, TranscriptionFails: true,
		TranscriptionEmpty: true, TranscriptionDuplicate: true, TranscriptionCumulative: true, TranscriptionMissing: true,
	}
	truncation := map[TruncationFault]bool{"": true, TruncationEarly: true, TruncationLate: true, TruncationZero: true, TruncationMissing: true}
	end := map[EndFault]bool{"": true, EndClose: true, EndCut: true, EndSilence: true}
	switch {
	case f.Mint != "" && f.Mint != MintNetwork && !mint:
		return fmt.Errorf("mint is %q", f.Mint)
	case !transcription[f.Transcription]:
		return fmt.Errorf("transcription is %q", f.Transcription)
	case !truncation[f.Truncation]:
		return fmt.Errorf("truncation is %q", f.Truncation)
	case !end[f.End]:
		return fmt.Errorf("end is %q", f.End)
	}
	return nil
}

// lasting is a length of time in JSON.
type lasting time.Duration

// UnmarshalText reads "1m30s".
func (l *lasting) UnmarshalText(text []byte) error {
	length, err := time.ParseDuration(string(text))
	*l = lasting(length)
	return err
}

// ParseFaults reads faults as one JSON object. A fault that is not known is an
// error, since a test that asked for it would test nothing.
func ParseFaults(raw []byte) (Faults, error) {
	var wire struct {
		Faults
		MintDelay lasting `json:"mint_delay"`
		TokenLife lasting `json:"token_life"`
		EndAfter  lasting `json:"end_after"`
		CutAfter  lasting `json:"cut_after"`
		CutFor    lasting `json:"cut_for"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wire); err != nil {
		return Faults{}, fmt.Errorf("partner: read the faults: %w", err)
	}
	faults := wire.Faults
	faults.MintDelay, faults.TokenLife = time.Duration(wire.MintDelay), time.Duration(wire.TokenLife)
	faults.EndAfter, faults.CutAfter, faults.CutFor = time.Duration(wire.EndAfter), time.Duration(wire.CutAfter), time.Duration(wire.CutFor)
	if err := faults.known(); err != nil {
		return Faults{}, fmt.Errorf("partner: there is no such fault: %w", err)
	}
	return faults, nil
}
