// Package s3 is the one door to object storage. It speaks S3 through minio-go and
// nothing else of Parley does.
//
// Three promises are kept here and nowhere else:
//
//   - An upload cannot differ from what was announced. Whether it comes through a
//     presigned request ([Store.Presign]) or through us ([Store.Put]), the store
//     itself checks size, type and SHA-256 before anything is kept.
//   - Nothing is overwritten. Every write carries If-None-Match.
//   - What is removed is gone: all versions, delete markers and unfinished uploads.
//
// Bytes stream; memory does not grow with an object. Every error of the store leaves
// as an *events.Error, whose codes are listed with each method.
//
// Keys derive from the session (recording.IncomingKey, recording.AudioKey), so what
// belongs to a session is found without an index.
package s3
