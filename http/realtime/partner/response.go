package partner

import (
	"strings"
	"time"
)

// response is one answer of the tutor, from the request to response.done.
type response struct {
	id     string
	asked  asked
	read   int           // words that it answers to
	heard  time.Duration // sound that it answers to
	item   *item         // what becomes of it; nil: it has not begun to speak
	sound  voice
	words  []string
	spread int  // words generated so far
	over   bool // nothing more is generated
}

func (r *response) text() string { return strings.Join(r.words[:r.spread], " ") }

// packets is how much of its sound the words so far take.
func (r *response) packets() int { return len(r.sound) * r.spread / len(r.words) }

// answer begins the response that a turn of the learner asks for. The caller has
// seen that there is none.
func (c *conversation) answer() { c.respond(c.session.plain()) }

// respond begins a response as it was asked for. The caller has seen that there
// is room for it.
func (c *conversation) respond(wanted asked) {
	line := c.line(wanted)
	r := &response{
		id: c.newID("resp"), asked: wanted, words: strings.Fields(line.Text),
		sound: c.voices[line.ID].at(c.session.Audio.Output.Speed),
		read:  len(strings.Fields(wanted.Instructions)),
	}
	if wanted.Input == nil {
		r.heard = c.spoken
	}
	for _, input := range wanted.Input {
		r.read += len(strings.Fields(c.wordsOf(input)))
	}
	r.asked.Input = nil // it is long, and has been read
	c.start(r)
}

// line is what the tutor says: the lesson's, or what comes behind the input.
func (c *conversation) line(wanted asked) Line {
	if wanted.Input == nil {
		line := c.lesson.tutor()
		if !wanted.apart() {
			c.lesson.missed = false // it is asked for again now
		}
		return line
	}
	own := lesson{script: c.lesson.script}
	for _, input := range wanted.Input {
		role := input.Role
		if input.isReference() {
			role = c.find(input.ID).role
		}
		own.take(role, c.wordsOf(input))
	}
	return own.tutor()
}

// wordsOf are the words of an input, which may stand for an item that is there.
func (c *conversation) wordsOf(input clientItem) string {
	if input.isReference() {
		return c.find(input.ID).words()
	}
	return textOf(input.Content)
}

func (c *conversation) start(r *response) {
	apart := r.asked.apart()
	if apart {
		c.apart[r.id] = r
	} else {
		c.response = r
	}
	c.emit("response.created", fields{"response": c.describe(r, "in_progress", nil)})
	if c.owed != nil && !apart {
		c.owed()
		c.owed = nil
	}
	c.agenda.after(thinking, func() { c.speak(r) })
}

// speak begins the sound, once the line before it has ended.
func (c *conversation) speak(r *response) {
	if r.over {
		return
	}
	if r.asked.spoken() && c.mouth.open() {
		c.agenda.after(frame, func() { c.speak(r) })
		return
	}
	c.begin(r)
	c.emit("response.content_part.added", r.part(fields{"part": r.content("")}))
	if r.asked.spoken() {
		c.playing = r
		c.mouth.say(r.sound)
		c.emit("output_audio_buffer.started", fields{"response_id": r.id})
	}
	c.generate(r)
}

// begin makes the response's item, which is one of the conversation unless it
// was asked to stay apart.
func (c *conversation) begin(r *response) {
	r.item = &item{id: c.newID("item"), role: "assistant", status: "in_progress"}
	if r.asked.spoken() {
		r.item.spoken = &spokenPart{Type: "output_audio"}
	} else {
		r.item.written = []clientPart{{Type: "output_text"}}
	}
	described := r.describeItem("in_progress")
	c.emit("response.output_item.added", fields{"response_id": r.id, "output_index": 0, "item": described})
	if !r.asked.apart() {
		c.emit("conversation.item.added", fields{"previous_item_id": c.place(r.item), "item": described})
	}
}

// generate spreads the words over the time that generating takes.
func (c *conversation) generate(r *response) {
	total := r.sound.length() / generating
	for i := range r.words {
		c.agenda.after(total*time.Duration(i+1)/time.Duration(len(r.words)), func() { c.word(r) })
	}
}

func (c *conversation) word(r *response) {
	if r.over {
		return
	}
	if limit := r.asked.limit; limit > 0 && r.tokens(r.spread+1) > limit {
		c.stop(r, "incomplete", "max_output_tokens")
		return
	}
	word := r.words[r.spread]
	if r.spread > 0 {
		word = " " + word
	}
	r.spread++
	r.item.says(r.text(), time.Duration(r.packets())*frame)
	c.emit(r.kind()+".delta", r.part(fields{"delta": word}))
	if r.spread == len(r.words) {
		c.finish(r, "completed", nil)
	}
}

// kind is the kind of the events that carry its words.
func (r *response) kind() string {
	if r.asked.spoken() {
		return "response.output_audio_transcript"
	}
	return "response.output_text"
}

// finish ends the generating; the sound may go on for long.
func (c *conversation) finish(r *response, status string, details any) {
	if r.item != nil {
		c.finishItem(r, status)
	}
	r.over = true
	if r.asked.apart() {
		delete(c.apart, r.id)
	} else {
		c.response = nil
	}
	done := func() { c.emit("response.done", fields{"response": c.describe(r, status, details)}) }
	if c.faults.CancelLate && status == "cancelled" && !r.asked.apart() {
		c.owed = done
	} else {
		done()
	}
	c.emit("rate_limits.updated", fields{"rate_limits": []fields{
		{"name": "tokens", "limit": 1_000_000, "remaining": 1_000_000, "reset_seconds": 0},
	}})
	c.disturb(r.id)
	if !r.asked.apart() {
		c.expect()
	}
}

