package http

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// judged reads a conversation as a person would, in the order in which it was
// said and with no other rule: an item stands behind the one that it names. It
// shares nothing with what it judges.
func judged(t *testing.T, said []json.RawMessage) []string {
	t.Helper()
	j := judge{turns: map[string]*judgedTurn{}}
	for _, raw := range said {
		var e judgedEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		j.listen(e)
	}
	for _, id := range j.spoken {
		if !slices.Contains(j.order, id) {
			j.order = append(j.order, id)
		}
	}
	var lines []string
	for _, id := range j.order {
		turn := j.turns[id]
		if turn.speaker == "" {
			turn.speaker = "learner"
		}
		if turn.status == "" {
			turn.status = "missing"
		}
		if turn.speaker != "none" {
			lines = append(lines, fmt.Sprintf("%s %s %s %q", id, turn.speaker, turn.status, turn.text))
		}
	}
	return lines
}

type judgedEvent struct {
	Type       string
	ItemID     string  `json:"item_id"`
	Previous   *string `json:"previous_item_id"`
	Transcript string
	Text       string
	Item       judgedItem
	Response   struct{ Output []judgedItem }
}

type judgedItem struct {
	ID, Type, Role string
	Content        []struct{ Text, Transcript string }
}

type judgedTurn struct{ speaker, status, text string }

type judge struct {
	turns  map[string]*judgedTurn
	order  []string
	spoken []string // speech was noticed, its item may be to come
}

func (j *judge) listen(e judgedEvent) {
	switch e.Type {
	case "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped":
		j.turn(e.ItemID)
		if !slices.Contains(j.spoken, e.ItemID) {
			j.spoken = append(j.spoken, e.ItemID)
		}
	case "input_audio_buffer.committed":
		j.turn(e.ItemID).speaker = "learner"
		j.put(e.ItemID, e.Previous)
	case "conversation.item.added", "conversation.item.created":
		j.item(e.Item)
		j.put(e.Item.ID, e.Previous)
	case "conversation.item.done", "response.output_item.added", "response.output_item.done":
		j.item(e.Item)
		j.put(e.Item.ID, nil)
	case "response.done":
		for _, item := range e.Response.Output {
			j.item(item)
			j.put(item.ID, nil)
		}
	case "conversation.item.input_audio_transcription.completed":
		j.say(e.ItemID, "final", e.Transcript)
	case "conversation.item.input_audio_transcription.failed":
		j.say(e.ItemID, "failed", "")
	case "response.output_audio_transcript.done", "response.audio_transcript.done":
		j.say(e.ItemID, "final", e.Transcript)
	case "response.output_text.done":
		j.say(e.ItemID, "final", e.Text)
	}
}

func (j *judge) turn(id string) *judgedTurn {
	if j.turns[id] == nil {
		j.turns[id] = &judgedTurn{}
	}
	return j.turns[id]
}

func (j *judge) say(id, status, text string) {
	turn := j.turn(id)
	turn.status, turn.text = status, strings.TrimSpace(text)
}

// item takes in whose an item is and the words that it has itself.
func (j *judge) item(item judgedItem) {
	turn := j.turn(item.ID)
	turn.speaker = "none"
	if item.Type == "message" && item.Role != "system" {
		turn.speaker = map[string]string{"user": "learner", "assistant": "tutor"}[item.Role]
	}
	for _, part := range item.Content {
		if words := part.Text + part.Transcript; words != "" && turn.speaker != "none" {
			j.say(item.ID, "final", words)
		}
	}
}

// put places an item, once, or behind the one that it now names.
func (j *judge) put(id string, previous *string) {
	at := slices.Index(j.order, id)
	if previous == nil {
		if at < 0 {
			j.order = append(j.order, id)
		}
		return
	}
	if at >= 0 {
		j.order = slices.Delete(j.order, at, at+1)
	}
	behind := slices.Index(j.order, *previous)
	if behind < 0 {
		behind = len(j.order) - 1
	}
	j.order = slices.Insert(j.order, behind+1, id)
}
