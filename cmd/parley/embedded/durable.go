package embedded

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3response"
)

// durable is the gateway's file store, with one promise more: what it has
// acknowledged is on the disk. The store itself leaves that to the kernel, and
// a power cut would take a recording whose local copy the browser had already
// let go. Uploads are rare, so the whole file system is synced: that covers the
// bytes, their names, and the metadata files alike.
type durable struct {
	*posix.Posix
	root *os.File
}

func newDurable(store *posix.Posix, root string) (*durable, error) {
	folder, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	return &durable{Posix: store, root: folder}, nil
}

// PutObject stores an object, then syncs.
func (d *durable) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := d.Posix.PutObject(ctx, in)
	return out, d.synced(err)
}

// UploadPart stores a part, then syncs: the browser will not send it again.
func (d *durable) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	out, err := d.Posix.UploadPart(ctx, in)
	return out, d.synced(err)
}

// CompleteMultipartUpload joins the parts, then syncs.
func (d *durable) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	out, version, err := d.Posix.CompleteMultipartUpload(ctx, in)
	return out, version, d.synced(err)
}

// CopyObject copies, then syncs.
func (d *durable) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := d.Posix.CopyObject(ctx, in)
	return out, d.synced(err)
}

// DeleteObject deletes, then syncs: an erased recording must not come back.
func (d *durable) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	out, err := d.Posix.DeleteObject(ctx, in)
	return out, d.synced(err)
}

// DeleteObjects deletes, then syncs.
func (d *durable) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	out, err := d.Posix.DeleteObjects(ctx, in)
	return out, d.synced(err)
}

// Shutdown is called by the gateway when the last request has ended.
func (d *durable) Shutdown() {
	d.Posix.Shutdown()
	d.root.Close() // opened for reading: nothing to lose
}

func (d *durable) synced(err error) error {
	if err != nil {
		return err
	}
	if err := syncDisk(d.root); err != nil {
		return fmt.Errorf("sync the object store: %w", err)
	}
	return nil
}
