package s3

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

const checksumHeader = "x-amz-checksum-sha256"

// Put streams a new object into the store; see [recording.Objects].
func (s *Store) Put(ctx context.Context, o recording.Object, body io.Reader) (recording.Object, error) {
	sum, err := checksum(o.SHA256)
	if err != nil {
		return recording.Object{}, err
	}
	options := minio.PutObjectOptions{
		ContentType:      o.ContentType,
		UserMetadata:     map[string]string{checksumHeader: sum}, // minio-go's way to send a header
		DisableMultipart: true,                                   // parts would have no checksum of the whole
	}
	options.SetMatchETagExcept("*")
	exact := &exactly{r: bufio.NewReader(body), left: o.Size}
	info, err := s.core.Client.PutObject(ctx, s.bucket, o.Key, exact, o.Size, options)
	switch {
	case exact.err != nil:
		return recording.Object{}, exact.err
	case events.CodeOf(translate(err, "")) == events.CodeConflict:
		return recording.Object{}, events.Wrap(err, events.CodeAlreadyStored, "an object of that key is there already")
	case err != nil:
		return recording.Object{}, translate(err, "keep the object")
	}
	o.ETag = info.ETag
	return o, nil
}

// exactly reads a body of an announced size. It gives its last bytes away only once
// it knows that none follow, so that a longer body never arrives complete.
type exactly struct {
	r    *bufio.Reader
	left int64
	err  error
}

// Read gives CodeTooSmall or CodeTooLarge for a body of another size.
func (e *exactly) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if e.left > 0 {
		if errors.Is(err, io.EOF) {
			err = events.Errorf(events.CodeTooSmall, "%d bytes fewer came than were announced", e.left)
		}
		e.err = err
		return n, err
	}
	if _, err := e.r.Peek(1); !errors.Is(err, io.EOF) {
		if err == nil {
			err = events.Errorf(events.CodeTooLarge, "more bytes came than were announced")
		}
		e.err = err
		return 0, err
	}
	return n, io.EOF
}

// checksum turns hex into what S3 wants.
func checksum(sha256 string) (string, error) {
	sum, err := hex.DecodeString(sha256)
	if err != nil || len(sum) != 32 {
		return "", events.Errorf(events.CodeInvalid, "a SHA-256 has 64 hexadecimal digits")
	}
	return base64.StdEncoding.EncodeToString(sum), nil
}

// hexSum turns what S3 tells into hex; empty for no checksum or that of parts.
func hexSum(sum string) string {
	b, err := base64.StdEncoding.DecodeString(sum)
	if err != nil || len(b) != 32 {
		return ""
	}
	return hex.EncodeToString(b)
}
