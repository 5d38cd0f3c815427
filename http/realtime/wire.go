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
	ContentIndex   int          `json:"content_index"`
	AudioStartMS   int          `json:"audio_start_ms"`
	AudioEndMS     int          `json:"audio_end_ms"`
	Transcript     string       `json:"transcript"`
	Text           string       `json:"text"`
	Prompted       bool         `json:"prompted"`
	Session        wireSession  `json:"session"`
	Item           wireItem     `json:"item"`
	Response       wireResponse `json:"response"`
	Usage          *wireUsage   `json:"usage"`
	Error          *wireFailure `json:"error"`
}

type wireSession struct {
	ID            string     `json:"id"`
	Model         string     `json:"model"`
	Instructions  string     `json:"instructions"`
	ExpiresAt     int64      `json:"expires_at"`
	TurnDetection *wireTurns `json:"turn_detection"` // beta
	Audio         struct {
		Input struct {
			TurnDetection *wireTurns `json:"turn_detection"`
		} `json:"input"`
	} `json:"audio"`
}

type wireTurns struct {
	PrefixPaddingMS *int `json:"prefix_padding_ms"`
}

type wireItem struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Role    string     `json:"role"`
	Status  string     `json:"status"`
	Content []wirePart `json:"content"`
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
	if json.Unmarshal(raw, &d.Reason) == nil {
		return nil
	}
	type object wireDetails
	return json.Unmarshal(raw, (*object)(d))
}

type wireFailure struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type wireUsage struct {
	Seconds      float64    `json:"seconds"`
	InputTokens  int        `json:"input_tokens"`
	OutputTokens int        `json:"output_tokens"`
	Input        wireTokens `json:"input_token_details"`
	Output       wireTokens `json:"output_token_details"`
}

type wireTokens struct {
	Text   int `json:"text_tokens"`
	Audio  int `json:"audio_tokens"`
	Cached struct {
		Text  int `json:"text_tokens"`
		Audio int `json:"audio_tokens"`
	} `json:"cached_tokens_details"`
}

func (s wireSession) describe() SessionDescribed {
	described := SessionDescribed{SessionID: s.ID, Model: s.Model, Mark: markOf(s.Instructions)}
	if s.ExpiresAt > 0 {
		described.ExpiresAt = time.Unix(s.ExpiresAt, 0).UTC()
	}
	for _, turns := range []*wireTurns{s.Audio.Input.TurnDetection, s.TurnDetection} {
		if turns != nil {
			described.PrefixPaddingMS = turns.PrefixPaddingMS
			break
		}
	}
	return described
}

func (i wireItem) item() Item {
	item := Item{ID: i.ID, Type: i.Type, Role: i.Role, Status: i.Status}
	var words []string
	for _, part := range i.Content {
		if strings.HasSuffix(part.Type, "audio") {
			item.HasAudio = true
		}
		for _, text := range []string{part.Text, part.Transcript} {
			if text = strings.TrimSpace(text); text != "" {
				words = append(words, text)
			}
		}
	}
	item.Text = strings.Join(words, " ")
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

func (u *wireUsage) usage() *Usage {
	if u == nil {
		return nil
	}
	return &Usage{
		InputTokens: u.InputTokens, InputTextTokens: u.Input.Text, InputAudioTokens: u.Input.Audio,
		CachedTextTokens: u.Input.Cached.Text, CachedAudioTokens: u.Input.Cached.Audio,
		OutputTokens: u.OutputTokens, OutputTextTokens: u.Output.Text, OutputAudioTokens: u.Output.Audio,
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
