package s3

import (
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7"

	"parley/events"
)

// translate gives a store's error one of our codes. An error that has one keeps it.
func translate(err error, doing string) error {
	if err == nil {
		return nil
	}
	var ours *events.Error
	if errors.As(err, &ours) {
		return ours
	}
	return events.Wrap(err, codeOf(err), "the object store could not "+doing)
}

// codeOf reads the store's own code where it is clearer than the status.
func codeOf(err error) events.Code {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return events.CodeUnavailable // no answer at all
	}
	switch answer.Code {
	case minio.BadDigest, minio.XAmzContentSHA256Mismatch, "XAmzContentChecksumMismatch", minio.InvalidDigest:
		return events.CodeChecksum
	case minio.EntityTooLarge:
		return events.CodeTooLarge
	case minio.EntityTooSmall, minio.IncompleteBody:
		return events.CodeTooSmall
	case minio.InvalidBucketName:
		return events.CodeInvalid
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return events.CodeNotFound
	case http.StatusPreconditionFailed:
		return events.CodeConflict
	case http.StatusForbidden: // our keys are wrong: an operator's matter
		return events.CodeInternal
	}
	return events.CodeUnavailable
}
