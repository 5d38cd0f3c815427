package realtime

import (
	"encoding/json"
	"strings"
	"time"
)

// wireEvent is the union of the fields of all events that are read. Names
// never change their meaning between events, so one shape is enough.
type wireEvent struct {
	Type           string       `json:"type"`
	EventID        string       `json:"event_id"`
	ItemID         string       `json:"item_id"`
	PreviousItemID string       `json:"previous_item_id"`
	ResponseID     string       `json:"response_id"`
	ContentIndex   wireNumber   `json:"content_index"`
	AudioStartMS   wireNumber   `json:"audio_start_ms"`
	AudioEndMS     wireNumber   `json:"audio_end_ms"`
	Transcript     wireWords    `json:"transcript"`
	Text           wireWords    `json:"text"`
	Prompted       bool         `json:"prompted"`
	Session        wireSession  `json:"session"`
	Item           wireItem     `json:"item"`
	Response       wireResponse `json:"response"`
	Usage          *wireUsage   `json:"usage"`
	Error          *wireFailure `json:"error"`
}

// part is the place of what is told in its item's content; not said: the first.
func (e wireEvent) part() int { return max(0, e.ContentIndex.value) }

type wireSession struct {
	ID            string     `json:"id"`
	Model         string     `json:"model"`
	Instructions  string     `json:"instructions"`
	ExpiresAt     wireNumber `json:"expires_at"`
	TurnDetection *wireTurns `json:"turn_detection"` // beta
	Audio         struct {
		Input struct {
			TurnDetection *wireTurns `json:"turn_detection"`
		} `json:"input"`
	} `json:"audio"`
}

type wireTurns struct {
	PrefixPaddingMS wireNumber `json:"prefix_padding_ms"`
}

type wireItem struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Role    string      `json:"role"`
	Status  string      `json:"status"`
	Content wireContent `json:"content"`
}

type wirePart struct {
	Type       string `json:"type"`
	Text       string `json:"text"`
	Transcript string `json:"transcript"`
}

type wireResponse struct {
	ID            string       `json:"id"`
	Status        string       `json:"status"`
	StatusDetails *wireDetails `json:"status_details"`
	Output        []wireItem   `json:"output"`
	Usage         *wireUsage   `json:"usage"`
}

type wireDetails struct {
	Reason string       `json:"reason"`
	Error  *wireFailure `json:"error"`
}

// UnmarshalJSON takes the object that providers send, and the bare word that
// openai-go publishes a type for.
func (d *wireDetails) UnmarshalJSON(raw []byte) error {
	type object wireDetails
	if json.Unmarshal(raw, &d.Reason) == nil {
		return nil
	}
	return asFarAsItGoes(raw, (*object)(d))
}

type wireFailure struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// UnmarshalJSON takes the object that providers send, and a bare sentence.
func (f *wireFailure) UnmarshalJSON(raw []byte) error {
	type object wireFailure
	if json.Unmarshal(raw, &f.Message) == nil {
		return nil
	}
	return asFarAsItGoes(raw, (*object)(f))
}

type wireUsage struct {
	Seconds      float64    `json:"seconds"`
	InputTokens  wireNumber `json:"input_tokens"`
	OutputTokens wireNumber `json:"output_tokens"`
	Input        wireTokens `json:"input_token_details"`
	Output       wireTokens `json:"output_token_details"`
}

type wireTokens struct {
	Text   wireNumber `json:"text_tokens"`
	Audio  wireNumber `json:"audio_tokens"`
	Cached struct {
		Text  wireNumber `json:"text_tokens"`
		Audio wireNumber `json:"audio_tokens"`
	} `json:"cached_tokens_details"`
}

func (s wireSession) describe() SessionDescribed {
	described := SessionDescribed{SessionID: s.ID, Model: s.Model, Mark: markOf(s.Instructions)}
	if s.ExpiresAt.value > 0 {
		described.ExpiresAt = time.Unix(int64(s.ExpiresAt.value), 0).UTC()
	}
	for _, turns := range []*wireTurns{s.Audio.Input.TurnDetection, s.TurnDetection} {
		if turns != nil {
			described.PrefixPaddingMS = turns.PrefixPaddingMS.told()
			break
		}
	}
	return described
}

func (i wireItem) item() Item {
	item := Item{ID: i.ID, Type: i.Type, Role: i.Role, Status: i.Status}
	for index, part := range i.Content {
		if strings.HasSuffix(part.Type, "audio") {
			item.HasAudio = true
		}
		words := strings.TrimSpace(strings.TrimSpace(part.Text) + " " + strings.TrimSpace(part.Transcript))
		if words != "" {
			item.Parts = append(item.Parts, Part{Index: index, Text: words})
		}
	}
	return item
}

func (r wireResponse) reason() string {
	switch details := r.StatusDetails; {
	case details == nil:
		return ""
	case details.Reason != "":
		return details.Reason
	default:
		return details.Error.code()
	}
}

func (f *wireFailure) code() string {
	switch {
	case f == nil:
		return ""
	case f.Code != "":
		return f.Code
	default:
		return f.Type
	}
}

// usage is nil where nothing was counted.
func (u *wireUsage) usage() *Usage {
	if u == nil || *u == (wireUsage{}) {
		return nil
	}
	return &Usage{
		InputTokens: u.InputTokens.value, InputTextTokens: u.Input.Text.value, InputAudioTokens: u.Input.Audio.value,
		CachedTextTokens: u.Input.Cached.Text.value, CachedAudioTokens: u.Input.Cached.Audio.value,
		OutputTokens: u.OutputTokens.value, OutputTextTokens: u.Output.Text.value, OutputAudioTokens: u.Output.Audio.value,
		Seconds: u.Seconds,
	}
}

// nullable turns "not said" into nil. Some servers say it with "".
func nullable(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}
