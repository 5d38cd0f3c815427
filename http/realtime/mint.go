package realtime

import (
	"context"
	"encoding/json"
	"errors"
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
	// Hold keeps the tutor from answering turns by itself, so that a page can
	// carry a conversation's history into a new call first; Token.Resume ends
	// that.
	Hold bool
	// SafetyIdentifier is a hash of the account. Empty: not sent.
	SafetyIdentifier string
	// TTL is how long the token may wait for its call, MinTTL to MaxTTL;
	// values outside are brought inside. 0: DefaultTTL.
	TTL time.Duration
	// PromptID tells the built-in partner which topic is practised; sent
	// with DialectPartner alone, as OpenAI refuses prompts that it has not
	// stored itself.
	PromptID string
	// Mark is put into the instructions and comes back as
	// SessionDescribed.Mark, which shows that a call is the one that this
	// token opened: letters, digits, - and _ that nobody can guess. Empty:
	// none.
	Mark string
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
	session, resume, err := c.describe(request)
	if err != nil {
		return Token{}, &Error{Op: "mint", Class: ClassUnknown, Err: err}
	}
	token, err := c.grant(ctx, request, session)
	token.Resume = resume
	return token, err
}

// describe gives the session to ask for, and what ends its being held.
func (c *Client) describe(request MintRequest) (session, resume json.RawMessage, err error) {
	asked, err := c.session(request)
	if err != nil {
		return nil, nil, err
	}
	if request.Hold {
		if change := hold(asked); change != nil {
			if resume, err = json.Marshal(change); err != nil {
				return nil, nil, err
			}
		}
	}
	session, err = json.Marshal(asked)
	return session, resume, err
}

// grant fetches a token for a session, or makes one where the provider has none.
func (c *Client) grant(ctx context.Context, request MintRequest, session json.RawMessage) (Token, error) {
	if c.bridge != nil {
		return c.bridge.grant(session, request.TTL)
	}
	body, err := json.Marshal(mintBody{
		ExpiresAfter: expiresAfter{Anchor: "created_at", Seconds: int(lifeOf(request.TTL) / time.Second)},
		Session:      session,
	})
	if err != nil {
		return Token{}, &Error{Op: "mint", Class: ClassUnknown, Err: err}
	}
	answer, err := c.post(ctx, message{
		op: "mint", path: "/realtime/client_secrets", kind: "application/json", body: body,
		safety: request.SafetyIdentifier, again: true,
	})
	if err != nil {
		return Token{}, err
	}
	return c.token(answer)
}

// mintBody is what POST /realtime/client_secrets takes.
type mintBody struct {
	ExpiresAfter expiresAfter    `json:"expires_after"`
	Session      json.RawMessage `json:"session"`
}

type expiresAfter struct {
	Anchor  string `json:"anchor"`
	Seconds int    `json:"seconds"`
}

// lifeOf brings a token's life within the provider's limits.
func lifeOf(ttl time.Duration) time.Duration {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	return min(max(ttl, MinTTL), MaxTTL)
}

func (c *Client) token(answer answer) (Token, error) {
	var wire struct {
		Value     string `json:"value"`
		ExpiresAt int64  `json:"expires_at"`
	}
	// The decoder's own error could quote the answer, which holds the secret.
	if json.Unmarshal(answer.body, &wire) != nil || wire.Value == "" || wire.ExpiresAt <= 0 {
		return Token{}, &Error{Op: "mint", Class: ClassUnknown, Status: answer.status,
			Err: errors.New("the answer has no value with an expiry")}
	}
	return Token{
		Value:     NewSecret(wire.Value),
		ExpiresAt: time.Unix(wire.ExpiresAt, 0).UTC(),
		CallsURL:  c.config.CallsURL,
		Model:     c.config.Model,
	}, nil
}
