package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// Stream names one of the streams that are kept in backups. Sign-ins and timers
// are not: the first can be had again, the second are armed from the log.
type Stream string

// The streams of a backup. That of the keys belongs somewhere else than the
// others: it opens what they hold.
const (
	LogStream    Stream = logStream
	KeyStream    Stream = keyStream
	LedgerStream Stream = ledgerStream
)

// Contents is what a stream holds.
type Contents struct {
	Stream   Stream          `json:"stream"`
	Epoch    string          `json:"epoch,omitempty"` // of the log only
	Messages uint64          `json:"messages"`
	Bytes    uint64          `json:"bytes"`
	First    events.Position `json:"first"`
	Last     events.Position `json:"last"`
}

// Archive copies whole streams out of a server and back in, as JetStream's own
// snapshots. A snapshot holds the live messages as they lie in the stream, and
// how far its workers are; what is sealed stays sealed.
type Archive struct{ nc *nats.Conn }

// NewArchive makes an archive over a connection. The streams need not be there.
func NewArchive(nc *nats.Conn) *Archive { return &Archive{nc} }

const (
	// snapshotChunk is the size of the pieces in which snapshots travel, in
	// bytes; the least max_payload of a server that takes our events holds one.
	snapshotChunk = 256 << 10
	// archivePatience is how long one piece may take: the server checks and
	// syncs whole blocks in between.
	archivePatience = 30 * time.Second
)

// Contents looks at a stream. Errors: CodeNotFound, CodeUnavailable.
func (a *Archive) Contents(ctx context.Context, stream Stream) (Contents, error) {
	var answer streamAnswer
	if err := a.ask(ctx, "$JS.API.STREAM.INFO."+string(stream), nil, &answer); err != nil {
		return Contents{}, err
	}
	return answer.contents()
}

// Remove deletes a stream with all that it holds, to make room for a restore.
// One that is not there is fine. Errors: CodeUnavailable.
func (a *Archive) Remove(ctx context.Context, stream Stream) error {
	var answer streamAnswer
	err := a.ask(ctx, "$JS.API.STREAM.DELETE."+string(stream), nil, &answer)
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	return err
}

// streamAnswer is the part of the stream API's answers that is read here.
// Config is kept as it came, so that nothing a newer server knows is lost.
type streamAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Config  json.RawMessage     `json:"config"`
	State   json.RawMessage     `json:"state"`
	Deliver string              `json:"deliver_subject"`
}

func (s streamAnswer) contents() (c Contents, err error) {
	var config struct {
		Name     Stream            `json:"name"`
		Metadata map[string]string `json:"metadata"`
	}
	var state struct {
		Messages uint64 `json:"messages"`
		Bytes    uint64 `json:"bytes"`
		First    uint64 `json:"first_seq"`
		Last     uint64 `json:"last_seq"`
	}
	if err := errors.Join(json.Unmarshal(s.Config, &config), json.Unmarshal(s.State, &state)); err != nil {
		return c, events.Wrap(err, events.CodeInvalid, "what a stream holds cannot be read")
	}
	return Contents{
		Stream: config.Name, Epoch: config.Metadata[epochMetadata], Messages: state.Messages, Bytes: state.Bytes,
		First: events.Position(state.First), Last: events.Position(state.Last),
	}, nil
}

// ask sends one request of the stream API. Errors: CodeNotFound when there is
// no such stream, CodeConflict when there is one already, CodeUnavailable.
func (a *Archive) ask(ctx context.Context, subject string, what any, into *streamAnswer) error {
	var request []byte
	if what != nil {
		var err error
		if request, err = json.Marshal(what); err != nil {
			return fmt.Errorf("encode a request: %w", err)
		}
	}
	return a.send(ctx, subject, request, into)
}

// send sends bytes and reads the answer; an empty one says just that they came.
func (a *Archive) send(ctx context.Context, subject string, data []byte, into *streamAnswer) error {
	ctx, cancel := context.WithTimeout(ctx, archivePatience)
	defer cancel()
	answer, err := a.nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return unavailable(err, "the event log's server does not answer")
	}
	if len(answer.Data) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return unavailable(err, "the answer of the event log's server cannot be read")
	}
	switch refusal := into.Error; {
	case refusal == nil:
		return nil
	case refusal.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return events.Wrap(refusal, events.CodeNotFound, "there is no such stream on this server")
	case refusal.ErrorCode == codeRestoreNameInUse:
		return events.Wrap(refusal, events.CodeConflict, "the stream is there already; remove it first")
	default:
		return unavailable(refusal, "the event log's server refuses")
	}
}

// codeRestoreNameInUse is the server's answer to a restore of a stream that it
// has (nats-server errors.json).
const codeRestoreNameInUse jetstream.ErrorCode = 10130

