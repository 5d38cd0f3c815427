package realtime

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Dialect is how a server's wire differs from OpenAI's.
type Dialect string

// The known dialects.
const (
	// DialectOpenAI is OpenAI's own, and Azure's since its GA.
	DialectOpenAI Dialect = "openai"
	// DialectPartner is the built-in partner's: OpenAI's, and the topic's id
	// says which prepared script it is to play.
	DialectPartner Dialect = "partner"
	// DialectLocalAI mints no token and takes the offer as JSON.
	// Source: LocalAI, core/http/endpoints/openai/realtime_webrtc.go.
	DialectLocalAI Dialect = "localai"
	// DialectSpeaches mints no token, takes the offer as it is, and knows
	// the beta's session. Source: speaches, "Realtime API".
	DialectSpeaches Dialect = "speaches"
)

// dialect is what a server's wire may have of its own.
type dialect interface {
	// session is what a session is described by, ready to be marshalled.
	session(c Config, request MintRequest) any
}

// opener is a dialect whose server mints no token: its calls are opened with
// the standing key, and so by us in the browser's stead.
type opener interface {
	dialect
	// offer forms the request for a call.
	offer(model, sdp string) (message, error)
	// accept reads its answer; the call's id is empty where there is none.
	accept(answer answer) (sdp, callID string, err error)
}

// dialectOf finds a dialect; what is not known is OpenAI's.
func dialectOf(name Dialect) dialect {
	switch name {
	case DialectPartner:
		return partnerDialect{}
	case DialectLocalAI:
		return localAI{}
	case DialectSpeaches:
		return speaches{}
	default:
		return openAI{}
	}
}

type openAI struct{}

func (openAI) session(c Config, request MintRequest) any { return sessionOf(c, request) }

type partnerDialect struct{}

func (partnerDialect) session(c Config, request MintRequest) any {
	session := sessionOf(c, request)
	if request.PromptID != "" {
		session.Prompt = &prompt{ID: request.PromptID}
	}
	return session
}

type localAI struct{}

func (localAI) session(c Config, request MintRequest) any { return sessionOf(c, request) }

func (localAI) offer(model, sdp string) (message, error) {
	body, err := json.Marshal(map[string]string{"sdp": sdp, "model": model})
	return message{op: "call", path: "/realtime/calls", kind: "application/json", body: body}, err
}

func (localAI) accept(answer answer) (sdp, callID string, err error) {
	var wire struct {
		SDP       string `json:"sdp"`
		SessionID string `json:"session_id"`
	}
	if err := json.Unmarshal(answer.body, &wire); err != nil {
		return "", "", fmt.Errorf("read the answer: %w", err)
	}
	return wire.SDP, wire.SessionID, isAnswer(wire.SDP)
}

type speaches struct{}

// silences are how long a server that knows no eagerness is to wait instead;
// the provider's own for any other.
var silences = map[string]time.Duration{"low": 1200 * time.Millisecond, "high": 300 * time.Millisecond}

// betaSession is a session in the shape of the beta.
type betaSession struct {
	Modalities    []string      `json:"modalities"`
	Instructions  string        `json:"instructions"`
	Voice         string        `json:"voice"`
	Transcription transcription `json:"input_audio_transcription"`
	TurnDetection *turns        `json:"turn_detection"`
}

func (speaches) session(c Config, request MintRequest) any {
	asked := sessionOf(c, request)
	beta := betaSession{
		Modalities: []string{"audio", "text"}, Instructions: asked.Instructions, Voice: c.Voice,
		Transcription: asked.Audio.Input.Transcription, TurnDetection: asked.Audio.Input.TurnDetection,
	}
	if beta.TurnDetection != nil { // by level is the only way it has
		beta.TurnDetection = TurnDetection{
			Mode: TurnsByLevel, Threshold: request.Turns.Threshold,
			PrefixPadding: request.Turns.PrefixPadding, Silence: cmp.Or(request.Turns.Silence, silences[request.Turns.Eagerness]),
		}.wire()
	}
	return beta
}

func (speaches) offer(model, sdp string) (message, error) {
	path := "/realtime?model=" + url.QueryEscape(model)
	return message{op: "call", path: path, kind: "application/sdp", body: []byte(sdp)}, nil
}

func (speaches) accept(answer answer) (sdp, callID string, err error) {
	sdp = string(answer.body)
	return sdp, "", isAnswer(sdp)
}

func isAnswer(sdp string) error {
	if !strings.HasPrefix(sdp, "v=0") {
		return errors.New("the answer holds no SDP")
	}
	return nil
}
