package recording

import (
	"maps"
	"slices"
	"strings"

	"parley/events"
)

// Needs is what a session's events point at in the store, folded from all of them.
type Needs struct {
	known     bool
	gone      bool
	completed map[events.UploadID]Object
	audio     map[events.UploadID]Object
	levels    string
}

// NewNeeds are those of a session without events.
func NewNeeds() *Needs {
	return &Needs{completed: map[events.UploadID]Object{}, audio: map[events.UploadID]Object{}}
}

// Evolve takes in the session's next event.
func (n *Needs) Evolve(e events.Event) {
	n.known = true
	switch b := e.Body.(type) {
	case *events.UploadCompleted:
		n.completed[b.Upload] = Object{Key: b.Object, Size: b.Size, SHA256: b.SHA256}
	case *events.AudioFinalized:
		n.audio[b.Upload] = Object{Key: b.Object, Size: b.Size, SHA256: b.SHA256}
	case *events.AudioMeasured:
		n.levels = b.Object
	case *events.SessionDeleteRequested, *events.SessionErased:
		n.gone = true
	}
}

// Objects are those that must lie in the store; size and checksum are empty where no
// event tells them. Files that were refused are among them: they stay as long as their
// session. The incoming file of the audio is not, since the audio was made of it.
func (n *Needs) Objects() []Object {
	if n.gone {
		return nil
	}
	var all []Object
	for _, upload := range slices.Sorted(maps.Keys(n.completed)) {
		if _, made := n.audio[upload]; !made {
			all = append(all, n.completed[upload])
		}
	}
	for _, upload := range slices.Sorted(maps.Keys(n.audio)) {
		all = append(all, n.audio[upload])
	}
	if n.levels != "" {
		all = append(all, Object{Key: n.levels})
	}
	return all
}

// points tells whether an event points at the key.
func (n *Needs) points(key string) bool {
	return slices.ContainsFunc(n.Objects(), func(o Object) bool { return o.Key == key })
}

// SessionOf reads whose a key is. ok is false for one that Parley does not write.
func SessionOf(key string) (id events.SessionID, ok bool) {
	place, rest, _ := strings.Cut(key, "/")
	session, name, _ := strings.Cut(rest, "/")
	id, err := events.ParseID[events.SessionID](session)
	return id, err == nil && name != "" && (place == "incoming" || place == "audio")
}
