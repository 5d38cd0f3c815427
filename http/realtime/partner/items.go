package partner

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// maxItemID bounds the ids that clients choose, in bytes.
	maxItemID = 64
	// maxItems bounds the items of a conversation to which clients add.
	maxItems = 2000
	// maxWritten bounds what they write into it, in bytes; partCost is what a
	// part counts beside its text.
	maxWritten = 256 << 10
	partCost   = 64
)

// item is one entry of a conversation: its words, and how long it is heard.
// The sound itself is not kept.
type item struct {
	id, role, status string
	written          []clientPart
	spoken           *spokenPart   // nil: it was written
	length           time.Duration // of a tutor's sound, as far as it is generated and not cut away
	cut              bool          // was truncated
}

// spokenPart is the one part of an item that was spoken.
type spokenPart struct {
	Type       string  `json:"type"`
	Transcript *string `json:"transcript"` // nil: not known (any more)
	Prompted   bool    `json:"prompted,omitempty"`
}

// describe is the item as clients see it.
func (i *item) describe() fields {
	described := fields{"id": i.id, "type": "message", "status": i.status, "role": i.role, "content": i.written}
	if i.spoken != nil {
		described["content"] = []*spokenPart{i.spoken}
	}
	return described
}

// words are all that is known of what it says.
func (i *item) words() string {
	if i.spoken == nil {
		return textOf(i.written)
	}
	if i.spoken.Transcript == nil {
		return ""
	}
	return *i.spoken.Transcript
}

// says is what it says by now, and how long that is heard. What was cut away
// does not come back.
func (i *item) says(text string, length time.Duration) {
	switch {
	case i.cut:
	case i.spoken == nil:
		i.written[0].Text = text
	default:
		i.spoken.Transcript, i.length = &text, length
	}
}

// truncate leaves the item's first part, of which nobody knows the words.
func (i *item) truncate(heard time.Duration) {
	i.cut, i.spoken.Transcript, i.length = true, nil, min(i.length, heard)
}

// at is where the item with this id is; below 0: nowhere.
func (c *conversation) at(id string) int {
	return slices.IndexFunc(c.items, func(i *item) bool { return i.id == id })
}

// find gives the item with this id; nil: there is none.
func (c *conversation) find(id string) *item {
	if at := c.at(id); at >= 0 {
		return c.items[at]
	}
	return nil
}

// place puts an item last and gives the id of the one before it, or nil.
func (c *conversation) place(i *item) any {
	var previous any
	if len(c.items) > 0 {
		previous = c.items[len(c.items)-1].id
	}
	c.items = append(c.items, i)
	return previous
}

// insert puts an item behind another one, first for "root", or last for "".
func (c *conversation) insert(i *item, after string) any {
	if after == "" {
		return c.place(i)
	}
	at := c.at(after) + 1 // "root" is none: 0
	c.items = slices.Insert(c.items, at, i)
	if at == 0 {
		return nil
	}
	return after
}

// clientItem is an item that a client wrote, or, in the input of a response,
// the id of one that is there.
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

func textOf(parts []clientPart) string {
	var words []string
	for _, part := range parts {
		words = append(words, part.Text)
	}
	return strings.Join(words, "\n")
}

// size is what parts count of maxWritten.
func size(parts []clientPart) (bytes int) {
	for _, part := range parts {
		bytes += partCost + len(part.Text)
	}
	return bytes
}

// written is how much of maxWritten is taken.
func (c *conversation) written() (bytes int) {
	for _, i := range c.items {
		bytes += size(i.written)
	}
	return bytes
}

// texts are the kinds of content that each role may be written with. Spoken
// turns of the past cannot be put back as audio.
var texts = map[string]string{"user": "input_text", "assistant": "output_text", "system": "input_text"}

// isText tells whether it is a message of text.
func (i clientItem) isText() bool {
	kind, known := texts[i.Role]
	wrong := func(p clientPart) bool { return p.Type != kind }
	return i.Type == "message" && known && len(i.Content) > 0 && !slices.ContainsFunc(i.Content, wrong)
}

