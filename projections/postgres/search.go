package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// hits are the sessions that a search found, each with the text of its first
// segment that holds a word of the query. Nil hits: nothing was searched for.
type hits map[events.SessionID]segmentText

func (h hits) ids() []events.SessionID { return slices.Collect(maps.Keys(h)) }

// MaxQueryWords is how many distinct words of a query count.
const MaxQueryWords = 16

// search finds the learner's sessions in which every word of the query was
// said. The words are hashed anew for each session, under its own key; the
// database compares hashes.
func (v *Views) search(ctx context.Context, learner events.AccountID, query string) (hits, error) {
	if len(projections.Words("", query)) == 0 {
		return nil, nil
	}
	asked, err := v.questions(ctx, learner, query)
	if err != nil {
		return nil, err
	}
	segments := qualified(v.db.config.Views, segments.name)
	found, err := v.db.pool.Query(ctx, "with asked as (select * from unnest($1::text[], $2::bigint[], $3::bigint[]) as a(session, hash, words)),"+
		" said as (select a.session, a.hash, a.words, s.call, s.seen, s.text_event, s.text_sealed, s.parts"+
		" from asked a join "+segments+" s on s.session = a.session and a.hash = any(s.hashes))"+
		" select session, "+firstText("")+
		" from said group by session, words having count(distinct hash) = words",
		asked.sessions, asked.hashes, asked.words)
	if err != nil {
		return nil, translate(err, "search")
	}
	result := hits{}
	var id events.SessionID
	var text segmentText
	_, err = pgx.ForEachRow(found, append([]any{&id}, text.at()...), func() error {
		result[id] = text
		return nil
	})
	return result, translate(err, "search")
}

// questions are a query's word hashes per session, as columns: each hash with
// how many words its session must have in all.
type questions struct {
	sessions []events.SessionID
	hashes   []int64
	words    []int
}

func (v *Views) questions(ctx context.Context, learner events.AccountID, query string) (q questions, err error) {
	languages, err := v.languages(ctx, learner)
	if err != nil {
		return q, err
	}
	for id, language := range languages {
		key, ok, err := wordKey(ctx, v.vault, id)
		if err != nil {
			return q, err
		}
		if ok {
			q.add(id, projections.HashWords(key, queryWords(language, query)))
		}
	}
	return q, nil
}

// languages are those of the learner's sessions.
func (v *Views) languages(ctx context.Context, learner events.AccountID) (map[events.SessionID]string, error) {
	found, err := v.db.pool.Query(ctx, "select id, language from "+qualified(v.db.config.Views, sessions.name)+
		" where learner = $1 and deleted is null", learner)
	if err != nil {
		return nil, translate(err, "search")
	}
	languages := map[events.SessionID]string{}
	var id events.SessionID
	var language string
	_, err = pgx.ForEachRow(found, []any{&id, &language}, func() error {
		languages[id] = language
		return nil
	})
	return languages, translate(err, "search")
}

// queryWords are the words of a query in a session's language.
func queryWords(language, query string) []string {
	words := projections.Words(language, query)
	return words[:min(len(words), MaxQueryWords)]
}

func (q *questions) add(of events.SessionID, hashes []int64) {
	for _, h := range hashes {
		q.sessions, q.hashes, q.words = append(q.sessions, of), append(q.hashes, h), append(q.words, len(hashes))
	}
}

// maxExcerpt is how many characters of a text a list shows.
const maxExcerpt = 160

// excerpt opens a text and cuts it. Of an erased one nothing is shown.
func (v *Views) excerpt(ctx context.Context, of events.SessionID, t segmentText) (string, error) {
	facts, err := t.facts()
	if err != nil {
		return "", err
	}
	text, _, err := v.said(ctx, of, facts)
	if err != nil {
		return "", err
	}
	if runes := []rune(text); len(runes) > maxExcerpt {
		text = string(runes[:maxExcerpt]) + "…"
	}
	return text, nil
}
