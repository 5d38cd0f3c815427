package partner

import "time"

// noticeSilence ends the learner's turn when packets stop coming.
func (c *conversation) noticeSilence() {
	turns := c.session.Audio.Input.TurnDetection
	since := c.agenda.now - c.heardAt
	if turns == nil || since < gone {
		return
	}
	now := c.heardTo + since
	if c.detector.silent(now, *turns) == stopped {
		c.speechStopped(*turns)
	}
}

// noticeIdleness speaks up when nobody has for the idle timeout of server_vad:
// a system item says why, the learner's item stays empty, and the tutor asks
// again.
func (c *conversation) noticeIdleness() {
	turns := c.session.Audio.Input.TurnDetection
	if turns == nil || turns.IdleTimeoutMS == nil || c.mouth.open() || c.response != nil || c.hearing != "" || len(c.items) == 0 {
		c.idleFrom = c.agenda.now
		return
	}
	if c.agenda.now-c.idleFrom < time.Duration(*turns.IdleTimeoutMS)*time.Millisecond {
		return
	}
	c.idleFrom = c.agenda.now
	empty, reason := c.newID("item"), c.newID("item")
	c.emit("input_audio_buffer.timeout_triggered", fields{
		"item_id": empty, "audio_start_ms": c.heardTo.Milliseconds(), "audio_end_ms": c.heardTo.Milliseconds(),
	})
	why := &item{id: reason, role: "system", status: "completed",
		written: []clientPart{{Type: "input_text", Text: "The user has said nothing for a while."}}}
	c.tellItem(why, c.place(why))
	unsaid := &item{id: empty, role: "user", status: "completed", spoken: &spokenPart{Type: "input_audio"}}
	previous := c.place(unsaid)
	c.emit("input_audio_buffer.committed", fields{"previous_item_id": previous, "item_id": empty})
	c.tellItem(unsaid, previous)
	c.lesson.missed = true
	c.answer()
}
