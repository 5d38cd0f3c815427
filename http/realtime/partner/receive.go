package partner

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// shortestCommit is what the provider asks a commit to hold.
	shortestCommit = 100 * time.Millisecond
	// maxItemID bounds the ids that clients choose, in bytes.
	maxItemID = 64
	// maxItems bounds the items that clients add.
	maxItems = 2000
)

// clientEvent is the union of the fields of what a client may send.
type clientEvent struct {
	Type           string          `json:"type"`
	EventID        string          `json:"event_id"`
	ItemID         string          `json:"item_id"`
	PreviousItemID string          `json:"previous_item_id"`
	LineID         string          `json:"line_id"`
	Session        json.RawMessage `json:"session"`
	Item           clientItem      `json:"item"`
}

type clientItem struct {
	ID      string       `json:"id"`
	Type    string       `json:"type"`
	Role    string       `json:"role"`
	Content []clientPart `json:"content"`
}

type clientPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// rule is what a client event does.
type rule func(*conversation, clientEvent)

// rules lists the client events that are understood.
var rules = map[string]rule{
	"session.update":            (*conversation).updateSession,
	"input_audio_buffer.commit": (*conversation).commitBuffer,
	"input_audio_buffer.clear":  (*conversation).clearBuffer,
	"conversation.item.create":  (*conversation).createItem,
	"conversation.item.delete":  (*conversation).deleteItem,
	"response.create":           (*conversation).createResponse,
	"response.cancel":           (*conversation).cancelResponse,
	"output_audio_buffer.clear": (*conversation).clearOutput,
	"parley.choose":             (*conversation).chooseLine,
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

// texts are the kinds of content that each role may be written with. Spoken
// turns of the past cannot be put back as audio.
var texts = map[string]string{"user": "input_text", "assistant": "output_text", "system": "input_text"}

func (c *conversation) createItem(event clientEvent) {
	item := event.Item
	kind, known := texts[item.Role]
	wrong := func(p clientPart) bool { return p.Type != kind }
	switch {
	case item.Type != "message" || !known || len(item.Content) == 0 || slices.ContainsFunc(item.Content, wrong):
		c.refuse(event, "invalid_value", "An item must be a message of text.")
		return
	case len(item.ID) > maxItemID || strings.ContainsFunc(item.ID, unicode.IsControl):
		c.refuse(event, "invalid_value", "The item's id is too long or holds control characters.")
		return
	case len(c.items) >= maxItems:
		c.refuse(event, "conversation_full", "The conversation holds no more items.")
		return
	case c.has(item.ID):
		c.refuse(event, "item_already_exists", "There is an item with this id.")
		return
	case event.PreviousItemID != "" && event.PreviousItemID != "root" && !c.has(event.PreviousItemID):
		c.refuse(event, "item_not_found", "The previous item does not exist.")
		return
	}
	c.addItem(item, event.PreviousItemID)
}

func (c *conversation) addItem(item clientItem, after string) {
	if item.ID == "" {
		item.ID = c.newID("item")
	}
	previous := c.insert(item.ID, after)
	described := fields{
		"id": item.ID, "type": "message", "status": "completed", "role": item.Role, "content": item.Content,
	}
	c.emit("conversation.item.added", fields{"previous_item_id": previous, "item": described})
	c.emit("conversation.item.done", fields{"previous_item_id": previous, "item": described})
	if recalled := c.lesson.recall(item.words()); !recalled && item.Role == "user" {
		c.lesson.next()
	}
}

// words are all texts of an item.
func (i clientItem) words() string {
	var words []string
	for _, part := range i.Content {
		words = append(words, part.Text)
	}
	return strings.Join(words, "\n")
}

// insert puts an item behind another one, first for "root", or last for "".
func (c *conversation) insert(id, after string) any {
	if after == "" {
		return c.place(id)
	}
	at := slices.Index(c.items, after) + 1 // "root" is none: 0
	c.items = slices.Insert(c.items, at, id)
	if at == 0 {
		return nil
	}
	return after
}

func (c *conversation) deleteItem(event clientEvent) {
	at := slices.Index(c.items, event.ItemID)
	if at < 0 {
		c.refuse(event, "item_delete_invalid_item_id", "There is no item with this id.")
		return
	}
	c.items = slices.Delete(c.items, at, at+1)
	c.emit("conversation.item.deleted", fields{"item_id": event.ItemID})
}

func (c *conversation) createResponse(event clientEvent) {
	if c.response != nil {
		c.refuse(event, "conversation_already_has_active_response", "Conversation already has an active response.")
		return
	}
	c.respond()
}

func (c *conversation) cancelResponse(event clientEvent) {
	if c.response == nil {
		c.refuse(event, "response_cancel_not_active", "Cancellation failed: no active response found.")
		return
	}
	c.cancel("client_cancelled")
}

// clearOutput stops what is heard.
func (c *conversation) clearOutput(clientEvent) {
	if c.playing != nil {
		c.interrupt("client_cancelled")
	}
}

func (c *conversation) chooseLine(event clientEvent) {
	if !c.lesson.choose(event.LineID) {
		c.refuse(event, "line_not_offered", "This line is not among those offered now.")
	}
}
