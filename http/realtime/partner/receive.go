package partner

import (
	"encoding/json"
	"slices"
	"time"
)

// shortestCommit is what the provider asks a commit to hold.
const shortestCommit = 100 * time.Millisecond

// clientEvent is the union of the fields of what a client may send.
type clientEvent struct {
	Type           string          `json:"type"`
	EventID        string          `json:"event_id"`
	ItemID         string          `json:"item_id"`
	PreviousItemID string          `json:"previous_item_id"`
	ContentIndex   *int64          `json:"content_index"`
	AudioEndMS     *int64          `json:"audio_end_ms"`
	Audio          *string         `json:"audio"`
	LineID         string          `json:"line_id"`
	Session        json.RawMessage `json:"session"`
	Item           clientItem      `json:"item"`
	ResponseID     string          `json:"response_id"`
	Response       json.RawMessage `json:"response"`
}

// rule is what a client event does.
type rule func(*conversation, clientEvent)

// rules lists the client events that are understood.
var rules = map[string]rule{
	"session.update":             (*conversation).updateSession,
	"input_audio_buffer.append":  (*conversation).appendAudio,
	"input_audio_buffer.commit":  (*conversation).commitBuffer,
	"input_audio_buffer.clear":   (*conversation).clearBuffer,
	"conversation.item.create":   (*conversation).createItem,
	"conversation.item.retrieve": (*conversation).retrieveItem,
	"conversation.item.truncate": (*conversation).truncateItem,
	"conversation.item.delete":   (*conversation).deleteItem,
	"response.create":            (*conversation).createResponse,
	"response.cancel":            (*conversation).cancelResponse,
	"output_audio_buffer.clear":  (*conversation).clearOutput,
	"parley.choose":              (*conversation).chooseLine,
}

// receive takes one message of the client. Whatever is in it, the worst that
// comes of it is an error event.
func (c *conversation) receive(raw []byte) {
	var event clientEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		c.refuse(event, "invalid_json", "The event could not be read.")
		return
	}
	apply, understood := rules[event.Type]
	if !understood {
		c.refuse(event, "invalid_value", "The event's type is not supported.")
		return
	}
	apply(c, event)
}

// refuse answers with the provider's error event.
func (c *conversation) refuse(event clientEvent, code, message string) {
	var about any
	if event.EventID != "" {
		about = event.EventID
	}
	c.emit("error", fields{"error": fields{
		"type": "invalid_request_error", "code": code, "message": message, "param": nil, "event_id": about,
	}})
}

func (c *conversation) updateSession(event clientEvent) {
	if err := c.session.update(event.Session); err != nil {
		c.refuse(event, "invalid_value", err.Error())
		return
	}
	c.emit("session.updated", fields{"session": c.session})
}

// commitBuffer ends the learner's turn by hand.
func (c *conversation) commitBuffer(event clientEvent) {
	byHand := c.session.Audio.Input.TurnDetection == nil
	switch {
	case !byHand && c.hearing != "":
		c.commit(c.hearing, c.detector.to-c.detector.from)
		c.hearing, c.detector = "", detector{}
	case byHand && c.buffer.length >= shortestCommit:
		speech := c.buffer.speech()
		c.buffer = buffer{}
		c.commit(c.newID("item"), speech)
	default:
		c.refuse(event, "input_audio_buffer_commit_empty",
			"Error committing input audio buffer: buffer too small. Expected at least 100ms of audio.")
	}
}

func (c *conversation) clearBuffer(clientEvent) {
	c.buffer, c.detector, c.hearing = buffer{}, detector{}, ""
	c.emit("input_audio_buffer.cleared", fields{})
}

func (c *conversation) createResponse(event clientEvent) {
	wanted, err := c.session.ask(event.Response)
	switch {
	case err != nil:
		c.refuse(event, "invalid_value", err.Error())
	case slices.ContainsFunc(wanted.Input, c.lacks):
		c.refuse(event, "item_not_found", "An item of the input does not exist.")
	case !wanted.apart() && c.response != nil:
		c.refuse(event, "conversation_already_has_active_response", "Conversation already has an active response.")
	case wanted.apart() && len(c.apart) >= maxApart:
		c.refuse(event, "too_many_responses", "There are too many responses beside the conversation.")
	default:
		c.respond(wanted)
	}
}

// lacks tells whether an input names an item that is not there.
func (c *conversation) lacks(input clientItem) bool {
	return input.isReference() && c.find(input.ID) == nil
}

// cancelResponse stops the one that is named, or else the conversation's own.
func (c *conversation) cancelResponse(event clientEvent) {
	r := c.response
	if id := event.ResponseID; id != "" && (r == nil || r.id != id) {
		r = c.apart[id]
	}
	if r == nil {
		c.refuse(event, "response_cancel_not_active", "Cancellation failed: no active response found.")
		return
	}
	c.cancel(r, "client_cancelled")
}

// clearOutput stops what is heard, and the generating of it.
func (c *conversation) clearOutput(clientEvent) {
	r := c.playing
	switch {
	case r == nil:
	case !r.asked.apart():
		c.interrupt("client_cancelled")
	default:
		c.hush()
		if !r.over {
			c.cancel(r, "client_cancelled")
		}
	}
}

func (c *conversation) chooseLine(event clientEvent) {
	if !c.lesson.choose(event.LineID) {
		c.refuse(event, "line_not_offered", "This line is not among those offered now.")
	}
}
