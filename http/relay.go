package http

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"parley/events"
	"parley/http/realtime"
)

// heard is when and where a browser noticed something.
type heard struct {
	call  int
	atMS  int64  // from the session's start
	recMS *int64 // from the recorder's start; nil when nothing is recorded
}

// arrival is the moment on the recording's clock, or the session's without one.
func (h heard) arrival() *int64 {
	if h.recMS != nil {
		return h.recMS
	}
	return &h.atMS
}

// pageEventPrefix marks the page's own events; a provider never sends them.
const pageEventPrefix = "parley."

// bodiesOf is the one table from what a provider says to what is kept. An
// event that says nothing to keep gives none.
func bodiesOf(h heard, said realtime.Body) []events.Body {
	switch b := said.(type) {
	case realtime.SessionDescribed:
		return described(h, b)
	case realtime.ItemAdded:
		return itemBodies(h, "", b.Item, b.PreviousItemID)
	case realtime.ItemDone:
		return itemBodies(h, "", b.Item, nil)
	case realtime.SpeechStarted:
		return bodies(&events.SegmentTimed{Call: h.call, Item: b.ItemID, StartedCallMS: ms(b.AudioStartMS), StartedRecMS: h.arrival(), MeasuredBy: events.ByProvider})
	case realtime.SpeechStopped:
		return bodies(&events.SegmentTimed{Call: h.call, Item: b.ItemID, EndedCallMS: ms(b.AudioEndMS), EndedRecMS: h.arrival(), MeasuredBy: events.ByProvider})
	case realtime.Committed:
		return bodies(&events.SegmentPlaced{Call: h.call, Item: b.ItemID, Previous: b.PreviousItemID, Speaker: events.Learner})
	case realtime.TimeoutTriggered:
		return bodies(&events.SegmentPlaced{Call: h.call, Item: b.ItemID, Speaker: events.NoSpeaker})
	case realtime.TranscriptionCompleted:
		return transcription(h, b)
	case realtime.TranscriptionFailed:
		return bodies(transcribed(h, b.ItemID, events.Failed, realtime.Part{Index: b.ContentIndex}))
	}
	return tutorBodies(h, said)
}

// tutorBodies is the half of the table that speaks of responses.
func tutorBodies(h heard, said realtime.Body) []events.Body {
	switch b := said.(type) {
	case realtime.OutputItemAdded:
		return itemBodies(h, b.ResponseID, b.Item, nil)
	case realtime.OutputItemDone:
		return itemBodies(h, b.ResponseID, b.Item, nil)
	case realtime.OutputTranscriptDone:
		return spoken(h, b.ResponseID, b.ItemID, realtime.Part{Index: b.ContentIndex, Text: b.Text})
	case realtime.OutputTextDone:
		return spoken(h, b.ResponseID, b.ItemID, realtime.Part{Index: b.ContentIndex, Text: b.Text})
	case realtime.OutputAudioStarted:
		return bodies(&events.SegmentTimed{Call: h.call, Response: b.ResponseID, StartedRecMS: h.arrival(), MeasuredBy: events.ByArrival})
	case realtime.OutputAudioStopped:
		return bodies(&events.SegmentTimed{Call: h.call, Response: b.ResponseID, EndedRecMS: h.arrival(), MeasuredBy: events.ByArrival})
	case realtime.OutputAudioCleared:
		return bodies(&events.SegmentTimed{Call: h.call, Response: b.ResponseID, EndedRecMS: h.arrival(), MeasuredBy: events.ByArrival, ClearedByVoice: true})
	case realtime.Truncated: // only the tutor's can be
		return bodies(
			&events.SegmentPlaced{Call: h.call, Item: b.ItemID, Speaker: events.Tutor},
			&events.SegmentInterrupted{Call: h.call, Item: b.ItemID, HeardMS: ms(b.AudioEndMS)},
		)
	case realtime.ResponseDone:
		return responseDone(h, b)
	}
	return nil
}

