package realtime

import "cmp"

// reader makes the body of one kind of event.
type reader func(wireEvent) (Body, error)

// readers lists every known event by its GA and its beta name.
var readers = map[string]reader{
	"session.created": readSession,
	"session.updated": readSession,

	"conversation.item.added":     readItemAdded,
	"conversation.item.created":   readItemAdded, // beta
	"conversation.item.done":      readItemDone,
	"conversation.item.truncated": readTruncated,
	"conversation.item.deleted":   readDeleted,

	"input_audio_buffer.speech_started":    readSpeechStarted,
	"input_audio_buffer.speech_stopped":    readSpeechStopped,
	"input_audio_buffer.committed":         readCommitted,
	"input_audio_buffer.timeout_triggered": readTimeout,

	"conversation.item.input_audio_transcription.completed": readTranscription,
	"conversation.item.input_audio_transcription.failed":    readTranscriptionFailed,

	"response.created":           readResponseCreated,
	"response.done":              readResponseDone,
	"response.output_item.added": readOutputItemAdded,
	"response.output_item.done":  readOutputItemDone,

	"response.output_audio_transcript.done": readOutputTranscript,
	"response.audio_transcript.done":        readOutputTranscript, // beta
	"response.output_text.done":             readOutputText,
	"response.text.done":                    readOutputText, // beta

	"output_audio_buffer.started": readAudioStarted,
	"output_audio_buffer.stopped": readAudioStopped,
	"output_audio_buffer.cleared": readAudioCleared,

	"error": readError,

	"conversation.created":                                ignore,
	"conversation.item.retrieved":                         ignore,
	"input_audio_buffer.cleared":                          ignore,
	"input_audio_buffer.dtmf_event_received":              ignore,
	"rate_limits.updated":                                 ignore,
	"response.content_part.added":                         ignore,
	"response.content_part.done":                          ignore,
	"response.output_audio.delta":                         ignore,
	"response.output_audio.done":                          ignore,
	"response.audio.delta":                                ignore, // beta
	"response.audio.done":                                 ignore, // beta
	"response.output_audio_transcript.delta":              ignore,
	"response.audio_transcript.delta":                     ignore, // beta
	"response.output_text.delta":                          ignore,
	"response.text.delta":                                 ignore, // beta
	"response.function_call_arguments.delta":              ignore,
	"response.function_call_arguments.done":               ignore,
	"conversation.item.input_audio_transcription.delta":   ignore,
	"conversation.item.input_audio_transcription.segment": ignore,
	"mcp_list_tools.in_progress":                          ignore,
	"mcp_list_tools.completed":                            ignore,
	"mcp_list_tools.failed":                               ignore,
	"response.mcp_call_arguments.delta":                   ignore,
	"response.mcp_call_arguments.done":                    ignore,
	"response.mcp_call.in_progress":                       ignore,
	"response.mcp_call.completed":                         ignore,
	"response.mcp_call.failed":                            ignore,
}

func ignore(wireEvent) (Body, error) { return Ignored{}, nil }

func readSession(wire wireEvent) (Body, error) { return wire.Session.describe(), nil }

func readItemAdded(wire wireEvent) (Body, error) {
	added := ItemAdded{PreviousItemID: nullable(wire.PreviousItemID), Item: wire.Item.item()}
	if added.PreviousItemID != nil {
		return required(added, wire.Item.ID, wire.PreviousItemID)
	}
	return required(added, wire.Item.ID)
}

func readItemDone(wire wireEvent) (Body, error) {
	return required(ItemDone{Item: wire.Item.item()}, wire.Item.ID)
}

func readTruncated(wire wireEvent) (Body, error) {
	return required(Truncated{
		ItemID: wire.ItemID, ContentIndex: wire.part(), AudioEndMS: wire.AudioEndMS.told(),
	}, wire.ItemID)
}

func readDeleted(wire wireEvent) (Body, error) {
	return required(Deleted{ItemID: wire.ItemID}, wire.ItemID)
}

func readSpeechStarted(wire wireEvent) (Body, error) {
	return required(SpeechStarted{ItemID: wire.ItemID, AudioStartMS: wire.AudioStartMS.told()}, wire.ItemID)
}

