package partner

import (
	"strings"
	"time"
)

// transcript is what became of one turn of the learner.
type transcript struct {
	itemID   string
	text     string
	speech   time.Duration
	failed   bool
	prompted bool
}

// transcribe finds out what the learner said and tells it in its own time.
func (c *conversation) transcribe(itemID string, speech time.Duration) {
	line, understood := c.lesson.spoke(speech)
	if c.session.Audio.Input.Transcription == nil {
		return
	}
	t := transcript{itemID: itemID, speech: speech}
	switch fault := c.faults.Transcription; {
	case fault == TranscriptionMissing:
		return
	case fault == TranscriptionEmpty || speech == 0:
	case fault == TranscriptionFails || !understood:
		t.failed = true
	default:
		t.text, t.prompted = line.Text, true
	}
	delay := transcribing
	if c.faults.Transcription == TranscriptionLate {
		delay += late
	}
	c.agenda.after(delay, func() { c.deliver(t) })
}

// deliver tells it, or has it wait for the next one.
func (c *conversation) deliver(t transcript) {
	if c.faults.Transcription == TranscriptionCrossed && c.held == nil {
		c.held = func() { c.tell(t) }
		return
	}
	c.tell(t)
	if c.faults.Transcription == TranscriptionDuplicate {
		c.tell(t)
	}
	if c.held != nil {
		c.held()
		c.held = nil
	}
}

func (c *conversation) tell(t transcript) {
	const kind = "conversation.item.input_audio_transcription."
	about := func(event fields) fields {
		event["item_id"], event["content_index"] = t.itemID, 0
		return event
	}
	if t.failed {
		c.emit(kind+"failed", about(fields{"error": fields{
			"type": "server_error", "code": "speech_length", "param": nil,
			"message": "What was heard is too short or too long for the line.",
		}}))
		return
	}
	for i, word := range strings.Fields(t.text) {
		if i > 0 {
			word = " " + word
		}
		c.emit(kind+"delta", about(fields{"delta": word}))
	}
	heard := int(t.speech / (100 * time.Millisecond))
	c.emit(kind+"completed", about(fields{
		"transcript": t.text, "prompted": t.prompted,
		"usage": fields{"type": "tokens", "total_tokens": heard, "input_tokens": heard, "output_tokens": 0,
			"input_token_details": fields{"text_tokens": 0, "audio_tokens": heard}},
	}))
}