func bodies(b ...events.Body) []events.Body { return b }

// ms is what a provider counted, where it did.
func ms(counted *int) *int64 {
	if counted == nil {
		return nil
	}
	n := int64(*counted)
	return &n
}

func described(h heard, b realtime.SessionDescribed) []events.Body {
	said := &events.CallDescribed{Call: h.call}
	if !b.ExpiresAt.IsZero() {
		ends := b.ExpiresAt.UTC()
		said.EndsAt = &ends
	}
	said.PrefixPaddingMS = ms(b.PrefixPaddingMS)
	if said.EndsAt == nil && said.PrefixPaddingMS == nil {
		return nil
	}
	return bodies(said)
}

// itemBodies are what an item says whichever event brings it: whose it is, where it
// stands if the event says so, and its words.
func itemBodies(h heard, response string, item realtime.Item, previous *string) []events.Body {
	placed := &events.SegmentPlaced{Call: h.call, Item: item.ID, Previous: previous, Speaker: speakerOf(item), Response: response}
	return append(bodies(placed), written(h, item)...)
}

// speakerOf an item that is no turn is nobody: it stays a link in the chain.
func speakerOf(item realtime.Item) events.Speaker {
	switch {
	case item.Type != "message" || strings.HasPrefix(item.ID, events.CarriedPrefix):
		return events.NoSpeaker
	case item.Role == "user":
		return events.Learner
	case item.Role == "assistant":
		return events.Tutor
	}
	return events.NoSpeaker
}

// written is the text that an item carries itself: what the tutor generated,
// what the learner typed, and what she said where a server writes that into the
// item; a transcription of its own comes later and replaces it.
func written(h heard, item realtime.Item) (kept []events.Body) {
	speaker := speakerOf(item)
	if speaker == events.NoSpeaker {
		return nil
	}
	for _, part := range item.Parts {
		kept = append(kept, transcribed(h, item.ID, events.Final, part))
	}
	if typed := speaker == events.Learner && !item.HasAudio; typed && len(kept) > 0 {
		kept = append(kept, &events.SegmentTimed{Call: h.call, Item: item.ID, StartedRecMS: h.arrival(), EndedRecMS: h.arrival(), MeasuredBy: events.ByArrival})
	}
	return kept
}

func transcribed(h heard, item string, status events.TranscriptStatus, part realtime.Part) *events.SegmentTranscribed {
	return &events.SegmentTranscribed{
		Call: h.call, Item: item, Part: part.Index, Status: status, Words: len(strings.Fields(part.Text)),
		Private: events.SegmentText{Text: part.Text},
	}
}

func spoken(h heard, response, item string, part realtime.Part) []events.Body {
	kept := bodies(&events.SegmentPlaced{Call: h.call, Item: item, Speaker: events.Tutor, Response: response})
	if part.Text != "" {
		kept = append(kept, transcribed(h, item, events.Final, part))
	}
	return kept
}

func transcription(h heard, b realtime.TranscriptionCompleted) []events.Body {
	status := events.Final
	switch {
	case b.Text == "":
		status = events.Empty
	case b.Prompted:
		status = events.Prompted
	}
	kept := bodies(transcribed(h, b.ItemID, status, realtime.Part{Index: b.ContentIndex, Text: b.Text}))
	if b.Usage != nil {
		kept = append(kept, &events.UsageRecorded{Call: h.call, Item: b.ItemID, Tokens: counted(*b.Usage)})
	}
	return kept
}

func responseDone(h heard, b realtime.ResponseDone) []events.Body {
	var kept []events.Body
	for _, item := range b.Items {
		kept = append(kept, itemBodies(h, b.ResponseID, item, nil)...)
		// One that is incomplete ran into a limit of the provider's; nobody spoke in.
		if speakerOf(item) == events.Tutor && b.Status == "cancelled" {
			kept = append(kept, &events.SegmentInterrupted{Call: h.call, Item: item.ID})
		}
	}
	if b.Usage != nil {
		kept = append(kept, &events.UsageRecorded{Call: h.call, Response: b.ResponseID, Tokens: counted(*b.Usage)})
	}
	return kept
}