func readSpeechStopped(wire wireEvent) (Body, error) {
	return required(SpeechStopped{ItemID: wire.ItemID, AudioEndMS: wire.AudioEndMS.told()}, wire.ItemID)
}

func readCommitted(wire wireEvent) (Body, error) {
	committed := Committed{ItemID: wire.ItemID, PreviousItemID: nullable(wire.PreviousItemID)}
	if committed.PreviousItemID != nil {
		return required(committed, wire.ItemID, wire.PreviousItemID)
	}
	return required(committed, wire.ItemID)
}

func readTimeout(wire wireEvent) (Body, error) {
	return required(TimeoutTriggered{
		ItemID: wire.ItemID, AudioStartMS: wire.AudioStartMS.told(), AudioEndMS: wire.AudioEndMS.told(),
	}, wire.ItemID)
}

func readTranscription(wire wireEvent) (Body, error) {
	text, err := wire.Transcript.words()
	if err != nil {
		return nil, err
	}
	return required(TranscriptionCompleted{
		ItemID: wire.ItemID, ContentIndex: wire.part(), Text: text, Prompted: wire.Prompted, Usage: wire.Usage.usage(),
	}, wire.ItemID)
}

func readTranscriptionFailed(wire wireEvent) (Body, error) {
	return required(TranscriptionFailed{
		ItemID: wire.ItemID, ContentIndex: wire.part(), Code: wire.Error.code(),
	}, wire.ItemID)
}

func readResponseCreated(wire wireEvent) (Body, error) {
	return required(ResponseCreated{ResponseID: wire.Response.ID}, wire.Response.ID)
}

func readResponseDone(wire wireEvent) (Body, error) {
	done := ResponseDone{
		ResponseID: wire.Response.ID, Status: wire.Response.Status,
		Reason: wire.Response.reason(),
		Usage:  cmp.Or(wire.Response.Usage.usage(), wire.Usage.usage()), // some tell it beside the response
	}
	for _, output := range wire.Response.Output {
		if badID(output.ID) == nil {
			done.Items = append(done.Items, output.item())
		}
	}
	return required(done, done.ResponseID)
}

func readOutputItemAdded(wire wireEvent) (Body, error) {
	return required(OutputItemAdded{ResponseID: wire.ResponseID, Item: wire.Item.item()},
		wire.ResponseID, wire.Item.ID)
}

func readOutputItemDone(wire wireEvent) (Body, error) {
	return required(OutputItemDone{ResponseID: wire.ResponseID, Item: wire.Item.item()},
		wire.ResponseID, wire.Item.ID)
}

func readOutputTranscript(wire wireEvent) (Body, error) {
	text, err := wire.Transcript.words()
	if err != nil {
		return nil, err
	}
	return required(OutputTranscriptDone{
		ResponseID: wire.ResponseID, ItemID: wire.ItemID, ContentIndex: wire.part(), Text: text,
	}, wire.ResponseID, wire.ItemID)
}

func readOutputText(wire wireEvent) (Body, error) {
	text, err := wire.Text.words()
	if err != nil {
		return nil, err
	}
	return required(OutputTextDone{
		ResponseID: wire.ResponseID, ItemID: wire.ItemID, ContentIndex: wire.part(), Text: text,
	}, wire.ResponseID, wire.ItemID)
}

func readAudioStarted(wire wireEvent) (Body, error) {
	return required(OutputAudioStarted{ResponseID: wire.ResponseID}, wire.ResponseID)
}

func readAudioStopped(wire wireEvent) (Body, error) {
	return required(OutputAudioStopped{ResponseID: wire.ResponseID}, wire.ResponseID)
}

func readAudioCleared(wire wireEvent) (Body, error) {
	return required(OutputAudioCleared{ResponseID: wire.ResponseID}, wire.ResponseID)
}

func readError(wire wireEvent) (Body, error) {
	if wire.Error == nil {
		return ProviderError{}, nil
	}
	return ProviderError{Code: wire.Error.code(), Message: wire.Error.Message}, nil
}
