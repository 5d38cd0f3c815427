package recording

import (
	"slices"
	"testing"

	"parley/events"
)

func TestNeeds(t *testing.T) {
	landed := func(upload events.UploadID, key string) events.Body {
		return &events.UploadCompleted{Upload: upload, Object: key}
	}
	refused := func(upload events.UploadID, why Reason) events.Body {
		return &events.AudioRejected{Upload: upload, Reason: string(why)}
	}
	audio := func(upload events.UploadID) events.Body {
		return &events.AudioFinalized{Upload: upload, Object: "audio/" + string(upload)}
	}
	for _, given := range []struct {
		name   string
		events []events.Body
		want   []string
	}{
		{"a file that waits", []events.Body{landed("1", "in/1")}, []string{"in/1"}},
		{"a file that was refused", []events.Body{landed("1", "in/1"), refused("1", ReasonCodec)}, []string{"in/1"}},
		{"the audio instead of its file", []events.Body{landed("1", "in/1"), audio("1")}, []string{"audio/1"}},
		{"the refused file beside the audio of another", []events.Body{landed("1", "in/1"), refused("1", ReasonCodec), landed("2", "in/2"), audio("2")}, []string{"in/1", "audio/2"}},
		{"no refused file of which an operator had the audio made", []events.Body{landed("1", "in/1"), refused("1", ReasonUndecided), landed("2", "in/1"), audio("2")}, []string{"audio/2"}},
		{"a file that was not there", []events.Body{landed("1", "in/1"), refused("1", ReasonMissing)}, []string{"in/1"}},
		{"it no longer when there is audio", []events.Body{landed("1", "in/1"), refused("1", ReasonMissing), landed("2", "in/2"), audio("2")}, []string{"audio/2"}},
		{"nothing of a deleted session", []events.Body{landed("1", "in/1"), audio("1"), &events.SessionDeleteRequested{}}, nil},
	} {
		t.Run(given.name, func(t *testing.T) {
			needs := NewNeeds()
			for _, b := range given.events {
				needs.Evolve(events.Event{Body: b})
			}
			var got []string
			for _, o := range needs.Objects() {
				got = append(got, o.Key)
			}
			if !slices.Equal(got, given.want) {
				t.Errorf("got %v, want %v", got, given.want)
			}
		})
	}
}