// counted is what was used, by kind: tokens, and milliseconds of audio where that
// is what is paid for.
func counted(u realtime.Usage) map[string]int64 {
	counts := map[string]int64{}
	if ms := int64(math.Round(u.Seconds * 1000)); ms > 0 {
		counts["audio_ms"] = ms
	}
	for kind, n := range map[string]int{
		"input": u.InputTokens, "input_text": u.InputTextTokens, "input_audio": u.InputAudioTokens,
		"cached_text": u.CachedTextTokens, "cached_audio": u.CachedAudioTokens,
		"output": u.OutputTokens, "output_text": u.OutputTextTokens, "output_audio": u.OutputAudioTokens,
	} {
		if n > 0 {
			counts[kind] = int64(n)
		}
	}
	return counts
}

// Longest cause of a dropped call and content type of a recording, in bytes.
const maxPageText = 200

// pageBodies reads one of the page's own events; known is false for a name
// that this version does not have. Errors: CodeInvalid.
func pageBodies(h heard, name string, raw []byte, hash func(string) string) (kept []events.Body, known bool, err error) {
	var e struct {
		ProviderCallID string `json:"provider_call_id"`
		SinceClickMS   int64  `json:"since_click_ms"`
		Cause          string `json:"cause"`
		ContentType    string `json:"content_type"`
		ResponseID     string `json:"response_id"`
		AfterMS        int64  `json:"after_ms"`
		On             bool   `json:"on"`
		ItemID         string `json:"item_id"`
		HeldMS         int64  `json:"held_ms"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, true, events.Wrap(err, events.CodeInvalid, name+" does not decode")
	}
	for _, text := range []string{e.ProviderCallID, e.Cause, e.ContentType, e.ResponseID, e.ItemID} {
		if len(text) > maxPageText || !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
			return nil, true, events.Errorf(events.CodeInvalid, "a text of %s is too long or has control characters", name)
		}
	}
	switch strings.TrimPrefix(name, pageEventPrefix) {
	case "call_connected":
		return bodies(&events.CallConnected{Call: h.call, ProviderCall: hash(e.ProviderCallID), SinceClickMS: e.SinceClickMS, AtMS: h.atMS, RecMS: h.recMS}), true, nil
	case "call_dropped":
		return bodies(&events.CallDropped{Call: h.call, Cause: e.Cause}), true, nil
	case "recording_started":
		return bodies(&events.RecordingStarted{AtMS: h.atMS, ContentType: e.ContentType}), true, nil
	case "first_audio":
		return bodies(&events.ResponseMeasured{Call: h.call, Response: e.ResponseID, AfterMS: e.AfterMS}), true, nil
	case "recording_stopped":
		return bodies(&events.RecordingStopped{Cause: e.Cause, AtMS: h.atMS, RecMS: h.recMS}), true, nil
	case "talk_pressed": // its release tells when that was
		return nil, true, nil
	case "talk_released":
		return held(h, e.ItemID, e.HeldMS), true, nil
	case "muted":
		return bodies(&events.RecordingMuted{On: e.On, RecMS: h.recMS}), true, nil
	}
	return nil, false, nil
}

// held is the learner's turn of push-to-talk: the report's time is that of the
// release. Without an item nothing was said.
func held(h heard, item string, heldMS int64) []events.Body {
	if item == "" {
		return nil
	}
	released := *h.arrival()
	pressed := min(released, max(0, released-heldMS))
	return bodies(&events.SegmentTimed{Call: h.call, Item: item, StartedRecMS: &pressed, EndedRecMS: &released, MeasuredBy: events.ByPress})
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
