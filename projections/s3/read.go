package s3

import (
	"context"
	"errors"
	"io"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

// Head tells what lies under the key; see [recording.Objects].
func (s *Store) Head(ctx context.Context, key string) (recording.Object, error) {
	info, err := s.core.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return recording.Object{}, translate(err, "find the object")
	}
	return recording.Object{
		Key:         key,
		ContentType: info.ContentType,
		Size:        info.Size,
		SHA256:      hexSum(info.ChecksumSHA256),
		ETag:        info.ETag,
	}, nil
}

// Open reads an object, from the start or from wherever Seek has moved to, so it
// serves both the finalizer and http.ServeContent; see [recording.Objects].
func (s *Store) Open(ctx context.Context, o recording.Object) io.ReadSeekCloser {
	return &reader{ctx: ctx, store: s, object: o}
}

// reader has one ranged request open at a time, and none before the first Read.
// It holds the context of its opening, since io.Reader takes none.
type reader struct {
	ctx    context.Context
	store  *Store
	object recording.Object
	at     int64
	body   io.ReadCloser
}

// Read goes on from the present place.
func (r *reader) Read(p []byte) (int, error) {
	if r.at >= r.object.Size {
		return 0, io.EOF
	}
	if r.body == nil {
		if err := r.request(); err != nil {
			return 0, err
		}
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	switch {
	case err == nil, errors.Is(err, io.EOF) && r.at == r.object.Size:
		return n, err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, events.Wrap(err, events.CodeUnavailable, "the object store broke off")
}

// request asks for everything from the present place on, as long as the object is
// still the one that was opened.
func (r *reader) request() error {
	var options minio.GetObjectOptions
	if err := options.SetMatchETag(r.object.ETag); err != nil {
		return events.Wrap(err, events.CodeInvalid, "an object without an ETag cannot be opened")
	}
	if err := options.SetRange(r.at, r.object.Size-1); err != nil {
		return events.Wrap(err, events.CodeInternal, "the range is impossible")
	}
	body, _, _, err := r.store.core.GetObject(r.ctx, r.store.bucket, r.object.Key, options)
	if err != nil {
		return translate(err, "read the object")
	}
	r.body = body
	return nil
}

// Seek moves; the store hears of it with the next Read. Errors: CodeInvalid.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.object.Size
	}
	if offset < 0 {
		return r.at, events.Errorf(events.CodeInvalid, "there is nothing before the first byte")
	}
	if offset == r.at {
		return r.at, nil
	}
	r.at = offset
	return r.at, r.Close()
}

// Close ends the request that is open, if any.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	if err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the object store broke off")
	}
	return nil
}
