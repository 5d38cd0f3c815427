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

// understand finds out what the learner said; told: the client will hear of it.
func (c *conversation) understand(itemID string, speech time.Duration) (t transcript, told bool) {
	line, understood := c.lesson.spoke(speech)
	t = transcript{itemID: itemID, speech: speech}
	if c.session.Audio.Input.Transcription == nil {
		return t, false
	}
	switch fault := c.faults.Transcription; {
	case fault == TranscriptionMissing:
		return t, false
	case fault == TranscriptionEmpty || speech == 0:
	case fault == TranscriptionFails || !understood:
		t.failed = true
	default:
		t.text, t.prompted = line.Text, true
	}
	return t, true
}

// transcribe tells it in its own time.
func (c *conversation) transcribe(t transcript) {
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

const transcriptionEvent = "conversation.item.input_audio_transcription."

// about adds what all events about one transcription share.
func (t transcript) about(event fields) fields {
	event["item_id"], event["content_index"] = t.itemID, 0
	return event
}

func (c *conversation) tell(t transcript) {
	if t.failed {
		c.emit(transcriptionEvent+"failed", t.about(fields{"error": fields{
			"type": "server_error", "code": "speech_length", "param": nil,
			"message": "What was heard is too short or too long for the line.",
		}}))
		return
	}
	switch c.faults.Transcription {
	case TranscriptionEarly: // they have been told
	case TranscriptionCumulative:
		words := strings.Fields(t.text)
		for i := 1; i < len(words); i++ {
			c.tellWhole(t, strings.Join(words[:i], " "))
		}
	default:
		c.tellDeltas(t)
	}
	c.tellWhole(t, t.text)
}

func (c *conversation) tellDeltas(t transcript) {
	for i, word := range strings.Fields(t.text) {
		if i > 0 {
			word = " " + word
		}
		c.emit(transcriptionEvent+"delta", t.about(fields{"delta": word}))
	}
}

func (c *conversation) tellWhole(t transcript, text string) {
	if found := c.find(t.itemID); found != nil && found.spoken != nil {
		found.spoken.Transcript, found.spoken.Prompted = &text, t.prompted
	}
	heard := int(t.speech / (100 * time.Millisecond))
	c.emit(transcriptionEvent+"completed", t.about(fields{
		"transcript": text, "prompted": t.prompted,
		"usage": fields{"type": "tokens", "total_tokens": heard, "input_tokens": heard, "output_tokens": 0,
			"input_token_details": fields{"text_tokens": 0, "audio_tokens": heard}},
	}))
}
