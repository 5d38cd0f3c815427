package http

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"

	"parley/events"
)

// Part is a piece of an upload that does not come whole.
type Part struct {
	N      int // from 1
	Size   int64
	SHA256 string // hex
}

// Begun is an upload in parts on its way.
type Begun struct {
	Object string
	ID     string // the store's name for it
	Parts  []Part // that have arrived
}

// PartStore takes uploads in parts.
type PartStore interface {
	// Begin goes on with an upload in parts, or begins it. Errors: CodeAlreadyStored
	// when the whole is there, CodeUnavailable.
	Begin(ctx context.Context, object string, what Announced) (Begun, error)
	// SignPart lets a browser put exactly that part until the expiry. ok is false
	// when browsers have no way to the store.
	SignPart(ctx context.Context, b Begun, p Part, expiry time.Duration) (put Signed, ok bool, err error)
	// PutPart streams a part in. Errors: CodeTooLarge, CodeTooSmall, CodeChecksum,
	// CodeUnavailable.
	PutPart(ctx context.Context, b Begun, p Part, body io.Reader) error
	// Assemble makes the whole of n parts; doing so twice is one. Errors:
	// CodeConflict when some are missing, CodeUnavailable.
	Assemble(ctx context.Context, b Begun, n int) error
}

const (
	// wholeMost is the longest recording that comes in one part.
	wholeMost = 10 << 20
	// pieceSize is that of all parts but the last one. S3 wants 5 MiB at least.
	pieceSize = 8 << 20
	// pieceExpiry is how long every part may take beside what one upload may.
	pieceExpiry = 5 * time.Minute
)

// pieces is in how many parts so many bytes come.
func pieces(size int64) int {
	if size <= wholeMost {
		return 1
	}
	return int((size + pieceSize - 1) / pieceSize)
}

// pieceOf is the n-th part of so many bytes.
func pieceOf(size int64, n int, sha256 string) Part {
	offset := int64(n-1) * pieceSize
	return Part{N: n, Size: min(pieceSize, size-offset), SHA256: sha256}
}

// piecesOf cuts a long recording up; nil for one that comes whole, because it is short
// or because no checksums of parts were told. Errors: CodeInvalid when some were, and
// not those of all.
func piecesOf(size int64, sums []string) ([]Part, error) {
	n := pieces(size)
	if n == 1 || len(sums) == 0 {
		return nil, nil
	}
	if len(sums) != n {
		return nil, events.Errorf(events.CodeInvalid, "a recording of %d bytes comes in %d parts of 8 MiB; part_sha256 must name the checksum of each", size, n)
	}
	parts := make([]Part, n)
	for i, sum := range sums {
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 32 {
			return nil, events.Errorf(events.CodeInvalid, "part_sha256 must be 64 hexadecimal digits each")
		}
		parts[i] = pieceOf(size, i+1, sum)
	}
	return parts, nil
}

// partNumber reads the last element of a part's address. Errors: CodeNotFound.
func partNumber(given string, size int64) (int, error) {
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > pieces(size) || given != strconv.Itoa(n) {
		return 0, events.Errorf(events.CodeNotFound, "there is no such part")
	}
	return n, nil
}

// isPart tells a part from a whole recording, which has the number 1 as well but no
// checksum of its own beside it.
func isPart(r *http.Request, n int, size int64) bool {
	return size > wholeMost && (n > 1 || r.Header.Get(partSum) != "")
}

// planOfParts tells the browser what to send. A part whose very bytes have arrived is
// done, and all are when the whole is there.
func (s *Server) planOfParts(ctx context.Context, id events.SessionID, upload events.UploadID, what Announced, parts []Part) (*uploadOutput, error) {
	begun, err := s.doors.Store.Begin(ctx, s.doors.Store.Incoming(id, upload), what)
	whole := events.CodeOf(err) == events.CodeAlreadyStored
	if err != nil && !whole {
		return nil, err
	}
	arrived := map[Part]bool{}
	for _, p := range begun.Parts {
		arrived[p] = true
	}
	expiry := uploadExpiry + time.Duration(len(parts))*pieceExpiry
	planned := make([]UploadPart, len(parts))
	for i, p := range parts {
		put, err := s.requestOf(ctx, id, upload, begun, p, expiry)
		if err != nil {
			return nil, err
		}
		put.Headers["Content-Type"] = what.ContentType
		planned[i] = UploadPart{p.N, int64(i) * pieceSize, p.Size, put.Method, put.URL, put.Headers, whole || arrived[p]}
	}
	return s.plan(upload, planned, expiry), nil
}

// partSum is the header that carries the checksum of a part, in base64, to the store
// and to the backend alike.
const partSum = "x-amz-checksum-sha256"

// requestOf is how a browser sends a part: to the store, if it has begun there and is
// in reach.
func (s *Server) requestOf(ctx context.Context, id events.SessionID, upload events.UploadID, begun Begun, p Part, expiry time.Duration) (Signed, error) {
	if begun.ID != "" {
		put, reachable, err := s.doors.Store.SignPart(ctx, begun, p, expiry)
		if err != nil || reachable {
			return put, err
		}
	}
	sum, err := hex.DecodeString(p.SHA256)
	put := throughBackend(id, upload, p.N)
	put.Headers[partSum] = base64.StdEncoding.EncodeToString(sum)
	return put, err
}

// putPart streams a part into the store. Errors: CodeAlreadyStored when the whole is
// there, CodeInvalid without a checksum, and those of PartStore.
func (s *Server) putPart(w http.ResponseWriter, r *http.Request, object string, what Announced, n int) error {
	sum, err := base64.StdEncoding.DecodeString(r.Header.Get(partSum))
	if err != nil || len(sum) != 32 {
		return events.Errorf(events.CodeInvalid, "a part needs its checksum in the header %s", partSum)
	}
	part := pieceOf(what.Size, n, hex.EncodeToString(sum))
	if err := bodyOf(r, part.Size); err != nil {
		return err
	}
	begun, err := s.doors.Store.Begin(r.Context(), object, what)
	if err != nil {
		return err
	}
	return s.doors.Store.PutPart(r.Context(), begun, part, http.MaxBytesReader(w, r.Body, part.Size+1))
}

// assemble makes the whole of an upload that came in parts. Errors: CodeConflict
// when some are missing or of another size, CodeUnavailable.
func (s *Server) assemble(ctx context.Context, id events.SessionID, upload *events.UploadRequested) error {
	n := pieces(upload.Size)
	if n == 1 {
		return nil
	}
	begun, err := s.doors.Store.Begin(ctx, s.doors.Store.Incoming(id, upload.Upload), announcedBy(upload))
	if events.CodeOf(err) == events.CodeAlreadyStored {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range begun.Parts {
		if p.N > n || p.Size != pieceOf(upload.Size, p.N, "").Size {
			return events.Errorf(events.CodeConflict, "part %d has %d bytes; send it again", p.N, p.Size)
		}
	}
	return s.doors.Store.Assemble(ctx, begun, n)
}
