package s3

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"parley/events"
	"parley/projections/recording"
)

// Request is one that a browser can send to the store by itself.
type Request struct {
	Method  string
	URL     string
	Headers map[string]string // to be sent as they are; Content-Length comes from the body
}

// Presigns tells whether browsers reach the store. If not, uploads go through Put.
func (s *Store) Presigns() bool { return s.signer != nil }

// Presign gives the request that uploads o: its size, type and checksum and that
// nothing lies under its key are signed, so another body is refused by the store.
// It asks nobody. Errors: CodeInvalid for a wrong checksum or an expiry outside of
// a second to a week, CodeUnavailable when browsers do not reach the store.
func (s *Store) Presign(ctx context.Context, o recording.Object, expires time.Duration) (Request, error) {
	if !s.Presigns() {
		return Request{}, events.Errorf(events.CodeUnavailable, "browsers do not reach the object store")
	}
	sum, err := checksum(o.SHA256)
	if err != nil {
		return Request{}, err
	}
	headers := map[string]string{
		"Content-Type":  o.ContentType,
		"If-None-Match": "*",
		checksumHeader:  sum,
	}
	signed := http.Header{"Content-Length": {strconv.FormatInt(o.Size, 10)}}
	for name, value := range headers {
		signed.Set(name, value)
	}
	url, err := s.signer.PresignHeader(ctx, http.MethodPut, s.bucket, o.Key, expires, nil, signed)
	if err != nil {
		return Request{}, events.Wrap(err, events.CodeInvalid, "the upload cannot be signed")
	}
	return Request{Method: http.MethodPut, URL: url.String(), Headers: headers}, nil
}