const noItem = "There is no item with this id."

func (c *conversation) createItem(event clientEvent) {
	wanted := event.Item
	switch {
	case !wanted.isText():
		c.refuse(event, "invalid_value", "An item must be a message of text.")
	case len(wanted.ID) > maxItemID || strings.ContainsFunc(wanted.ID, unicode.IsControl):
		c.refuse(event, "invalid_value", "The item's id is too long or holds control characters.")
	case len(c.items) >= maxItems || c.written()+size(wanted.Content) > maxWritten:
		c.refuse(event, "conversation_full", "The conversation holds no more.")
	case c.find(wanted.ID) != nil:
		c.refuse(event, "item_already_exists", "There is an item with this id.")
	case event.PreviousItemID != "" && event.PreviousItemID != "root" && c.find(event.PreviousItemID) == nil:
		c.refuse(event, "item_not_found", "The previous item does not exist.")
	default:
		c.addItem(wanted, event.PreviousItemID)
	}
}

func (c *conversation) addItem(wanted clientItem, after string) {
	if wanted.ID == "" {
		wanted.ID = c.newID("item")
	}
	i := &item{id: wanted.ID, role: wanted.Role, status: "completed", written: wanted.Content}
	c.tellItem(i, c.insert(i, after))
	c.lesson.take(i.role, i.words())
}

// tellItem tells of an item that is complete as it comes.
func (c *conversation) tellItem(i *item, previous any) {
	c.emit("conversation.item.added", fields{"previous_item_id": previous, "item": i.describe()})
	c.emit("conversation.item.done", fields{"previous_item_id": previous, "item": i.describe()})
}

func (c *conversation) deleteItem(event clientEvent) {
	at := c.at(event.ItemID)
	if at < 0 {
		c.refuse(event, "item_delete_invalid_item_id", noItem)
		return
	}
	c.items = slices.Delete(c.items, at, at+1)
	c.emit("conversation.item.deleted", fields{"item_id": event.ItemID})
}

func (c *conversation) retrieveItem(event clientEvent) {
	found := c.find(event.ItemID)
	if found == nil {
		c.refuse(event, "item_retrieve_invalid_item_id", noItem)
		return
	}
	c.emit("conversation.item.retrieved", fields{"item": found.describe()})
}

// truncateItem has the model forget what the learner did not hear. What she
// hears now goes on: output_audio_buffer.clear stops that.
func (c *conversation) truncateItem(event clientEvent) {
	found := c.find(event.ItemID)
	switch {
	case found == nil:
		c.refuse(event, "item_truncate_invalid_item_id", noItem)
	case found.role != "assistant" || found.spoken == nil:
		c.refuse(event, "invalid_value", "Only what the model has spoken can be truncated.")
	case event.ContentIndex == nil || event.AudioEndMS == nil:
		c.refuse(event, "missing_required_parameter", "Truncating needs content_index and audio_end_ms.")
	case *event.ContentIndex != 0:
		c.refuse(event, "invalid_value", "content_index must be 0: the item has one part.")
	case *event.AudioEndMS < 0:
		c.refuse(event, "invalid_value", "audio_end_ms must not be below 0.")
	case *event.AudioEndMS > found.length.Milliseconds():
		c.refuse(event, "invalid_value", fmt.Sprintf("Audio content of %dms is already shorter than %dms",
			found.length.Milliseconds(), *event.AudioEndMS))
	default:
		c.truncate(found.id, time.Duration(*event.AudioEndMS)*time.Millisecond)
	}
}

// truncate tells how much of an item was heard.
func (c *conversation) truncate(id string, heard time.Duration) {
	if found := c.find(id); found != nil && found.spoken != nil {
		found.truncate(heard)
	}
	c.emit("conversation.item.truncated", fields{"item_id": id, "content_index": 0, "audio_end_ms": heard.Milliseconds()})
}
