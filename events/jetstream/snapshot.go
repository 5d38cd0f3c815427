package jetstream

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash"
	"io"

	"parley/events"
)

// A snapshot in a file:
//
//	"parley-snapshot-1\n"
//	length (32 bits, big-endian) and JSON of the stream's configuration and state
//	length and bytes of each piece, as JetStream sent them
//	length zero
//	SHA-256 of all that comes before
//
// The sum at the end tells a file that was cut short, wherever the cut is.
const (
	snapshotMagic = "parley-snapshot-1\n"
	mostPiece     = 16 << 20 // of a snapshot that is believed, in bytes
)

// snapshotHead is also JetStream's request to restore.
type snapshotHead struct {
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// pieceWriter writes a snapshot. Errors: those of the writer.
type pieceWriter struct {
	to  *bufio.Writer
	sum hash.Hash
}

func newPieceWriter(to io.Writer) *pieceWriter {
	sum := sha256.New()
	return &pieceWriter{bufio.NewWriter(io.MultiWriter(to, sum)), sum}
}

func (w *pieceWriter) head(h snapshotHead) error {
	data, err := json.Marshal(h)
	if err != nil {
		return events.Wrap(err, events.CodeInternal, "a snapshot's head cannot be written")
	}
	if _, err := w.to.WriteString(snapshotMagic); err != nil {
		return err
	}
	return w.piece(data)
}

func (w *pieceWriter) piece(data []byte) error {
	if err := binary.Write(w.to, binary.BigEndian, uint32(len(data))); err != nil {
		return err
	}
	_, err := w.to.Write(data)
	return err
}

func (w *pieceWriter) end() error {
	if err := errors.Join(w.piece(nil), w.to.Flush()); err != nil {
		return err
	}
	if _, err := w.to.Write(w.sum.Sum(nil)); err != nil {
		return err
	}
	return w.to.Flush()
}

// pieceReader reads a snapshot. Errors: CodeInvalid for one that is not whole.
type pieceReader struct {
	from io.Reader // everything read through it is summed
	raw  io.Reader
	sum  hash.Hash
}

func newPieceReader(from io.Reader) *pieceReader {
	sum := sha256.New()
	raw := bufio.NewReader(from)
	return &pieceReader{io.TeeReader(raw, sum), raw, sum}
}

func (r *pieceReader) head() (h snapshotHead, err error) {
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(r.from, magic); err != nil || string(magic) != snapshotMagic {
		return h, events.Wrap(err, events.CodeInvalid, "this is no snapshot of a stream")
	}
	data, err := r.piece()
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(data, &h); err != nil {
		return h, events.Wrap(err, events.CodeInvalid, "the snapshot's head cannot be read")
	}
	return h, nil
}

// piece is the next one; an empty one comes once, at the end of a snapshot that
// is whole.
func (r *pieceReader) piece() ([]byte, error) {
	var size uint32
	if err := binary.Read(r.from, binary.BigEndian, &size); err != nil {
		return nil, cutShort(err)
	}
	if size > mostPiece {
		return nil, events.Errorf(events.CodeInvalid, "the snapshot was changed: a piece of %d bytes", size)
	}
	if size == 0 {
		return nil, r.check()
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r.from, data); err != nil {
		return nil, cutShort(err)
	}
	return data, nil
}

func (r *pieceReader) check() error {
	want := r.sum.Sum(nil)
	sum := make([]byte, len(want))
	if _, err := io.ReadFull(r.raw, sum); err != nil {
		return cutShort(err)
	}
	if string(sum) != string(want) {
		return events.Errorf(events.CodeInvalid, "the snapshot was changed: its sum is not that of its bytes")
	}
	return nil
}

func cutShort(err error) error {
	return events.Wrap(err, events.CodeInvalid, "the snapshot was cut short")
}
