package s3

import (
	"context"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

var _ recording.Shelf = (*Store)(nil)

// Each visits everything in the bucket; see [recording.Shelf].
func (s *Store) Each(ctx context.Context, visit func(recording.Lying) error) error {
	ctx, stop := context.WithCancel(ctx) // ends the listing when we leave early
	defer stop()
	for found := range s.core.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Recursive: true}) {
		if found.Err != nil {
			return translate(found.Err, "list the objects")
		}
		if err := visit(recording.Lying{Key: found.Key, Size: found.Size, Since: found.LastModified}); err != nil {
			return err
		}
	}
	for found := range s.core.ListIncompleteUploads(ctx, s.bucket, "", true) {
		if found.Err != nil {
			return translate(found.Err, "list unfinished uploads")
		}
		if err := visit(recording.Lying{Key: found.Key, Unfinished: found.UploadID, Since: found.Initiated}); err != nil {
			return err
		}
	}
	return ended(ctx)
}

// Discard removes an object with all its versions, or an upload's parts; see
// [recording.Shelf].
func (s *Store) Discard(ctx context.Context, l recording.Lying) error {
	if l.Unfinished == "" {
		return s.Remove(ctx, l.Key)
	}
	err := translate(s.core.AbortMultipartUpload(ctx, s.bucket, l.Key, l.Unfinished), "abort an upload")
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	return err
}
