package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"parley/cmd/parley/embedded"
)

// pieceSize is how much a part of a long recording holds.
const pieceSize = 8 << 20

// recorded is a file with the checksums that have to be announced.
type recorded struct {
	bytes  []byte
	sum    string
	pieces []string // checksums of the parts
}

func newRecorded(file []byte) recorded {
	r := recorded{bytes: file, sum: checksum(file)}
	for piece := range slices.Chunk(file, pieceSize) {
		r.pieces = append(r.pieces, checksum(piece))
	}
	return r
}

// perSecond is how many megabytes a second it takes to move the file in that time.
func (r recorded) perSecond(took time.Duration) float64 {
	return float64(len(r.bytes)) / 1e6 / took.Seconds()
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// upload measures our upload endpoint, whole and in parts, beside what minio-go
// puts into the same store.
func (b *bench) upload(ctx context.Context) error {
	dir := b.folder("upload")
	how := start{dir: dir, roles: "web,projector"} // no worker takes processor time for what was uploaded before
	return b.serving(ctx, how, 1, func(_ *program, l *learner) error {
		store, err := openShelf(ctx, dir)
		if err != nil {
			return err
		}
		file, err := b.recording(b.plan.recorded)
		if err != nil {
			return err
		}
		r := newRecorded(file)
		sides := []side{l.uploading(r, false), store.putting(r, false), l.uploading(r, true), store.putting(r, true)}
		medians, err := b.plan.measure(ctx, sides...)
		if err != nil {
			return err
		}
		b.report.add(
			beside("upload_whole", medians[0].rate, megabytes, medians[1].rate),
			beside("upload_parts", medians[2].rate, megabytes, medians[3].rate))
		return nil
	})
}

// upload is what a page is told to send.
type upload struct {
	ID    string `json:"upload_id"`
	Parts []struct {
		N      int `json:"n"`
		Offset int `json:"offset"`
		Size   int `json:"size"`
	} `json:"parts"`
}

// announce asks for an upload, in parts or whole.
func (r *reporter) announce(ctx context.Context, file recorded, inParts bool) (upload, error) {
	what := map[string]any{"size": len(file.bytes), "sha256": file.sum, "content_type": "audio/webm", "duration_ms": 0}
	if inParts {
		what["part_sha256"] = file.pieces
	}
	var u upload
	err := r.learner.ask(ctx, http.MethodPost, r.path("/upload"), what, &u)
	return u, err
}

// send puts all parts through our server, one after the other.
func (r *reporter) send(ctx context.Context, u upload, file recorded) error {
	for i, part := range u.Parts {
		headers := map[string]string{"Content-Type": "audio/webm"}
		if len(u.Parts) > 1 {
			sum, err := hex.DecodeString(file.pieces[i])
			if err != nil {
				return err
			}
			headers["x-amz-checksum-sha256"] = base64.StdEncoding.EncodeToString(sum)
		}
		body := bytes.NewReader(file.bytes[part.Offset : part.Offset+part.Size])
		if err := r.learner.put(ctx, r.path(fmt.Sprintf("/upload/%s/%d", u.ID, part.N)), headers, body); err != nil {
			return err
		}
	}
	return nil
}

// complete tells that all is sent.
func (r *reporter) complete(ctx context.Context, u upload) error {
	return r.learner.ask(ctx, http.MethodPost, r.path("/upload/"+u.ID+"/complete"), nil, nil)
}

// put sends bytes; any refusal is an error.
func (l *learner) put(ctx context.Context, path string, headers map[string]string, body io.Reader) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, l.base+path, body)
	if err != nil {
		return err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("PUT %s: %s: %s", path, response.Status, answer)
	}
	return err
}

// uploading is a side in which a new session's recording is sent. In parts, putting
// them together belongs to it, as it does to the baseline.
func (l *learner) uploading(file recorded, inParts bool) side {
	return func(ctx context.Context) (sample, error) {
		pages, err := l.sessions(ctx, 1)
		if err != nil {
			return sample{}, err
		}
		u, err := pages[0].announce(ctx, file, inParts)
		if err != nil {
			return sample{}, err
		}
		began := time.Now()
		err = pages[0].send(ctx, u, file)
		if err == nil && inParts {
			err = pages[0].complete(ctx, u)
		}
		return sample{rate: file.perSecond(time.Since(began))}, err
	}
}

// shelf is the store as a plain client has it.
type shelf struct {
	client *minio.Client
	bucket string
}

// openShelf connects to the store of the program that runs on a folder.
func openShelf(ctx context.Context, dir string) (*shelf, error) {
	at, err := embedded.ReadConnection(dir)
	if err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(at.S3.Endpoint)
	if err != nil {
		return nil, err
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewStaticV4(at.S3.AccessKey, at.S3.SecretKey, ""), Secure: endpoint.Scheme == "https", Region: at.S3.Region,
	})
	if err != nil {
		return nil, err
	}
	s := &shelf{client, "bench"}
	return s, client.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: at.S3.Region})
}

// putting is a side in which minio-go puts the file, and takes it away again.
func (s *shelf) putting(file recorded, inParts bool) side {
	options := minio.PutObjectOptions{ContentType: "audio/webm", DisableMultipart: !inParts, PartSize: pieceSize, NumThreads: 1}
	return func(ctx context.Context) (sample, error) {
		began := time.Now()
		_, err := s.client.PutObject(ctx, s.bucket, "recording", bytes.NewReader(file.bytes), int64(len(file.bytes)), options)
		took := time.Since(began)
		if err != nil {
			return sample{}, err
		}
		return sample{p50: took, rate: file.perSecond(took)},
			s.client.RemoveObject(ctx, s.bucket, "recording", minio.RemoveObjectOptions{})
	}
}
