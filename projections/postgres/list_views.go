package postgres

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// MaxPage is how many sessions a page holds at most.
const MaxPage = 100

// Sessions lists the learner's sessions, newest first: all, or those in which
// every word of the query was said. The cursor is the previous page's Next;
// limit is 1 to MaxPage. Errors: CodeInvalid.
func (v *Views) Sessions(ctx context.Context, learner events.AccountID, query, cursor string, limit int) (projections.SessionPage, error) {
	var page projections.SessionPage
	if limit < 1 || limit > MaxPage {
		return page, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	from, err := parseCursor(cursor)
	if err != nil {
		return page, err
	}
	found, err := v.search(ctx, learner, query)
	if err != nil {
		return page, err
	}
	rows, err := v.page(ctx, learner, found, from, limit+1)
	if err != nil {
		return page, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = place{last.StartedAt, last.ID}.String()
	}
	page.Sessions, err = v.summaries(ctx, rows, found)
	return page, err
}

// page reads sessions from a place on; of the found ones only, if found is set.
func (v *Views) page(ctx context.Context, learner events.AccountID, found hits, from place, limit int) ([]sessionRow, error) {
	return ask(ctx, v, sessions, "where learner = $1 and deleted is null"+
		" and ($2 or id = any($3)) and (started_at, id) < ($4, $5)"+
		" order by started_at desc, id desc limit $6",
		learner, found == nil, found.ids(), from.startedAt, from.id, limit)
}

// place is where a page begins: behind this session.
type place struct {
	startedAt time.Time
	id        events.SessionID
}

// newest is before the first page.
var newest = place{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "~"}

// String is the opaque cursor.
func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", p.startedAt.UnixMilli(), p.id))
}

func parseCursor(text string) (place, error) {
	if text == "" {
		return newest, nil
	}
	var ms int64
	var id string
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		_, err = fmt.Sscanf(string(plain), "%d %s", &ms, &id)
	}
	if err == nil {
		_, err = events.ParseID[events.SessionID](id)
	}
	// PostgreSQL does not know every time that Go does.
	at := time.UnixMilli(ms).UTC()
	if err != nil || ms < 0 || at.After(newest.startedAt) {
		return place{}, events.Errorf(events.CodeInvalid, "cursor is not one that a page gave")
	}
	return place{at, events.SessionID(id)}, nil
}

// figures are what a list shows of a session's turns.
type figures struct {
	turns int
	first segmentText
}

// segmentText is the settled text of one segment, sealed.
type segmentText struct {
	event  events.EventID
	sealed []byte
	parts  json.RawMessage // later ones
}

// at are where its columns are scanned into.
func (t *segmentText) at() []any { return []any{&t.event, &t.sealed, &t.parts} }

// facts are what is known of the segment by its text.
func (t segmentText) facts() (*events.ItemFacts, error) {
	var row segmentRow
	row.Status.Rank, row.TextEvent = 1, events.Event{ID: t.event, Sealed: t.sealed}
	if t.parts != nil {
		if err := (&partsOf{&row}).read(t.parts); err != nil {
			return nil, events.Wrap(err, events.CodeInternal, "the parts of a segment do not read back")
		}
	}
	return &row.ItemFacts, nil
}

// firstText selects the columns of a segmentText: those of the first segment of
// each group that meets the condition.
func firstText(condition string) string {
	first := func(column string) string {
		return "(array_agg(" + column + " order by call, seen)" + condition + ")[1]"
	}
	return "coalesce(" + first("text_event") + ", ''), " + first("text_sealed") + ", " + first("parts")
}

// summaries completes the rows of a page.
func (v *Views) summaries(ctx context.Context, rows []sessionRow, found hits) ([]projections.SessionSummary, error) {
	topics, err := v.topicsOf(ctx, rows)
	if err != nil {
		return nil, err
	}
	figures, err := v.figures(ctx, rows)
	if err != nil {
		return nil, err
	}
	list := make([]projections.SessionSummary, len(rows))
	for i, r := range rows {
		s := summary(r, v.db.config.Now())
		s.Topic, s.Turns = topics[r.ID], figures[r.ID].turns
		shown, matched := found[r.ID]
		if !matched {
			shown = figures[r.ID].first
		}
		if s.Excerpt, err = v.excerpt(ctx, r.ID, shown); err != nil {
			return nil, err
		}
		list[i] = s
	}
	return list, nil
}

