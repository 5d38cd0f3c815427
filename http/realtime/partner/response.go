package partner

import (
	"strings"
	"time"
)

// response is one answer of the tutor, from the request to response.done.
type response struct {
	id     string
	item   *item // what becomes of it; nil: it has not begun to speak
	line   Line
	sound  voice
	words  []string
	spread int // words generated so far
}

func (r *response) text() string { return strings.Join(r.words[:r.spread], " ") }

// packets is how much of its sound the words so far take.
func (r *response) packets() int { return len(r.sound) * r.spread / len(r.words) }

// respond begins an answer. The caller has seen that there is none.
func (c *conversation) respond() {
	line := c.lesson.tutor()
	c.lesson.missed = false
	sound := c.voices[line.ID].at(c.session.Audio.Output.Speed)
	r := &response{id: c.newID("resp"), line: line, sound: sound, words: strings.Fields(line.Text)}
	c.response = r
	c.emit("response.created", fields{"response": c.describe(r, "in_progress", nil)})
	if c.owed != nil {
		c.owed()
		c.owed = nil
	}
	c.agenda.after(thinking, func() { c.speak(r) })
}

// speak begins the sound, once the line before it has ended.
func (c *conversation) speak(r *response) {
	if c.response != r {
		return
	}
	if c.mouth.open() {
		c.agenda.after(frame, func() { c.speak(r) })
		return
	}
	r.item = &item{id: c.newID("item"), role: "assistant", status: "in_progress", spoken: &spokenPart{Type: "output_audio"}}
	described := r.describeItem("in_progress")
	c.emit("response.output_item.added", fields{"response_id": r.id, "output_index": 0, "item": described})
	c.emit("conversation.item.added", fields{"previous_item_id": c.place(r.item), "item": described})
	c.emit("response.content_part.added", r.part(fields{"part": fields{"type": "audio", "transcript": ""}}))
	c.playing = r
	c.mouth.say(r.sound)
	c.emit("output_audio_buffer.started", fields{"response_id": r.id})
	c.generate(r)
}

// generate spreads the words over the time that generating takes.
func (c *conversation) generate(r *response) {
	total := r.sound.length() / generating
	for i := range r.words {
		c.agenda.after(total*time.Duration(i+1)/time.Duration(len(r.words)), func() { c.word(r) })
	}
}

func (c *conversation) word(r *response) {
	if c.response != r {
		return
	}
	word := r.words[r.spread]
	if r.spread > 0 {
		word = " " + word
	}
	r.spread++
	r.item.says(r.text(), time.Duration(r.packets())*frame)
	c.emit("response.output_audio_transcript.delta", r.part(fields{"delta": word}))
	if r.spread == len(r.words) {
		c.finish(r, "completed", nil)
	}
}

// finish ends the generating; the sound may go on for long.
func (c *conversation) finish(r *response, status string, details any) {
	if r.item != nil {
		c.finishItem(r, status)
	}
	c.response = nil
	done := func() { c.emit("response.done", fields{"response": c.describe(r, status, details)}) }
	if c.faults.CancelLate && status == "cancelled" {
		c.owed = done
	} else {
		done()
	}
	c.emit("rate_limits.updated", fields{"rate_limits": []fields{
		{"name": "tokens", "limit": 1_000_000, "remaining": 1_000_000, "reset_seconds": 0},
	}})
	c.disturb(r.id)
	c.expect()
}

func (c *conversation) finishItem(r *response, status string) {
	if status != "completed" {
		status = "incomplete"
	}
	r.item.status = status
	text := r.text()
	c.emit("response.output_audio.done", r.part(fields{}))
	c.emit("response.output_audio_transcript.done", r.part(fields{"transcript": text}))
	c.emit("response.content_part.done", r.part(fields{"part": fields{"type": "audio", "transcript": text}}))
	// The provider leaves the predecessor of a finished item out.
	c.emit("conversation.item.done", fields{"previous_item_id": nil, "item": r.describeItem(status)})
	c.emit("response.output_item.done", fields{"response_id": r.id, "output_index": 0, "item": r.describeItem(status)})
}

// interrupt stops sound and answer because the learner speaks, or asks to.
func (c *conversation) interrupt(reason string) {
	heard := c.playing
	said := c.mouth.shut()
	c.playing = nil
	if heard != nil {
		c.emit("output_audio_buffer.cleared", fields{"response_id": heard.id})
	}
	cut := heard != nil && c.faults.Truncation != TruncationMissing
	length := time.Duration(said) * frame
	if cut && c.faults.Truncation == TruncationEarly {
		c.truncate(heard.item.id, length)
	}
	if c.response != nil {
		c.cancel(reason)
	}
	switch {
	case !cut || c.faults.Truncation == TruncationEarly:
	case c.faults.Truncation == TruncationLate:
		c.agenda.after(late, func() { c.truncate(heard.item.id, length) })
	case c.faults.Truncation == TruncationZero:
		c.truncate(heard.item.id, 0)
	default:
		c.truncate(heard.item.id, length)
	}
}

// cancel stops the generating; what is generated is still heard.
func (c *conversation) cancel(reason string) {
	r := c.response
	if c.playing == r {
		c.mouth.keep(r.packets())
	}
	c.finish(r, "cancelled", fields{"type": "cancelled", "reason": reason})
}

// part adds what all events about the one content part share.
func (r *response) part(event fields) fields {
	event["response_id"], event["item_id"] = r.id, r.item.id
	event["output_index"], event["content_index"] = 0, 0
	return event
}

// describeItem is the item as generated, whatever was heard of it.
func (r *response) describeItem(status string) fields {
	content := []fields{}
	if status != "in_progress" {
		content = append(content, fields{"type": "output_audio", "transcript": r.text()})
	}
	return fields{"id": r.item.id, "type": "message", "status": status, "role": "assistant", "content": content}
}

func (c *conversation) describe(r *response, status string, details any) fields {
	described := fields{
		"object": "realtime.response", "id": r.id, "status": status, "status_details": details,
		"output": []fields{}, "output_modalities": c.session.Modalities, "usage": nil, "metadata": nil,
	}
	if status == "in_progress" {
		return described
	}
	described["usage"] = c.usage(r)
	if r.item != nil {
		described["output"] = []fields{r.describeItem(r.item.status)}
	}
	return described
}

// usage counts as the provider does: a token for 100 ms heard, for 50 ms
// spoken, and for three quarters of a word.
func (c *conversation) usage(r *response) fields {
	tokens := func(words int) int { return (words*4 + 2) / 3 }
	inputText := tokens(len(strings.Fields(c.session.Instructions)))
	inputAudio := int(c.spoken / (100 * time.Millisecond))
	outputText := tokens(r.spread)
	outputAudio := int(r.sound.length()/(50*time.Millisecond)) * r.spread / len(r.words)
	return fields{
		"total_tokens": inputText + inputAudio + outputText + outputAudio,
		"input_tokens": inputText + inputAudio, "output_tokens": outputText + outputAudio,
		"input_token_details": fields{
			"text_tokens": inputText, "audio_tokens": inputAudio, "cached_tokens": 0,
			"cached_tokens_details": fields{"text_tokens": 0, "audio_tokens": 0},
		},
		"output_token_details": fields{"text_tokens": outputText, "audio_tokens": outputAudio},
	}
}
