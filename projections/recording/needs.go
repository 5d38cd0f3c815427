package recording

import (
	"maps"
	"slices"
	"strings"
	"time"

	"parley/events"
)

// Needs is what a session's events point at in the store, or are about to, folded from
// all of them.
type Needs struct {
	known     bool
	gone      bool
	announced events.UploadID // the latest
	at        time.Time       // when it was announced last
	completed map[events.UploadID]Object
	refused   map[events.UploadID]Reason
	audio     map[events.UploadID]Object
	levels    string
}

// NewNeeds are those of a session without events.
func NewNeeds() *Needs {
	return &Needs{completed: map[events.UploadID]Object{}, refused: map[events.UploadID]Reason{}, audio: map[events.UploadID]Object{}}
}

// Evolve takes in the session's next event.
func (n *Needs) Evolve(e events.Event) {
	n.known = true
	switch b := e.Body.(type) {
	case *events.UploadRequested:
		n.announced, n.at = b.Upload, e.Time
	case *events.UploadCompleted:
		n.completed[b.Upload] = Object{Key: b.Object, Size: b.Size, SHA256: b.SHA256}
	case *events.AudioRejected:
		n.refused[b.Upload] = Reason(b.Reason)
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
// session. The incoming file of the audio is not, since the audio was made of it; nor,
// once there is audio, is a file that was refused for not being there.
func (n *Needs) Objects() []Object {
	if n.gone {
		return nil
	}
	var all []Object
	for _, upload := range slices.Sorted(maps.Keys(n.completed)) {
		missed := n.refused[upload] == ReasonMissing && len(n.audio) > 0
		if o := n.completed[upload]; !missed && !n.becameAudio(o.Key) {
			all = append(all, o)
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

// becameAudio tells whether audio was made of what lay under the key. Several uploads
// share one when an operator has a refused file looked at again.
func (n *Needs) becameAudio(key string) bool {
	for upload := range n.audio {
		if n.completed[upload].Key == key {
			return true
		}
	}
	return false
}

// points tells whether an event points at the key, or one may that a worker is about to
// append: of the audio of an upload on which no finalizer has decided, of its levels.
func (n *Needs) points(key string) bool {
	if n.gone {
		return false
	}
	upload, kind := uploadOf(key)
	_, landed := n.completed[upload]
	_, isRefused := n.refused[upload]
	_, isAudio := n.audio[upload]
	return landed && !isRefused && !isAudio ||
		isAudio && n.levels == "" && kind == "levels" ||
		slices.ContainsFunc(n.Objects(), func(o Object) bool { return o.Key == key })
}

// awaits tells whether the key is that of the upload which a browser may still complete,
// or might have until margin ago.
func (n *Needs) awaits(key string, now time.Time, margin time.Duration) bool {
	upload, _ := uploadOf(key)
	_, landed := n.completed[upload]
	return !n.gone && upload == n.announced && !landed && now.Sub(n.at) < events.UploadLasts+margin
}

// uploadOf reads of which upload a key is, and of what kind; an incoming file has none.
func uploadOf(key string) (id events.UploadID, kind string) {
	name, kind, _ := strings.Cut(key[strings.LastIndexByte(key, '/')+1:], ".")
	return events.UploadID(name), kind
}

// SessionOf reads whose a key is. ok is false for one that Parley does not write.
func SessionOf(key string) (id events.SessionID, ok bool) {
	place, rest, _ := strings.Cut(key, "/")
	session, name, _ := strings.Cut(rest, "/")
	id, err := events.ParseID[events.SessionID](session)
	return id, err == nil && name != "" && (place == "incoming" || place == "audio")
}