// Snapshot writes a stream as it is at one moment; appends go on meanwhile.
// What it writes is for [Archive.Restore] and is useless when cut short.
// Errors: CodeNotFound, CodeUnavailable; those of the writer.
func (a *Archive) Snapshot(ctx context.Context, stream Stream, to io.Writer) (contents Contents, err error) {
	pieces, err := a.nc.SubscribeSync(a.nc.NewInbox())
	if err != nil {
		return contents, unavailable(err, "the snapshot cannot be received")
	}
	defer func() { err = errors.Join(err, left(pieces)) }()
	var answer streamAnswer
	err = a.ask(ctx, "$JS.API.STREAM.SNAPSHOT."+string(stream),
		map[string]any{"deliver_subject": pieces.Subject, "chunk_size": snapshotChunk, "jsck": true}, &answer)
	if err != nil {
		return contents, err
	}
	if contents, err = answer.contents(); err != nil {
		return contents, err
	}
	out := newPieceWriter(to)
	if err := out.head(snapshotHead{answer.Config, answer.State}); err != nil {
		return contents, err
	}
	if err := a.receive(ctx, pieces, out); err != nil {
		return contents, err
	}
	return contents, out.end()
}

// receive passes on piece after piece and tells the server about each.
func (a *Archive) receive(ctx context.Context, pieces *nats.Subscription, out *pieceWriter) error {
	for {
		m, err := a.nextPiece(ctx, pieces)
		if err != nil {
			return err
		}
		if len(m.Data) == 0 {
			if status := m.Header.Get("Status"); status != "" && status != "204" {
				return events.Errorf(events.CodeUnavailable, "the server broke off the snapshot: %s %s", status, m.Header.Get("Description"))
			}
			return nil
		}
		if err := out.piece(m.Data); err != nil {
			return err
		}
		if m.Reply == "" {
			continue
		}
		if err := m.Respond(nil); err != nil {
			return unavailable(err, "the snapshot was broken off")
		}
	}
}

func (a *Archive) nextPiece(ctx context.Context, pieces *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, archivePatience)
	defer cancel()
	m, err := pieces.NextMsgWithContext(ctx)
	if err != nil {
		return nil, unavailable(err, "the snapshot was broken off")
	}
	return m, nil
}

// Verify reads a snapshot to its end and tells what is in it, without a server.
// Errors: CodeInvalid for one that is cut short or changed.
func Verify(from io.Reader) (Contents, error) {
	in := newPieceReader(from)
	head, err := in.head()
	for piece := []byte{0}; err == nil && len(piece) > 0; {
		piece, err = in.piece()
	}
	if err != nil {
		return Contents{}, err
	}
	return streamAnswer{Config: head.Config, State: head.State}.contents()
}

// Restore makes a stream from what Snapshot wrote. It reads it twice, so that
// nothing is begun with a broken one. The stream must not be there; after an
// error it is not there either.
// Errors: CodeInvalid for a snapshot that is cut short, changed, or of another
// stream; CodeConflict when the stream exists; CodeUnavailable.
func (a *Archive) Restore(ctx context.Context, stream Stream, from io.ReadSeeker) (Contents, error) {
	contents, err := Verify(from)
	if err != nil {
		return Contents{}, err
	}
	if contents.Stream != stream {
		return Contents{}, events.Errorf(events.CodeInvalid, "this is a snapshot of %s, not of %s", contents.Stream, stream)
	}
	for tries := 1; ; tries++ {
		restored, err := a.bring(ctx, contents, from)
		if !isRestoreFailed(err) || tries == restoreTries {
			return restored, err
		}
	}
}

// restoreTries is how often a whole snapshot is sent to a server that fails over it.
// One that has just deleted a stream removes the folders above it, if they are empty,
// after it has answered: they may go from under the restore that follows (seen with
// nats-server 2.15.2, stream.stop). The next one finds nothing in its way.
const restoreTries = 3

// isRestoreFailed tells whether the server itself could not carry out a restore.
func isRestoreFailed(err error) bool {
	const codeRestoreFailed jetstream.ErrorCode = 10062
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == codeRestoreFailed
}

// bring sends a snapshot that is whole. Errors: as Restore.
func (a *Archive) bring(ctx context.Context, contents Contents, from io.ReadSeeker) (Contents, error) {
	stream := contents.Stream
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return Contents{}, events.Wrap(err, events.CodeInvalid, "the snapshot cannot be read again")
	}
	in := newPieceReader(from)
	head, err := in.head()
	if err != nil {
		return Contents{}, err
	}
	var answer streamAnswer
	if err := a.ask(ctx, "$JS.API.STREAM.RESTORE."+string(stream), head, &answer); err != nil {
		return Contents{}, err
	}
	restored, err := a.deliver(ctx, answer.Deliver, in)
	if err == nil && (restored.Messages != contents.Messages || restored.Last != contents.Last) {
		err = events.Errorf(events.CodeInvalid, "%d messages up to %d were restored of %d up to %d", restored.Messages, restored.Last, contents.Messages, contents.Last)
	}
	if err != nil {
		return Contents{}, errors.Join(err, a.Remove(context.WithoutCancel(ctx), stream))
	}
	return restored, nil
}

// deliver sends piece after piece, and an empty one when all were whole.
func (a *Archive) deliver(ctx context.Context, subject string, in *pieceReader) (Contents, error) {
	for {
		piece, err := in.piece()
		if err != nil {
			return Contents{}, err
		}
		var answer streamAnswer
		if err := a.send(ctx, subject, piece, &answer); err != nil {
			return Contents{}, err
		}
		if len(piece) == 0 {
			return answer.contents()
		}
	}
}