func (c *conversation) finishItem(r *response, status string) {
	if status != "completed" {
		status = "incomplete"
	}
	r.item.status = status
	text := r.text()
	if r.asked.spoken() {
		c.emit("response.output_audio.done", r.part(fields{}))
		c.emit(r.kind()+".done", r.part(fields{"transcript": text}))
	} else {
		c.emit(r.kind()+".done", r.part(fields{"text": text}))
	}
	c.emit("response.content_part.done", r.part(fields{"part": r.content(text)}))
	if !r.asked.apart() {
		// The provider leaves the predecessor of a finished item out.
		c.emit("conversation.item.done", fields{"previous_item_id": nil, "item": r.describeItem(status)})
	}
	c.emit("response.output_item.done", fields{"response_id": r.id, "output_index": 0, "item": r.describeItem(status)})
}

// interrupt stops sound and answer because the learner speaks, or asks to. What
// stays apart from the conversation is not hers to interrupt.
func (c *conversation) interrupt(reason string) {
	var heard *response
	var length time.Duration
	if c.playing != nil && !c.playing.asked.apart() {
		heard, length = c.hush()
	}
	cut := heard != nil && c.faults.Truncation != TruncationMissing
	if cut && c.faults.Truncation == TruncationEarly {
		c.truncate(heard.item.id, length)
	}
	if c.response != nil {
		c.cancel(c.response, reason)
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

// hush stops what is heard, and tells how long it was.
func (c *conversation) hush() (heard *response, length time.Duration) {
	heard, length = c.playing, time.Duration(c.mouth.shut())*frame
	c.playing = nil
	c.emit("output_audio_buffer.cleared", fields{"response_id": heard.id})
	return heard, length
}

// cancel stops the generating; what is generated is still heard.
func (c *conversation) cancel(r *response, reason string) { c.stop(r, "cancelled", reason) }

// stop ends the generating before the last word.
func (c *conversation) stop(r *response, status, reason string) {
	if c.playing == r {
		c.mouth.keep(r.packets())
	}
	c.finish(r, status, fields{"type": status, "reason": reason})
}

// part adds what all events about the one content part share.
func (r *response) part(event fields) fields {
	event["response_id"], event["item_id"] = r.id, r.item.id
	event["output_index"], event["content_index"] = 0, 0
	return event
}

// content is that part with these words.
func (r *response) content(text string) fields {
	if r.asked.spoken() {
		return fields{"type": "audio", "transcript": text}
	}
	return fields{"type": "text", "text": text}
}

// describeItem is the item as generated, whatever was heard of it.
func (r *response) describeItem(status string) fields {
	content := []fields{}
	switch {
	case status == "in_progress":
	case r.asked.spoken():
		content = append(content, fields{"type": "output_audio", "transcript": r.text()})
	default:
		content = append(content, fields{"type": "output_text", "text": r.text()})
	}
	return fields{"id": r.item.id, "type": "message", "status": status, "role": "assistant", "content": content}
}

func (c *conversation) describe(r *response, status string, details any) fields {
	described := fields{
		"object": "realtime.response", "id": r.id, "status": status, "status_details": details,
		"output": []fields{}, "conversation_id": c.id, "output_modalities": r.asked.Modalities,
		"max_output_tokens": r.asked.MaxTokens, "usage": nil, "metadata": r.asked.Metadata,
		"audio": fields{"output": fields{"format": c.session.Audio.Output.Format, "voice": r.asked.Audio.Output.Voice}},
	}
	if r.asked.apart() {
		described["conversation_id"] = nil
	}
	if status == "in_progress" {
		return described
	}
	described["usage"] = r.usage()
	if r.item != nil {
		described["output"] = []fields{r.describeItem(r.item.status)}
	}
	return described
}

// textTokens are those of so many words: three quarters of a word each.
func textTokens(words int) int { return (words*4 + 2) / 3 }

// audioTokens are those of what is spoken so far: one for 50 ms.
func (r *response) audioTokens(words int) int {
	if !r.asked.spoken() {
		return 0
	}
	return int(r.sound.length()/(50*time.Millisecond)) * words / len(r.words)
}

// tokens is what so many of its words take.
func (r *response) tokens(words int) int { return textTokens(words) + r.audioTokens(words) }

// usage counts as the provider does; of what was heard, a token is 100 ms.
func (r *response) usage() fields {
	inputText, inputAudio := textTokens(r.read), int(r.heard/(100*time.Millisecond))
	return fields{
		"total_tokens": inputText + inputAudio + r.tokens(r.spread),
		"input_tokens": inputText + inputAudio, "output_tokens": r.tokens(r.spread),
		"input_token_details": fields{
			"text_tokens": inputText, "audio_tokens": inputAudio, "cached_tokens": 0,
			"cached_tokens_details": fields{"text_tokens": 0, "audio_tokens": 0},
		},
		"output_token_details": fields{"text_tokens": textTokens(r.spread), "audio_tokens": r.audioTokens(r.spread)},
	}
}
