package partner

import "time"

// The partner's own pace. Generating is faster than speaking, as it is with
// the provider, so response.done comes long before the tutor falls silent.
const (
	thinking     = 240 * time.Millisecond // from a request to the first sound
	transcribing = 600 * time.Millisecond // from a commit to its text
	generating   = 3                      // times as fast as speaking
)

// gone is when the learner's packets are no longer late but stopped.
const gone = time.Second

// fields are those of one event, next to its type and id.
type fields map[string]any

// conversation is the protocol of one call. It is driven from one goroutine:
// hear for each of the learner's frames, receive for each of her messages,
// step for each 20 ms that pass.
type conversation struct {
	id      string
	session session
	lesson  lesson
	voices  map[string]voice
	faults  Faults
	newID   func(prefix string) string
	send    func(raw []byte)

	agenda   agenda
	mouth    mouth
	items    []*item              // in order
	response *response            // that will be part of it
	apart    map[string]*response // those beside it, by id
	playing  *response            // whose sound is being heard

	detector detector
	buffer   buffer
	hearing  string        // item that the learner is speaking; empty: none
	appended time.Duration // what clients appended, by which all later sound is later
	heardTo  time.Duration // end of the last frame, in her audio's time
	heardAt  time.Duration // arrival of the last frame, in agenda's time
	spoken   time.Duration // all that she committed
	held     func()        // transcription waiting for the next one
	owed     func()        // a response.done waiting for the next response
	idleFrom time.Duration // since when nobody speaks, in agenda's time
	silenced bool          // says and emits nothing any more
}

// buffer is the learner's audio since the last commit or clear.
type buffer struct {
	length time.Duration
	voiced detector
	begun  bool
	from   time.Duration // of the voiced part
	to     time.Duration
}

// speech is the length of the voiced part.
func (b *buffer) speech() time.Duration { return b.to - b.from }

func (b *buffer) hear(s sound) {
	b.length += s.to - s.from
	b.voiced.hear(s, *defaultTurns())
	if !b.voiced.speaking {
		return
	}
	if !b.begun {
		b.from, b.begun = b.voiced.from, true
	}
	b.to = b.voiced.to
}

// open greets the client.
func (c *conversation) open() {
	c.emit("session.created", fields{"session": c.session})
}

// step lets 20 ms pass and gives the packet that the learner hears in them.
func (c *conversation) step() []byte {
	c.agenda.step()
	if c.silenced {
		return silence
	}
	c.noticeSilence()
	c.noticeIdleness()
	packet, last := c.mouth.next()
	if last {
		c.emit("output_audio_buffer.stopped", fields{"response_id": c.playing.id})
		c.playing = nil
	}
	return packet
}

// hear takes the next frame of the learner's microphone.
func (c *conversation) hear(s sound) {
	c.listen(sound{s.from + c.appended, s.to + c.appended, s.level})
}

// listen takes the next frame of the learner's audio, wherever it comes from.
func (c *conversation) listen(s sound) {
	c.heardTo, c.heardAt = s.to, c.agenda.now
	turns := c.session.Audio.Input.TurnDetection
	if turns == nil {
		c.buffer.hear(s)
		return
	}
	switch c.detector.hear(s, *turns) {
	case started:
		c.speechStarted(*turns)
	case stopped:
		c.speechStopped(*turns)
	}
}

func (c *conversation) speechStarted(turns turnDetection) {
	c.hearing = c.newID("item")
	c.emit("input_audio_buffer.speech_started", fields{
		"item_id":        c.hearing,
		"audio_start_ms": max(0, c.detector.from-turns.padding()).Milliseconds(),
	})
	if turns.Interrupt {
		c.interrupt("turn_detected")
	}
}

func (c *conversation) speechStopped(turns turnDetection) {
	c.emit("input_audio_buffer.speech_stopped", fields{
		"item_id": c.hearing, "audio_end_ms": c.detector.to.Milliseconds(),
	})
	c.commit(c.hearing, c.detector.to-c.detector.from)
	c.hearing = ""
	if turns.CreateResponse && c.response == nil {
		c.answer()
	}
}

// commit makes an item of what the learner said.
func (c *conversation) commit(id string, speech time.Duration) {
	t, told := c.understand(id, speech)
	if told && c.faults.Transcription == TranscriptionEarly {
		c.tellDeltas(t)
	}
	turn := &item{id: id, role: "user", status: "completed", spoken: &spokenPart{Type: "input_audio"}}
	previous := c.place(turn)
	c.spoken += speech
	c.emit("input_audio_buffer.committed", fields{"previous_item_id": previous, "item_id": id})
	c.tellItem(turn, previous)
	if told {
		c.transcribe(t)
	}
}

// expect tells the page what the learner may say next.
func (c *conversation) expect() {
	var lines []fields
	for _, line := range c.lesson.lines() {
		lines = append(lines, fields{"id": line.ID, "text": line.Text, "expected_ms": line.Length.Milliseconds()})
	}
	c.emit("parley.lines", fields{"exchange": c.lesson.turns + 1, "lines": lines})
}

// expire tells that the call is as long as it may be.
func (c *conversation) expire() {
	c.emit("error", fields{"error": fields{
		"type": "invalid_request_error", "code": "session_expired",
		"message": "Your session hit the maximum duration.", "param": nil, "event_id": nil,
	}})
}
