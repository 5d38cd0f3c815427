package main

import (
	"context"
	"io"
	"time"

	"parley/events"
	"parley/http"
	"parley/projections/recording"
	"parley/projections/s3"
)

// uploadStore gives the web door the object store in its own words; the names
// of objects stay with the recording rules.
type uploadStore struct{ store *s3.Store }

// Incoming names the object that an upload lies in.
func (u uploadStore) Incoming(session events.SessionID, upload events.UploadID) string {
	return recording.IncomingKey(session, upload)
}

func object(key string, what http.Announced) recording.Object {
	return recording.Object{Key: key, ContentType: what.ContentType, Size: what.Size, SHA256: what.SHA256}
}

// Sign lets a browser put the announced bytes, where it reaches the store.
func (u uploadStore) Sign(ctx context.Context, key string, what http.Announced, expiry time.Duration) (http.Signed, bool, error) {
	if !u.store.Presigns() {
		return http.Signed{}, false, nil
	}
	put, err := u.store.Presign(ctx, object(key, what), expiry)
	return http.Signed(put), true, err
}

// Put streams the announced bytes in.
func (u uploadStore) Put(ctx context.Context, key string, what http.Announced, body io.Reader) error {
	_, err := u.store.Put(ctx, object(key, what), body)
	return err
}

// Stat tells what lies there.
func (u uploadStore) Stat(ctx context.Context, key string) (http.Announced, error) {
	o, err := u.store.Head(ctx, key)
	return http.Announced{Size: o.Size, SHA256: o.SHA256, ContentType: o.ContentType}, err
}

// Open reads an object, seekable.
func (u uploadStore) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	o, err := u.store.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	return u.store.Open(ctx, o), nil
}

// Begin goes on with an upload in parts, or begins it.
func (u uploadStore) Begin(ctx context.Context, key string, what http.Announced) (http.Begun, error) {
	m, err := u.store.Begin(ctx, object(key, what))
	if err != nil {
		return http.Begun{}, err
	}
	arrived, err := u.store.Arrived(ctx, m)
	begun := http.Begun{Object: m.Key, ID: m.ID}
	for _, p := range arrived {
		begun.Parts = append(begun.Parts, http.Part(p))
	}
	return begun, err
}

// SignPart lets a browser put that part, where it reaches the store.
func (u uploadStore) SignPart(ctx context.Context, b http.Begun, p http.Part, expiry time.Duration) (http.Signed, bool, error) {
	if !u.store.Presigns() {
		return http.Signed{}, false, nil
	}
	put, err := u.store.PresignPart(ctx, s3.Multipart{Key: b.Object, ID: b.ID}, s3.Part(p), expiry)
	return http.Signed(put), true, err
}

// PutPart streams a part in.
func (u uploadStore) PutPart(ctx context.Context, b http.Begun, p http.Part, body io.Reader) error {
	return u.store.PutPart(ctx, s3.Multipart{Key: b.Object, ID: b.ID}, s3.Part(p), body)
}

// Assemble makes the whole of n parts.
func (u uploadStore) Assemble(ctx context.Context, b http.Begun, n int) error {
	return u.store.Assemble(ctx, s3.Multipart{Key: b.Object, ID: b.ID}, n)
}