func summary(r sessionRow, now time.Time) projections.SessionSummary {
	s := projections.SessionSummary{
		ID: r.ID, Language: r.Language, Level: r.Level,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt,
		HasAudio: r.Audio != nil, Position: r.Position,
	}
	s.Status, s.Reason = r.Facts().Status(now)
	switch {
	case r.Audio != nil:
		s.DurationMS = r.Audio.DurationMS
	case r.EndedAt != nil:
		s.DurationMS = r.EndedAt.Sub(r.StartedAt).Milliseconds()
	}
	return s
}

// figures counts turns (links in the chain are none) and finds each session's
// first text that somebody said.
func (v *Views) figures(ctx context.Context, rows []sessionRow) (map[events.SessionID]figures, error) {
	ids := make([]events.SessionID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	segments := qualified(v.db.config.Views, segments.name)
	found, err := v.db.pool.Query(ctx, "select session, count(*) filter (where speaker <> $2 or status in ($3, $4))::bigint,"+
		firstText(" filter (where status = $3)")+
		" from "+segments+" where session = any($1) group by session", ids, events.NoSpeaker, events.Final, events.Prompted)
	if err != nil {
		return nil, translate(err, "read figures")
	}
	of := map[events.SessionID]figures{}
	var id events.SessionID
	var f figures
	_, err = pgx.ForEachRow(found, append([]any{&id, &f.turns}, f.first.at()...), func() error {
		of[id] = f
		return nil
	})
	return of, translate(err, "read figures")
}

// Overview lists sessions of all learners without content, the last changed
// first; limit is 1 to MaxPage. Errors: CodeInvalid.
func (v *Views) Overview(ctx context.Context, limit int) ([]projections.Overview, error) {
	if limit < 1 || limit > MaxPage {
		return nil, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	rows, err := ask(ctx, v, sessions, "order by position desc limit $1", limit)
	if err != nil {
		return nil, err
	}
	list := overviews(rows, v.db.config.Now())
	return list, v.addUsed(ctx, list)
}

// addUsed sums up what the provider counted of each session.
func (v *Views) addUsed(ctx context.Context, list []projections.Overview) error {
	at, ids := map[events.SessionID]*events.Used{}, make([]events.SessionID, len(list))
	for i := range list {
		list[i].Used = events.Used{Responses: map[string]int64{}, Transcriptions: map[string]int64{}}
		at[list[i].ID], ids[i] = &list[i].Used, list[i].ID
	}
	found, err := v.db.pool.Query(ctx, "select session, spoken, kind, sum(n::bigint)::bigint from ("+
		"select session, usage, true as spoken from "+qualified(v.db.config.Views, responses.name)+
		" union all select session, usage, false from "+qualified(v.db.config.Views, segments.name)+
		") used, jsonb_each_text(usage) counts(kind, n)"+
		" where session = any($1) and jsonb_typeof(usage) = 'object' group by session, spoken, kind", ids)
	if err != nil {
		return translate(err, "read usage")
	}
	var id events.SessionID
	var spoken bool
	var kind string
	var n int64
	_, err = pgx.ForEachRow(found, []any{&id, &spoken, &kind, &n}, func() error {
		if spoken {
			at[id].Responses[kind] = n
		} else {
			at[id].Transcriptions[kind] = n
		}
		return nil
	})
	return translate(err, "read usage")
}

// Beyond lists the sessions that hold events behind a position, the last
// changed first: what came from the tail that a log lost. Limit is 1 to
// MaxPage. Errors: CodeInvalid.
func (v *Views) Beyond(ctx context.Context, position events.Position, limit int) ([]projections.Overview, error) {
	if limit < 1 || limit > MaxPage {
		return nil, events.Errorf(events.CodeInvalid, "limit must be 1 to %d", MaxPage)
	}
	rows, err := ask(ctx, v, sessions, "where position > $1 order by position desc limit $2", uint64(position), limit)
	return overviews(rows, v.db.config.Now()), err
}

func overviews(rows []sessionRow, now time.Time) []projections.Overview {
	list := make([]projections.Overview, len(rows))
	for i, r := range rows {
		status, reason := r.Facts().Status(now)
		list[i] = projections.Overview{
			ID: r.ID, Learner: r.Learner, Status: status, Reason: reason,
			StartedAt: r.StartedAt, EndedAt: r.EndedAt, Deleted: r.Deleted != nil, Position: r.Position,
			Model: r.Model, TranscriptionModel: r.TranscriptionModel,
		}
	}
	return list
}

// median of at least one number; of an even count the lower of the two middle ones.
func median(numbers []int64) *int64 {
	slices.Sort(numbers)
	return &numbers[(len(numbers)-1)/2]
}
