package http

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"parley/events"
)

// Announced is what the bytes of an upload must be.
type Announced struct {
	Size        int64
	SHA256      string // hex
	ContentType string
}

// Signed is a request that a browser may make of the store, exactly as it is.
type Signed struct {
	Method  string
	URL     string
	Headers map[string]string
}

// Store holds uploads on their way and the audio. It alone knows how objects
// are named.
type Store interface {
	// Incoming names the object that an upload lies in.
	Incoming(session events.SessionID, upload events.UploadID) (object string)
	// Sign lets a browser put exactly the announced bytes, once, until the
	// expiry. ok is false when browsers have no way to the store.
	Sign(ctx context.Context, object string, what Announced, expiry time.Duration) (put Signed, ok bool, err error)
	// Put streams the announced bytes in. Errors: CodeTooLarge, CodeTooSmall,
	// CodeChecksum, CodeAlreadyStored, CodeUnavailable.
	Put(ctx context.Context, object string, what Announced, body io.Reader) error
	// Stat tells what lies there. Errors: CodeNotFound, CodeUnavailable.
	Stat(ctx context.Context, object string) (Announced, error)
	// Open reads an object, seekable. Errors: CodeNotFound, CodeUnavailable.
	Open(ctx context.Context, object string) (io.ReadSeekCloser, error)
	PartStore
}

// uploadExpiry is how long a signed URL is good for; asking again renews it.
const uploadExpiry = 15 * time.Minute

// minUpload is the smallest recording worth a look: less has no header.
const minUpload = 32

type uploadInput struct {
	ID   string `path:"id"`
	Body struct {
		Size        int64  `json:"size"`
		SHA256      string `json:"sha256" doc:"Hex"`
		ContentType string `json:"content_type" maxLength:"100"`
		DurationMS  int64  `json:"duration_ms" minimum:"0"`

		PartSHA256 []string `json:"part_sha256,omitempty" maxItems:"1000" doc:"Hex, of each piece of 8 MiB: above 10 MiB the recording then comes in parts, which go on where they stopped"`
	}
}

// UploadPart is one request that the browser makes.
type UploadPart struct {
	N       int               `json:"n"`
	Offset  int64             `json:"offset"`
	Size    int64             `json:"size"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers" doc:"To be sent exactly so"`
	Done    bool              `json:"done"`
}

type uploadOutput struct {
	Body struct {
		UploadID  events.UploadID `json:"upload_id"`
		Parts     []UploadPart    `json:"parts" nullable:"false"`
		ExpiresAt time.Time       `json:"expires_at"`
	}
}

type uploadRef struct {
	ID     string `path:"id"`
	Upload string `path:"upload"`
}

type landedOutput struct {
	Body struct {
		Status   events.Status   `json:"status" enum:"active,ended,uploading,finalizing,saved,needs_attention"`
		Position events.Position `json:"position"`
	}
}

func (s *Server) uploadRoutes(r chi.Router) {
	owned(s, huma.Operation{OperationID: "request-upload", Method: http.MethodPost, Path: "/api/sessions/{id}/upload",
		Summary: "Announce the recording; the same bytes give the same upload with fresh URLs"}, s.requestUpload)
	owned(s, huma.Operation{OperationID: "complete-upload", Method: http.MethodPost, Path: "/api/sessions/{id}/upload/{upload}/complete",
		Summary: "Say that the bytes are in the store"}, s.completeUpload)
	s.raw(r, toOwner, http.MethodPut, "/api/sessions/{id}/upload/{upload}/{n}", "put-upload",
		"Put the bytes through the backend, with the same checks", s.putUpload)
}

