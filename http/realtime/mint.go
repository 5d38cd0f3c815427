package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The provider's limits for a token's life.
const (
	MinTTL     = 10 * time.Second
	MaxTTL     = 2 * time.Hour
	DefaultTTL = 10 * time.Minute
)

// MintRequest says what the call is to be like.
type MintRequest struct {
	// Instructions are the tutor's.
	Instructions string
	// Language is what the learner speaks, as BCP 47 ("es-MX"). It is always
	// sent for transcription: wrong-language text is the top complaint.
	Language string
	// Speed is how fast the tutor speaks, 0.25 to 1.5. 0: the provider's 1.
	Speed float64
	// Turns is how the end of the learner's turn is found.
	Turns TurnDetection
	// SafetyIdentifier is a hash of the account. Empty: not sent.
	SafetyIdentifier string
	// TTL is how long the token may wait for its call, MinTTL to MaxTTL;
	// values outside are brought inside. 0: DefaultTTL.
	TTL time.Duration
	// PromptID tells the built-in partner which topic is practised; sent
	// only with Config.SendPrompt.
	PromptID string
}

// TurnMode is a way of finding the end of the learner's turn.
type TurnMode string

// The provider's ways.
const (
	// TurnsSemantic judges by meaning whether she has finished.
	TurnsSemantic TurnMode = "semantic_vad"
	// TurnsByLevel judges by silence.
	TurnsByLevel TurnMode = "server_vad"
	// TurnsByHand leaves it to the page: push-to-talk.
	TurnsByHand TurnMode = "push_to_talk"
)

// TurnDetection is how the end of the learner's turn is found. The zero value
// is semantic, with the provider's own eagerness.
type TurnDetection struct {
	// Mode is the way. Empty: TurnsSemantic.
	Mode TurnMode
	// Eagerness is how soon TurnsSemantic answers: low ("more time to
	// think"), medium, high or auto. Empty: auto.
	Eagerness string
	// Threshold (0 to 1), PrefixPadding and Silence tune TurnsByLevel.
	// 0: the provider's 0.5, 300 ms, 500 ms.
	Threshold     float64
	PrefixPadding time.Duration
	Silence       time.Duration
}

// Mint fetches a token for one call. Fails with *Error.
func (c *Client) Mint(ctx context.Context, request MintRequest) (Token, error) {
	body, err := json.Marshal(c.mintBody(request))
	if err != nil {
		return Token{}, &Error{Op: "mint", Class: ClassUnknown, Err: err}
	}
	status, answer, err := c.post(ctx, message{
		op: "mint", path: "/realtime/client_secrets", safety: request.SafetyIdentifier, body: body,
	})
	if err != nil {
		return Token{}, err
	}
	if status != http.StatusOK && status != http.StatusCreated {
		return Token{}, refusal("mint", status, answer)
	}
	return c.token(status, answer)
}

func (c *Client) token(status int, answer []byte) (Token, error) {
	var wire struct {
		Value     string `json:"value"`
		ExpiresAt int64  `json:"expires_at"`
	}
	// The decoder's own error could quote the answer, which holds the secret.
	if json.Unmarshal(answer, &wire) != nil || wire.Value == "" || wire.ExpiresAt <= 0 {
		return Token{}, &Error{Op: "mint", Class: ClassUnknown, Status: status,
			Err: errors.New("the answer has no value with an expiry")}
	}
	return Token{
		Value:     NewSecret(wire.Value),
		ExpiresAt: time.Unix(wire.ExpiresAt, 0).UTC(),
		CallsURL:  c.config.CallsURL,
		Model:     c.config.Model,
	}, nil
}

// The body of POST /realtime/client_secrets, as far as Parley fills it.
type (
	mintBody struct {
		ExpiresAfter expiresAfter `json:"expires_after"`
		Session      mintSession  `json:"session"`
	}
	expiresAfter struct {
		Anchor  string `json:"anchor"`
		Seconds int    `json:"seconds"`
	}
	mintSession struct {
		Type         string      `json:"type"`
		Model        string      `json:"model"`
		Instructions string      `json:"instructions"`
		Prompt       *mintPrompt `json:"prompt,omitempty"`
		Audio        mintAudio   `json:"audio"`
	}
	mintPrompt struct {
		ID string `json:"id"`
	}
	mintAudio struct {
		Input  mintInput  `json:"input"`
		Output mintOutput `json:"output"`
	}
	mintInput struct {
		Transcription  mintTranscription `json:"transcription"`
		NoiseReduction mintTyped         `json:"noise_reduction"`
		// Without omitempty: null means push-to-talk, absence does not.
		TurnDetection *mintTurns `json:"turn_detection"`
	}
	mintTranscription struct {
		Model    string `json:"model"`
		Language string `json:"language,omitempty"`
	}
	mintTyped struct {
		Type string `json:"type"`
	}
	mintTurns struct {
		Type            string  `json:"type"`
		Eagerness       string  `json:"eagerness,omitempty"`
		Threshold       float64 `json:"threshold,omitempty"`
		PrefixPaddingMS int64   `json:"prefix_padding_ms,omitempty"`
		SilenceMS       int64   `json:"silence_duration_ms,omitempty"`
	}
	mintOutput struct {
		Voice string  `json:"voice"`
		Speed float64 `json:"speed,omitempty"`
	}
)

func (c *Client) mintBody(request MintRequest) mintBody {
	session := mintSession{
		Type: "realtime", Model: c.config.Model, Instructions: request.Instructions,
		Audio: mintAudio{
			Input: mintInput{
				Transcription: mintTranscription{
					Model:    c.config.TranscriptionModel,
					Language: primaryLanguage(request.Language),
				},
				// Learners sit at a laptop or hold a phone.
				NoiseReduction: mintTyped{Type: "near_field"},
				TurnDetection:  request.Turns.wire(),
			},
			Output: mintOutput{Voice: c.config.Voice, Speed: request.Speed},
		},
	}
	if c.config.SendPrompt && request.PromptID != "" {
		session.Prompt = &mintPrompt{ID: request.PromptID}
	}
	return mintBody{
		ExpiresAfter: expiresAfter{Anchor: "created_at", Seconds: ttlSeconds(request.TTL)},
		Session:      session,
	}
}

func (t TurnDetection) wire() *mintTurns {
	switch t.Mode {
	case TurnsByHand:
		return nil
	case TurnsByLevel:
		return &mintTurns{
			Type: string(TurnsByLevel), Threshold: t.Threshold,
			PrefixPaddingMS: t.PrefixPadding.Milliseconds(), SilenceMS: t.Silence.Milliseconds(),
		}
	default:
		return &mintTurns{Type: string(TurnsSemantic), Eagerness: t.Eagerness}
	}
}

func ttlSeconds(ttl time.Duration) int {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	return int(min(max(ttl, MinTTL), MaxTTL) / time.Second)
}

// primaryLanguage cuts a BCP 47 tag to the language subtag, which is what
// transcription understands (ISO 639-1).
func primaryLanguage(tag string) string {
	language, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(language)
}
