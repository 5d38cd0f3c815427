package s3

import (
	"context"

	"github.com/minio/minio-go/v7"

	"parley/events"
	"parley/projections/recording"
)

// Remove deletes all versions of one key; see [recording.Objects].
func (s *Store) Remove(ctx context.Context, key string) error {
	_, err := s.removeVersions(ctx, key, func(found string) bool { return found == key })
	return err
}

// RemoveSession deletes everything of a session; see [recording.Objects].
func (s *Store) RemoveSession(ctx context.Context, id events.SessionID) (int, error) {
	removed := 0
	for _, prefix := range recording.SessionPrefixes(id) {
		for _, remove := range []remover{s.removeVersions, s.removeUnfinished} {
			n, err := remove(ctx, prefix, func(string) bool { return true })
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// remover deletes what lies under a prefix and is meant, and counts it.
type remover func(ctx context.Context, prefix string, meant func(key string) bool) (int, error)

// removeVersions deletes versions and delete markers. In a bucket without versions
// every object is its own only one.
func (s *Store) removeVersions(ctx context.Context, prefix string, meant func(key string) bool) (int, error) {
	ctx, stop := context.WithCancel(ctx) // ends the listing when we leave early
	defer stop()
	removed := 0
	options := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}
	for found := range s.core.Client.ListObjects(ctx, s.bucket, options) {
		if found.Err != nil {
			return removed, translate(found.Err, "list the objects")
		}
		if !meant(found.Key) {
			continue
		}
		version := minio.RemoveObjectOptions{VersionID: found.VersionID}
		if err := s.core.RemoveObject(ctx, s.bucket, found.Key, version); err != nil {
			return removed, translate(err, "remove the object")
		}
		removed++
	}
	return removed, ended(ctx)
}

// removeUnfinished aborts multipart uploads, whose parts no listing shows.
func (s *Store) removeUnfinished(ctx context.Context, prefix string, meant func(key string) bool) (int, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	removed := 0
	for found := range s.core.ListIncompleteUploads(ctx, s.bucket, prefix, true) {
		if found.Err != nil {
			return removed, translate(found.Err, "list unfinished uploads")
		}
		if !meant(found.Key) {
			continue
		}
		err := s.core.AbortMultipartUpload(ctx, s.bucket, found.Key, found.UploadID)
		if err != nil && events.CodeOf(translate(err, "")) != events.CodeNotFound {
			return removed, translate(err, "abort an upload")
		}
		removed++
	}
	return removed, ended(ctx)
}

// ended keeps a listing that was broken off from passing for a complete one.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the objects were not all removed")
	}
	return nil
}
