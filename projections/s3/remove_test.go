package s3

import (
	"bytes"
	"testing"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

const (
	mine   = events.SessionID("01JD0000000000000000000001")
	theirs = events.SessionID("01JD0000000000000000000002")
)

func TestRemove(t *testing.T) {
	s := setup(t)
	put(t, s, "key", 10)
	put(t, s, "key2", 10)
	for range 2 { // the second time there is nothing left
		if err := s.Remove(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Head(t.Context(), "key"); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("still there: %v", err)
	}
	if _, err := s.Head(t.Context(), "key2"); err != nil {
		t.Errorf("the neighbour is gone: %v", err)
	}
}

func TestRemoveSession(t *testing.T) {
	s := setup(t)
	if err := s.core.EnableVersioning(t.Context(), s.bucket); err != nil {
		t.Fatal(err)
	}
	for _, id := range []events.SessionID{mine, theirs} {
		put(t, s, recording.IncomingKey(id, "01JD000000000000000000000A"), 10)
		put(t, s, recording.AudioKey(id, "01JD000000000000000000000A", "audio/webm"), 10)
		overwrite(t, s, recording.AudioKey(id, "01JD000000000000000000000A", "audio/webm"))
		begin(t, s, recording.IncomingKey(id, "01JD000000000000000000000B"))
	}
	markDeleted(t, s, recording.AudioKey(mine, "01JD000000000000000000000A", "audio/webm"))

	n, err := s.RemoveSession(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if n != 5 { // incoming, two versions, a delete marker, an unfinished upload
		t.Errorf("removed %d, want 5", n)
	}
	if left := census(t, s, mine); left != 0 {
		t.Errorf("%d of the session's are left", left)
	}
	if left := census(t, s, theirs); left != 4 {
		t.Errorf("%d of the other session's are left, want all 4", left)
	}
	if n, err := s.RemoveSession(t.Context(), mine); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// overwrite makes a second version, as a store's own tools could.
func overwrite(t *testing.T, s *Store, key string) {
	t.Helper()
	_, err := s.core.Client.PutObject(t.Context(), s.bucket, key, bytes.NewReader([]byte("again")), 5, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// begin leaves an upload of parts unfinished.
func begin(t *testing.T, s *Store, key string) {
	t.Helper()
	id, err := s.core.NewMultipartUpload(t.Context(), s.bucket, key, minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.core.PutObjectPart(t.Context(), s.bucket, key, id, 1, bytes.NewReader([]byte("part")), 4, minio.PutObjectPartOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func markDeleted(t *testing.T, s *Store, key string) {
	t.Helper()
	if err := s.core.RemoveObject(t.Context(), s.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

// census counts what the store holds of a session.
func census(t *testing.T, s *Store, id events.SessionID) int {
	t.Helper()
	n := 0
	for _, prefix := range recording.SessionPrefixes(id) {
		options := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}
		for o := range s.core.Client.ListObjects(t.Context(), s.bucket, options) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			n++
		}
		for u := range s.core.ListIncompleteUploads(t.Context(), s.bucket, prefix, true) {
			if u.Err != nil {
				t.Fatal(u.Err)
			}
			n++
		}
	}
	return n
}
