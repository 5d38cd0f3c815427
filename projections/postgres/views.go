package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// Vault is what views need of the vault: opening, and deriving the keys of
// word hashes.
type Vault interface {
	Opener
	Deriver
}

// Views answers questions. What is not the asker's, or was asked to be
// deleted, is CodeNotFound. All methods may also answer CodeUnavailable.
type Views struct {
	db    *Database
	vault Vault
}

// NewViews makes views of an open database.
func NewViews(db *Database, vault Vault) *Views { return &Views{db, vault} }

// ask reads rows of a table through its view.
func ask[R any](ctx context.Context, v *Views, t table[R], where string, params ...any) ([]R, error) {
	found, err := v.db.pool.Query(ctx, t.selectFrom(v.db.config.Views)+" "+where, params...)
	if err != nil {
		return nil, translate(err, "read "+t.name)
	}
	rows, err := t.scan(found)
	return rows, translate(err, "read "+t.name)
}

// askOne reads one row. Errors: CodeNotFound.
func askOne[R any](ctx context.Context, v *Views, t table[R], what, where string, params ...any) (R, error) {
	rows, err := ask(ctx, v, t, where, params...)
	if err == nil && len(rows) == 0 {
		err = events.Errorf(events.CodeNotFound, "there is no such %s", what)
	}
	if err != nil {
		var none R
		return none, err
	}
	return rows[0], nil
}

// Session gives one of the learner's sessions, opened.
func (v *Views) Session(ctx context.Context, learner events.AccountID, id events.SessionID) (projections.SessionView, error) {
	row, err := v.whole(ctx, learner, id)
	if err != nil {
		return projections.SessionView{}, err
	}
	topic, err := v.topicsOf(ctx, []sessionRow{row})
	if err != nil {
		return projections.SessionView{}, err
	}
	segments, err := v.segments(ctx, row)
	if err != nil {
		return projections.SessionView{}, err
	}
	view := sessionView(row, v.db.config.Now())
	view.Topic, view.Segments, view.Timings, view.Used = topic[row.ID], segments, timings(row), row.Turns.Used()
	return view, nil
}

// Audio gives the recording of one of the learner's sessions, and reads nothing of what
// was said: a player asks for it at every place that it is moved to. CodeNotFound is
// also the answer while there is none.
func (v *Views) Audio(ctx context.Context, learner events.AccountID, id events.SessionID) (*events.AudioFinalized, error) {
	row, err := askOne(ctx, v, sessions, "session", "where id = $1 and learner = $2 and deleted is null", id, learner)
	if err == nil && row.Audio == nil {
		err = events.Errorf(events.CodeNotFound, "this session has no recording")
	}
	return row.Audio, err
}

// whole reads a session with all its parts, at one moment.
func (v *Views) whole(ctx context.Context, learner events.AccountID, id events.SessionID) (row sessionRow, err error) {
	rows, found, reads := projections.NewRows(nil), []sessionRow(nil), &pgx.Batch{}
	schema := v.db.config.Views
	queueRead(reads, sessions, sessions.selectFrom(schema)+" where id = $1 and learner = $2 and deleted is null",
		func(r sessionRow) {
			r.Empty()
			found = append(found, r)
			rows.Sessions[r.ID] = &found[0]
		}, id, learner)
	queueRead(reads, calls, calls.selectFrom(schema)+" where session = $1",
		func(r callRow) { put(rows, id, r, (*sessionRow).PutCall) }, id)
	queueRead(reads, segments, segments.selectFrom(schema)+" where session = $1",
		func(r segmentRow) { put(rows, id, r, (*sessionRow).PutSegment) }, id)
	queueRead(reads, responses, responses.selectFrom(schema)+" where session = $1",
		func(r responseRow) { put(rows, id, r, (*sessionRow).PutResponse) }, id)
	if err := v.snapshot(ctx, reads); err != nil {
		return row, err
	}
	if len(found) == 0 {
		return row, events.Errorf(events.CodeNotFound, "there is no such session")
	}
	return found[0], nil
}

// snapshot sends reads that must see one and the same moment.
func (v *Views) snapshot(ctx context.Context, reads *pgx.Batch) error {
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, v.db.pool, moment, func(tx pgx.Tx) error {
		return tx.SendBatch(ctx, reads).Close()
	})
	return translate(err, "read session")
}

func sessionView(r sessionRow, now time.Time) projections.SessionView {
	view := projections.SessionView{
		ID: r.ID, Learner: r.Learner, Language: r.Language, Level: r.Level,
		Provider: r.Provider, Model: r.Model, Voice: r.Voice, TranscriptionModel: r.TranscriptionModel,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt, Received: r.Received.Through(),
		Audio: r.Audio, Position: r.Position,
	}
	view.Status, view.Reason = r.Facts().Status(now)
	if r.Ended != nil {
		view.EndedBecause, view.LastN = r.Ended.Reason, r.Ended.LastN
	}
	return view
}

// segments orders and opens the turns of a whole session.
func (v *Views) segments(ctx context.Context, r sessionRow) ([]projections.SegmentView, error) {
	ordered := r.Turns.Segments(r.Ended != nil)
	turns := make([]projections.SegmentView, len(ordered))
	for i, s := range ordered {
		text, erased, err := v.said(ctx, r.ID, s.Facts)
		if err != nil {
			return nil, err
		}
		turns[i] = projections.SegmentView{Segment: s, Text: text, Erased: erased}
	}
	return turns, nil
}

// said opens the texts of all parts of an item.
func (v *Views) said(ctx context.Context, of events.SessionID, item *events.ItemFacts) (text string, erased bool, err error) {
	var texts []string
	for _, part := range item.Parts() {
		text, gone, err := v.text(ctx, of, part.TextEvent)
		if err != nil {
			return "", false, err
		}
		texts, erased = append(texts, text), erased || gone
	}
	return events.JoinParts(texts), erased, nil
}

// text opens one text.
func (v *Views) text(ctx context.Context, of events.SessionID, settled events.Event) (text string, erased bool, err error) {
	var b events.SegmentTranscribed
	part := projections.Sealed{Event: settled.ID, Kind: events.KindSegmentTranscribed, Bytes: settled.Sealed}
	err = openInto(ctx, v.vault, of.Aggregate(), of.Aggregate(), part, &b)
	if events.CodeOf(err) == events.CodeErased {
		return "", true, nil
	}
	return b.Private.Text, false, err
}

// timings sums up how long the tutor's first sounds took. The first response
// is the one that was reported first.
func timings(r sessionRow) projections.Timings {
	var t projections.Timings
	var first events.Ranked[int64]
	var all []int64
	for _, response := range r.ResponseRows() {
		after := response.After
		if !after.Known() {
			continue
		}
		all = append(all, after.Value)
		if !first.Known() || after.Rank < first.Rank {
			first = after
		}
	}
	if t.Responses = len(all); t.Responses > 0 {
		t.FirstResponseMS, t.MedianResponseMS = &first.Value, median(all)
	}
	return t
}
