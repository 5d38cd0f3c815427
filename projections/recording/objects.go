package recording

import (
	"context"
	"io"

	"parley/events"
)

// Object is what the store says of one object, or is told of a new one.
type Object struct {
	Key         string
	ContentType string
	Size        int64  // bytes
	SHA256      string // hex, lower case; empty when the store does not know it
	ETag        string // what the store calls these very bytes; empty on a new object
}

// Objects is what the finalizer needs of the store. Its one implementation is
// projections/s3. Nothing in it overwrites.
type Objects interface {
	// Head tells what lies under the key. Errors: CodeNotFound, CodeUnavailable.
	Head(ctx context.Context, key string) (Object, error)

	// Open reads the object as it was when Head told of it. It asks the store at
	// the first Read, from where Seek has moved to. Errors of Read: CodeConflict
	// when other bytes lie there now, CodeNotFound, CodeUnavailable.
	Open(ctx context.Context, o Object) io.ReadSeekCloser

	// Put stores exactly o.Size bytes under a new key and lets the store check
	// them against o.SHA256. It answers with the object as stored.
	//
	// Errors: CodeAlreadyStored when anything lies under the key, CodeTooSmall
	// and CodeTooLarge for a body of another size, CodeChecksum, CodeUnavailable,
	// and those of body. After an error nothing was stored, or the answer was
	// lost and Head knows.
	Put(ctx context.Context, o Object, body io.Reader) (Object, error)

	// Remove deletes all versions of a key. A key that is not there is no error.
	// Errors: CodeUnavailable.
	Remove(ctx context.Context, key string) error

	// RemoveSession deletes everything of a session, all versions and unfinished
	// uploads, and tells how many there were. Errors: CodeUnavailable.
	RemoveSession(ctx context.Context, id events.SessionID) (int, error)
}

// IncomingKey is where the browser's file waits for the finalizer.
func IncomingKey(session events.SessionID, upload events.UploadID) string {
	return "incoming/" + string(session) + "/" + string(upload)
}

// AudioKey is where the audio made of an upload lies. Each upload has its own, so
// that finalizing never meets other bytes than it would write itself. The content
// type is one that [Inspect] accepted.
func AudioKey(session events.SessionID, upload events.UploadID, contentType string) string {
	key := "audio/" + string(session) + "/" + string(upload)
	if contentType == "audio/mp4" {
		return key + ".mp4"
	}
	return key + ".webm"
}

// SessionPrefixes are what the keys of everything of a session begin with.
func SessionPrefixes(session events.SessionID) []string {
	return []string{"incoming/" + string(session) + "/", "audio/" + string(session) + "/"}
}