func (s *Server) requestUpload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	wanted := &events.UploadRequested{
		Upload: events.UploadID(s.doors.NewID()), Size: in.Body.Size, SHA256: in.Body.SHA256,
		ContentType: in.Body.ContentType, DurationMS: in.Body.DurationMS,
	}
	if err := s.checkAnnounced(wanted); err != nil {
		return nil, err
	}
	pieces, err := piecesOf(wanted.Size, in.Body.PartSHA256)
	if err != nil {
		return nil, err
	}
	if err := s.mayUpload(ctx); err != nil {
		return nil, err
	}
	var upload events.UploadID
	charge := sync.OnceValue(func() error { return s.mayStore(ctx, wanted.Size) })
	_, _, err = s.onSession(ctx, id, func(sn *events.Session) (drafts []events.Event, err error) {
		upload, drafts, err = sn.RequestUpload(wanted, s.doors.Now())
		if err == nil && upload == wanted.Upload {
			err = charge()
		}
		return drafts, err
	})
	if err != nil {
		return nil, err
	}
	if pieces != nil {
		return s.planOfParts(ctx, id, upload, announcedBy(wanted), pieces)
	}
	return s.planOfOne(ctx, id, upload, announcedBy(wanted))
}

func announcedBy(b *events.UploadRequested) Announced {
	return Announced{b.Size, b.SHA256, b.ContentType}
}

// checkAnnounced refuses what can never become a recording, before any byte
// is sent. Errors: CodeTooLarge, CodeTooSmall, CodeUnsupportedType, CodeInvalid.
func (s *Server) checkAnnounced(b *events.UploadRequested) error {
	media, _, err := mime.ParseMediaType(b.ContentType)
	switch {
	case err != nil || !slices.Contains(s.config.UploadTypes, media):
		return events.Errorf(events.CodeUnsupportedType, "a recording is %s", strings.Join(s.config.UploadTypes, " or "))
	case b.Size > s.config.UploadMax:
		return events.Errorf(events.CodeTooLarge, "a recording has at most %d bytes", s.config.UploadMax)
	case b.Size < minUpload:
		return events.Errorf(events.CodeTooSmall, "a recording has at least %d bytes", minUpload)
	}
	if sum, err := hex.DecodeString(b.SHA256); err != nil || len(sum) != 32 {
		return events.Errorf(events.CodeInvalid, "sha256 must be 64 hexadecimal digits")
	}
	return nil
}

// planOfOne tells the browser to send the recording in one part, which is done when
// its bytes are there already.
func (s *Server) planOfOne(ctx context.Context, id events.SessionID, upload events.UploadID, what Announced) (*uploadOutput, error) {
	object := s.doors.Store.Incoming(id, upload)
	part := UploadPart{N: 1, Size: what.Size}
	lying, err := s.doors.Store.Stat(ctx, object)
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		return nil, err
	}
	part.Done = err == nil && lying.Size == what.Size && lying.SHA256 == what.SHA256
	put, reachable, err := s.doors.Store.Sign(ctx, object, what, uploadExpiry)
	if err != nil {
		return nil, err
	}
	if !reachable {
		put = throughBackend(id, upload, part.N)
		put.Headers["Content-Type"] = what.ContentType
	}
	part.Method, part.URL, part.Headers = put.Method, put.URL, put.Headers
	return s.plan(upload, []UploadPart{part}, uploadExpiry), nil
}

// throughBackend is the request that puts a part where the store cannot be reached.
func throughBackend(id events.SessionID, upload events.UploadID, n int) Signed {
	url := fmt.Sprintf("/api/sessions/%s/upload/%s/%d", id, upload, n)
	return Signed{Method: http.MethodPut, URL: url, Headers: map[string]string{}}
}

func (s *Server) plan(upload events.UploadID, parts []UploadPart, expiry time.Duration) *uploadOutput {
	out := &uploadOutput{}
	out.Body.UploadID, out.Body.Parts = upload, parts
	out.Body.ExpiresAt = s.doors.Now().Add(expiry).UTC()
	return out
}

