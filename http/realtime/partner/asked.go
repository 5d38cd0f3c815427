package partner

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

const (
	// maxApart is how many responses beside the conversation run at once.
	maxApart = 8
	// The provider's bounds of metadata; lengths are in characters.
	maxMetadata = 16
	maxKey      = 64
	maxValue    = 512
	// mostTokens is the provider's bound for one response.
	mostTokens = 4096
)

// asked is what a response.create wants of its response; what it leaves out is
// as the session has it. What is not here, as tools, is taken and not minded.
type asked struct {
	Conversation string            `json:"conversation"` // auto or none
	Instructions string            `json:"instructions"`
	Metadata     map[string]string `json:"metadata"`
	Modalities   []string          `json:"output_modalities"`
	MaxTokens    json.RawMessage   `json:"max_output_tokens"`
	Audio        struct {
		Output struct {
			Voice string `json:"voice"`
		} `json:"output"`
	} `json:"audio"`
	// Input is what there is instead of the conversation; nil: nothing is.
	Input []clientItem `json:"input"`

	limit int // of tokens; 0: none
}

// apart tells whether the response stays out of the conversation.
func (a asked) apart() bool { return a.Conversation == "none" }

// spoken tells whether it is heard; else it is text alone.
func (a asked) spoken() bool { return a.Modalities[0] == "audio" }

// plain is a response for which nothing is asked.
func (s *session) plain() asked {
	a := asked{
		Conversation: "auto", Instructions: s.Instructions, Modalities: s.Modalities, MaxTokens: json.RawMessage(`"inf"`),
	}
	a.Audio.Output.Voice = s.Audio.Output.Voice
	return a
}

// ask reads what a response.create wants; none is as if it were empty.
func (s *session) ask(raw json.RawMessage) (asked, error) {
	plain := s.plain()
	if len(raw) == 0 {
		return plain, nil
	}
	a := plain
	a.Modalities, a.MaxTokens = nil, nil // slices would be written over
	if err := json.Unmarshal(raw, &a); err != nil {
		return asked{}, fmt.Errorf("read the response: %w", err)
	}
	if a.Modalities == nil {
		a.Modalities = plain.Modalities
	}
	if a.MaxTokens == nil || string(a.MaxTokens) == "null" {
		a.MaxTokens = plain.MaxTokens
	}
	return a, a.valid()
}

func (a *asked) valid() error {
	if a.Conversation != "auto" && a.Conversation != "none" {
		return errors.New("conversation must be auto or none")
	}
	if !oneModality(a.Modalities) {
		return errWrongModalities
	}
	for _, input := range a.Input {
		if !input.isReference() && !input.isText() {
			return errors.New("the input must be messages of text and references to items")
		}
	}
	return errors.Join(a.readLimit(), a.validMetadata())
}

// readLimit understands a number of tokens, or "inf".
func (a *asked) readLimit() error {
	if string(a.MaxTokens) == `"inf"` {
		return nil
	}
	limit, err := strconv.Atoi(string(a.MaxTokens))
	if err != nil || limit < 1 || limit > mostTokens {
		return fmt.Errorf("max_output_tokens must be 1 to %d, or inf", mostTokens)
	}
	a.limit = limit
	return nil
}

func (a *asked) validMetadata() error {
	if len(a.Metadata) > maxMetadata {
		return fmt.Errorf("metadata must have at most %d pairs", maxMetadata)
	}
	for key, value := range a.Metadata {
		if utf8.RuneCountInString(key) > maxKey || utf8.RuneCountInString(value) > maxValue {
			return fmt.Errorf("metadata must have keys of at most %d and values of at most %d characters", maxKey, maxValue)
		}
	}
	return nil
}

var errWrongModalities = errors.New(`output_modalities must be ["audio"] or ["text"]`)

// oneModality tells whether these are a way to answer.
func oneModality(modalities []string) bool {
	return len(modalities) == 1 && (modalities[0] == "audio" || modalities[0] == "text")
}

// isReference tells whether it stands for an item that is there.
func (i clientItem) isReference() bool { return i.Type == "item_reference" }
