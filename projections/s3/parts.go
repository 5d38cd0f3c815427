package s3

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

// Part is a piece of an object that comes in parts.
type Part struct {
	N      int    // from 1
	Size   int64  // bytes; at least 5 MiB, but for the last one
	SHA256 string // hex
}

// Multipart is an object that has begun to come in parts.
type Multipart struct {
	Key string
	ID  string // the store's name for it
}

// Begin finds what has begun under the key of o, or begins it. Nobody has to remember
// an id: when several have begun at once, all choose the same one. Errors:
// CodeAlreadyStored when the object is whole, CodeUnavailable.
func (s *Store) Begin(ctx context.Context, o recording.Object) (Multipart, error) {
	_, err := s.Head(ctx, o.Key)
	if err == nil {
		return Multipart{}, events.Errorf(events.CodeAlreadyStored, "an object of that key is there already")
	}
	if events.CodeOf(err) != events.CodeNotFound {
		return Multipart{}, err
	}
	begun, err := s.begun(ctx, o.Key)
	if err != nil || begun.ID != "" {
		return begun, err
	}
	options := minio.PutObjectOptions{ContentType: o.ContentType, UserMetadata: map[string]string{
		"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "COMPOSITE",
	}}
	if _, err := s.core.NewMultipartUpload(ctx, s.bucket, o.Key, options); err != nil {
		return Multipart{}, translate(err, "begin the upload")
	}
	return s.begun(ctx, o.Key)
}

// begun chooses the oldest upload under the key; its ID is empty when there is none.
func (s *Store) begun(ctx context.Context, key string) (Multipart, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	chosen, since := Multipart{Key: key}, time.Time{}
	for found := range s.core.ListIncompleteUploads(ctx, s.bucket, key, true) {
		if found.Err != nil {
			return Multipart{}, translate(found.Err, "list unfinished uploads")
		}
		older := found.Initiated.Compare(since)
		if found.Key == key && (chosen.ID == "" || older < 0 || older == 0 && found.UploadID < chosen.ID) {
			chosen.ID, since = found.UploadID, found.Initiated
		}
	}
	return chosen, ended(ctx)
}

// Arrived lists the parts that are there, in order. Errors: CodeNotFound when the
// upload is no longer unfinished, CodeUnavailable.
func (s *Store) Arrived(ctx context.Context, m Multipart) ([]Part, error) {
	var parts []Part
	err := s.eachPart(ctx, m, func(p minio.ObjectPart) {
		parts = append(parts, Part{p.PartNumber, p.Size, hexSum(p.ChecksumSHA256)})
	})
	return parts, err
}

func (s *Store) eachPart(ctx context.Context, m Multipart, visit func(minio.ObjectPart)) error {
	for after, more := 0, true; more; {
		list, err := s.core.ListObjectParts(ctx, s.bucket, m.Key, m.ID, after, 1000)
		if err != nil {
			return translate(err, "list the parts")
		}
		for _, p := range list.ObjectParts {
			visit(p)
		}
		after, more = list.NextPartNumberMarker, list.IsTruncated
	}
	return nil
}

// PresignPart gives the request that uploads a part: size and checksum are signed. A
// part may be sent again and then replaces itself; If-None-Match is not for parts.
// Errors: as Presign's.
func (s *Store) PresignPart(ctx context.Context, m Multipart, p Part, expires time.Duration) (Request, error) {
	if !s.Presigns() {
		return Request{}, events.Errorf(events.CodeUnavailable, "browsers do not reach the object store")
	}
	sum, err := checksum(p.SHA256)
	if err != nil {
		return Request{}, err
	}
	signed := http.Header{"Content-Length": {strconv.FormatInt(p.Size, 10)}}
	signed.Set(checksumHeader, sum)
	query := url.Values{"partNumber": {strconv.Itoa(p.N)}, "uploadId": {m.ID}}
	at, err := s.signer.PresignHeader(ctx, http.MethodPut, s.bucket, m.Key, expires, query, signed)
	if err != nil {
		return Request{}, events.Wrap(err, events.CodeInvalid, "the part cannot be signed")
	}
	return Request{Method: http.MethodPut, URL: at.String(), Headers: map[string]string{checksumHeader: sum}}, nil
}

// PutPart streams a part in, of exactly the size, which the store checks against the
// checksum. Errors: CodeTooSmall, CodeTooLarge, CodeChecksum, CodeNotFound when the
// upload is no longer unfinished, CodeUnavailable, and those of body.
func (s *Store) PutPart(ctx context.Context, m Multipart, p Part, body io.Reader) error {
	sum, err := checksum(p.SHA256)
	if err != nil {
		return err
	}
	header := http.Header{}
	header.Set(checksumHeader, sum)
	exact := &exactly{r: bufio.NewReader(body), left: p.Size}
	options := minio.PutObjectPartOptions{CustomHeader: header, DisableContentSha256: true}
	_, err = s.core.PutObjectPart(ctx, s.bucket, m.Key, m.ID, p.N, exact, p.Size, options)
	if exact.err != nil {
		return exact.err
	}
	return translate(err, "keep the part")
}

// Assemble makes the object of the parts that have arrived, and lets go of what else
// has begun under its key. That it is whole already is as good. Errors: CodeConflict
// when these are not parts 1 to n, CodeTooSmall, CodeUnavailable.
func (s *Store) Assemble(ctx context.Context, m Multipart, n int) error {
	var parts []minio.CompletePart
	err := s.eachPart(ctx, m, func(p minio.ObjectPart) {
		parts = append(parts, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag, ChecksumSHA256: p.ChecksumSHA256})
	})
	if err == nil {
		if err = inOrder(parts, n); err != nil {
			return err
		}
		_, err = s.core.CompleteMultipartUpload(ctx, s.bucket, m.Key, m.ID, parts, minio.PutObjectOptions{})
	}
	if err = translate(err, "assemble the object"); events.CodeOf(err) == events.CodeNotFound {
		_, err = s.Head(ctx, m.Key) // another request assembled it
	}
	if err != nil {
		return err
	}
	_, err = s.removeUnfinished(ctx, m.Key, func(key string) bool { return key == m.Key })
	return err
}

func inOrder(parts []minio.CompletePart, n int) error {
	there := map[int]bool{}
	for _, p := range parts {
		there[p.PartNumber] = true
	}
	var missing []string
	for i := range n {
		if !there[i+1] {
			missing = append(missing, strconv.Itoa(i+1))
		}
	}
	if len(missing) > 0 {
		return events.Errorf(events.CodeConflict, "the recording's parts %s have not arrived; send them first", strings.Join(missing, ", "))
	}
	if len(parts) > n {
		return events.Errorf(events.CodeConflict, "%d parts arrived instead of %d", len(parts), n)
	}
	return nil
}