// putUpload streams a body into the store, in constant memory.
func (s *Server) putUpload(w http.ResponseWriter, r *http.Request) error {
	id, err := events.ParseID[events.SessionID](chi.URLParam(r, "id"))
	if err != nil {
		return noSession(err)
	}
	if chi.URLParam(r, "n") == "1" { // the other parts belong to the same upload
		if err := s.mayUpload(r.Context()); err != nil {
			return err
		}
	}
	_, upload, err := s.announced(r.Context(), id, events.UploadID(chi.URLParam(r, "upload")))
	if err != nil {
		return err
	}
	what, object := announcedBy(upload), s.doors.Store.Incoming(id, upload.Upload)
	if r.Header.Get("Content-Type") != what.ContentType {
		return events.Errorf(events.CodeUnsupportedType, "this upload was announced as %s", what.ContentType)
	}
	n, err := partNumber(chi.URLParam(r, "n"), what.Size)
	if err != nil {
		return err
	}
	if isPart(r, n, what.Size) {
		err = s.putPart(w, r, object, what, n)
	} else if err = bodyOf(r, what.Size); err == nil {
		err = s.doors.Store.Put(r.Context(), object, what, http.MaxBytesReader(w, r.Body, what.Size+1))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// bodyOf refuses a body of another size, where that is told before it comes.
// Errors: CodeTooLarge, CodeTooSmall.
func bodyOf(r *http.Request, size int64) error {
	switch {
	case r.ContentLength > size:
		return events.Errorf(events.CodeTooLarge, "this was announced with %d bytes", size)
	case r.ContentLength >= 0 && r.ContentLength < size:
		return events.Errorf(events.CodeTooSmall, "this was announced with %d bytes", size)
	}
	return nil
}

func (s *Server) announced(ctx context.Context, id events.SessionID, upload events.UploadID) (*events.Session, *events.UploadRequested, error) {
	session, _, err := s.onSession(ctx, id, func(*events.Session) ([]events.Event, error) { return nil, nil })
	if err != nil {
		return nil, nil, err
	}
	known, err := session.KnownUpload(upload)
	return session, known, err
}

// completeUpload looks at what lies in the store before it believes that the
// upload is complete. Errors: CodeConflict when it is not there, CodeTooSmall,
// CodeChecksum when it is something else.
func (s *Server) completeUpload(ctx context.Context, in *uploadRef) (*landedOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	session, upload, err := s.announced(ctx, id, events.UploadID(in.Upload))
	if err != nil {
		return nil, err
	}
	if session.Completed == nil {
		if err := s.assemble(ctx, id, upload); err != nil {
			return nil, err
		}
		if err := s.lies(ctx, id, upload); err != nil {
			return nil, err
		}
	}
	session, at, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) {
		return sn.CompleteUpload(&events.UploadCompleted{
			Upload: upload.Upload, Object: s.doors.Store.Incoming(id, upload.Upload), Size: upload.Size, SHA256: upload.SHA256,
		}, s.doors.Now())
	})
	if err != nil {
		return nil, err
	}
	return s.landed(session, at), nil
}

// lies checks that the announced bytes are in the store.
func (s *Server) lies(ctx context.Context, id events.SessionID, upload *events.UploadRequested) error {
	lying, err := s.doors.Store.Stat(ctx, s.doors.Store.Incoming(id, upload.Upload))
	switch {
	case events.CodeOf(err) == events.CodeNotFound:
		return events.Wrap(err, events.CodeConflict, "the recording's bytes have not arrived; send them first")
	case err != nil:
		return err
	case lying.Size != upload.Size:
		return events.Errorf(events.CodeTooSmall, "%d of %d announced bytes arrived", lying.Size, upload.Size)
	case lying.SHA256 != "" && lying.SHA256 != upload.SHA256:
		return events.Errorf(events.CodeChecksum, "other bytes arrived than were announced")
	}
	return nil
}

func (s *Server) landed(session *events.Session, at events.Position) *landedOutput {
	out := &landedOutput{}
	out.Body.Status, _ = session.Facts().Status(s.doors.Now())
	out.Body.Position = at
	return out
}
