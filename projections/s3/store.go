package s3

import (
	"context"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"parley/events"
	"parley/projections/erasure"
	"parley/projections/recording"
)

var (
	_ recording.Objects = (*Store)(nil)
	_ erasure.Objects   = (*Store)(nil)
)

// Config says where the store is.
type Config struct {
	Endpoint  string // http(s)://host:port as the server reaches it
	Region    string // contained in signatures; default us-east-1
	AccessKey string
	SecretKey string
	Bucket    string // made by Open if it is not there

	// PublicEndpoint is the store as browsers reach it; empty when they cannot,
	// so that every upload goes through the server.
	PublicEndpoint string

	// Transport is for requests to Endpoint; default is minio-go's own.
	Transport http.RoundTripper
}

// Store is a bucket.
type Store struct {
	core   minio.Core
	signer *minio.Client // nil without a public endpoint
	bucket string
}

// attempts bounds minio-go's own repetition of requests; workers repeat whole steps.
const attempts = 3

// Open reaches the store and makes sure that the bucket is there. Errors:
// CodeInvalid for a wrong configuration, CodeUnavailable.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if err := s3utils.CheckValidBucketNameStrict(c.Bucket); err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the S3 bucket's name is wrong")
	}
	client, err := newClient(c, c.Endpoint, c.Transport)
	if err != nil {
		return nil, err
	}
	s := &Store{core: minio.Core{Client: client}, bucket: c.Bucket}
	if c.PublicEndpoint != "" {
		if s.signer, err = newClient(c, c.PublicEndpoint, nil); err != nil {
			return nil, err
		}
	}
	return s, s.ensureBucket(ctx, c.Region)
}

func newClient(c Config, endpoint string, transport http.RoundTripper) (*minio.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, events.Errorf(events.CodeInvalid, "the S3 endpoint %q is not of the form http://host:port", endpoint)
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:           credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:          u.Scheme == "https",
		Region:          c.Region,
		Transport:       transport,
		TrailingHeaders: true, // minio-go sends no checksum of ours without it
		MaxRetries:      attempts,
	})
	if err != nil {
		return nil, events.Wrap(err, events.CodeInvalid, "the S3 configuration is wrong")
	}
	return client, nil
}

// ensureBucket makes the bucket; that another process made it first is as good.
func (s *Store) ensureBucket(ctx context.Context, region string) error {
	there, err := s.core.BucketExists(ctx, s.bucket)
	if err != nil {
		return translate(err, "look for the bucket")
	}
	if there {
		return nil
	}
	err = s.core.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: region})
	if minio.ToErrorResponse(err).Code == minio.BucketAlreadyOwnedByYou {
		return nil
	}
	return translate(err, "make the bucket")
}

// Ping tells whether the store answers and knows the bucket. Errors: CodeNotFound,
// CodeUnavailable.
func (s *Store) Ping(ctx context.Context) error {
	there, err := s.core.BucketExists(ctx, s.bucket)
	if err == nil && !there {
		return events.Errorf(events.CodeNotFound, "the bucket %q is gone", s.bucket)
	}
	return translate(err, "reach the store")
}
