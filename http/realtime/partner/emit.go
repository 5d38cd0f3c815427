package partner

import (
	"encoding/json"
	"strings"
)

// emit tells the client what happened.
func (c *conversation) emit(kind string, event fields) {
	if c.silenced {
		return
	}
	if c.faults.BetaNames {
		if kind = betaName(kind); kind == "" {
			return
		}
	}
	event["type"], event["event_id"] = kind, c.newID("event")
	raw, err := json.Marshal(event)
	if err != nil {
		// Only strings, numbers and our own structs go in.
		panic("partner: marshal " + kind + ": " + err.Error())
	}
	c.send(raw)
}

var betaNames = strings.NewReplacer("response.output_audio", "response.audio", "response.output_text", "response.text")

// betaName is what the beta called an event; empty: it had none such.
func betaName(kind string) string {
	switch kind {
	case "conversation.item.added":
		return "conversation.item.created"
	case "conversation.item.done", "input_audio_buffer.timeout_triggered":
		return ""
	}
	return betaNames.Replace(kind)
}

// disturb sends what a client must be able to bear.
func (c *conversation) disturb(responseID string) {
	if c.faults.UnknownEvents {
		c.emit(unknownEvent, fields{"response_id": responseID})
	}
	if c.faults.Garbage {
		for _, raw := range garbage {
			c.send([]byte(raw))
		}
	}
}
