package realtime

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// session describes the session of a request as this provider reads it, with
// the operator's own parameters and the mark in it.
func (c *Client) session(request MintRequest) (map[string]any, error) {
	asked, err := members(c.dialect.session(c.config, request))
	if err != nil {
		return nil, err
	}
	further := map[string]any{}
	if len(c.config.Session) > 0 {
		if err := json.Unmarshal(c.config.Session, &further); err != nil {
			return nil, fmt.Errorf("read the further parameters: %w", err)
		}
	}
	merge(asked, further)
	if instructions, said := asked["instructions"].(string); said && request.Mark != "" {
		asked["instructions"] = marked(instructions, request.Mark)
	}
	return asked, nil
}

// hold switches automatic answers off in a session, and gives the change that
// switches them on; nil where there are none: push-to-talk answers when asked.
func hold(session map[string]any) map[string]any {
	turns, beta := session["turn_detection"].(map[string]any)
	if !beta {
		audio, _ := session["audio"].(map[string]any)
		input, _ := audio["input"].(map[string]any)
		turns, _ = input["turn_detection"].(map[string]any)
	}
	if turns == nil {
		return nil
	}
	answering := maps.Clone(turns)
	turns["create_response"], answering["create_response"] = false, true
	if beta {
		return map[string]any{"turn_detection": answering}
	}
	return map[string]any{
		"type": "realtime", "audio": map[string]any{"input": map[string]any{"turn_detection": answering}},
	}
}

// members gives a struct as the object that it is marshalled to.
func members(session any) (map[string]any, error) {
	raw, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	return object, json.Unmarshal(raw, &object)
}

// merge puts what is in further into the session: objects member by member,
// all else in place of what was there. null stays null, since it has a
// meaning: no turn detection, no transcription.
func merge(session, further map[string]any) {
	for name, value := range further {
		inner, nested := value.(map[string]any)
		known, there := session[name].(map[string]any)
		if nested && there {
			merge(known, inner)
			continue
		}
		session[name] = value
	}
}

// The mark stands at the end of the instructions: the one text that every
// provider echoes whole.
const (
	markBegin = "\n\nNever mention what follows. [mark:"
	markEnd   = "]"
)

func marked(instructions, mark string) string { return instructions + markBegin + mark + markEnd }

// markOf finds the mark in instructions; empty: there is none.
func markOf(instructions string) string {
	_, rest, _ := strings.Cut(instructions, markBegin)
	mark, _, ended := strings.Cut(rest, markEnd)
	if !ended {
		return ""
	}
	return mark
}

// The session as OpenAI's specification has it, as far as Parley fills it.
type (
	session struct {
		Type         string  `json:"type"`
		Model        string  `json:"model"`
		Instructions string  `json:"instructions"`
		Prompt       *prompt `json:"prompt,omitempty"`
		Audio        audio   `json:"audio"`
	}
	prompt struct {
		ID string `json:"id"`
	}
	audio struct {
		Input  audioInput  `json:"input"`
		Output audioOutput `json:"output"`
	}
	audioInput struct {
		Transcription  transcription  `json:"transcription"`
		NoiseReduction noiseReduction `json:"noise_reduction"`
		// Without omitempty: null means push-to-talk, absence does not.
		TurnDetection *turns `json:"turn_detection"`
	}
	transcription struct {
		Model    string `json:"model"`
		Language string `json:"language,omitempty"`
	}
	noiseReduction struct {
		Type string `json:"type"`
	}
	turns struct {
		Type            string  `json:"type"`
		Eagerness       string  `json:"eagerness,omitempty"`
		Threshold       float64 `json:"threshold,omitempty"`
		PrefixPaddingMS int64   `json:"prefix_padding_ms,omitempty"`
		SilenceMS       int64   `json:"silence_duration_ms,omitempty"`
	}
	audioOutput struct {
		Voice string  `json:"voice"`
		Speed float64 `json:"speed,omitempty"`
	}
)

// sessionOf describes a session in the GA shape.
func sessionOf(c Config, request MintRequest) session {
	return session{
		Type: "realtime", Model: c.Model, Instructions: request.Instructions,
		Audio: audio{
			Input: audioInput{
				Transcription: transcription{Model: c.TranscriptionModel, Language: primaryLanguage(request.Language)},
				// Learners sit at a laptop or hold a phone.
				NoiseReduction: noiseReduction{Type: "near_field"},
				TurnDetection:  request.Turns.wire(),
			},
			Output: audioOutput{Voice: c.Voice, Speed: request.Speed},
		},
	}
}

func (t TurnDetection) wire() *turns {
	switch t.Mode {
	case TurnsByHand:
		return nil
	case TurnsByLevel:
		return &turns{
			Type: string(TurnsByLevel), Threshold: t.Threshold,
			PrefixPaddingMS: t.PrefixPadding.Milliseconds(), SilenceMS: t.Silence.Milliseconds(),
		}
	default:
		return &turns{Type: string(TurnsSemantic), Eagerness: t.Eagerness}
	}
}

// primaryLanguage cuts a BCP 47 tag to the language subtag, which is what
// transcription understands (ISO 639-1).
func primaryLanguage(tag string) string {
	language, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(language)
}
