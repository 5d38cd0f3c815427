package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// load reads the stored rows of the keys, in a batch that asks more already.
func (s *Store) load(ctx context.Context, tx pgx.Tx, reads *pgx.Batch, schema string, k projections.Keys, rows *projections.Rows) (found, error) {
	stored := found{}
	queueWholes(reads, schema, k, rows, stored)
	together := len(k.Aggregates) <= s.few
	if together {
		queueParts(reads, schema, k, rows, stored)
	}
	if err := tx.SendBatch(ctx, reads).Close(); err != nil || together {
		return stored, err
	}
	reads = &pgx.Batch{}
	queueParts(reads, schema, k.Within(rows), rows, stored)
	if reads.Len() == 0 {
		return stored, nil
	}
	return stored, tx.SendBatch(ctx, reads).Close()
}

// found are the keys of the session rows that were stored, by table. While the
// checkpoint is locked nobody else writes them: a row without a key is new.
type found map[string]map[projections.PartKey]bool

func (f found) note(table string, key projections.PartKey) {
	if f[table] == nil {
		f[table] = map[projections.PartKey]bool{}
	}
	f[table][key] = true
}

// queueWholes reads the rows of aggregates, and which of them have dead letters.
func queueWholes(reads *pgx.Batch, schema string, k projections.Keys, rows *projections.Rows, stored found) {
	queueByID(reads, sessions, schema, projections.IDs[string](k, events.KindOfSession), func(r sessionRow) {
		r.Empty()
		rows.Sessions[r.ID] = &r
		stored.note(sessions.name, keyOfSession(r))
	})
	queueByID(reads, topics, schema, projections.IDs[string](k, events.KindOfTopic), func(r topicRow) { rows.Topics[r.ID] = &r })
	queueByID(reads, accounts, schema, projections.IDs[string](k, events.KindOfAccount), func(r accountRow) { rows.Accounts[r.ID] = &r })
	queueByID(reads, emails, schema, projections.IDs[string](k, events.KindOfEmail), func(r emailRow) { rows.Emails[r.Hash] = &r })
	queueParked(reads, schema, k, rows)
}

// queueParts reads parts of sessions, to be put into these.
func queueParts(reads *pgx.Batch, schema string, k projections.Keys, rows *projections.Rows, stored found) {
	queueByPart(reads, calls, schema, k.Calls, func(r callRow) {
		put(rows, r.Session, r, (*sessionRow).PutCall)
		stored.note(calls.name, keyOfCall(r))
	})
	queueByPart(reads, segments, schema, k.Segments, func(r segmentRow) {
		put(rows, r.Session, r, (*sessionRow).PutSegment)
		stored.note(segments.name, keyOfSegment(r))
	})
	queueByPart(reads, responses, schema, k.Responses, func(r responseRow) {
		put(rows, r.Session, r, (*sessionRow).PutResponse)
		stored.note(responses.name, keyOfResponse(r))
	})
}

func keyOfSession(r sessionRow) projections.PartKey { return projections.PartKey{Session: r.ID} }

func keyOfCall(r callRow) projections.PartKey {
	return projections.PartKey{Session: r.Session, Call: r.Call}
}

func keyOfSegment(r segmentRow) projections.PartKey {
	return projections.PartKey{Session: r.Session, Call: r.Call, Part: r.Item}
}

func keyOfResponse(r responseRow) projections.PartKey {
	return projections.PartKey{Session: r.Session, Call: r.Call, Part: r.Response}
}

// put gives a part to its session.
func put[R any](rows *projections.Rows, of events.SessionID, part R, into func(*sessionRow, R)) {
	if session := rows.Sessions[of]; session != nil {
		into(session, part)
	}
}

// queueByID reads rows by their one-column key.
func queueByID[R any](b *pgx.Batch, t table[R], schema string, ids []string, take func(R)) {
	if len(ids) == 0 {
		return
	}
	queueRead(b, t, t.selectFrom(schema)+" where "+t.keyList()+" = any($1)", take, ids)
}

// queueByPart reads parts of sessions. Calls have two key columns, the others
// three.
func queueByPart[R any](b *pgx.Batch, t table[R], schema string, keys map[projections.PartKey]bool, take func(R)) {
	if len(keys) == 0 {
		return
	}
	var ofSession, parts []string
	var ofCall []int
	for k := range keys {
		ofSession, ofCall, parts = append(ofSession, string(k.Session)), append(ofCall, k.Call), append(parts, k.Part)
	}
	if t.keys == 2 {
		queueRead(b, t, t.selectFrom(schema)+" where ("+t.keyList()+") in"+
			" (select * from unnest($1::text[], $2::bigint[]))", take, ofSession, ofCall)
		return
	}
	queueRead(b, t, t.selectFrom(schema)+" where ("+t.keyList()+") in"+
		" (select * from unnest($1::text[], $2::bigint[], $3::text[]))", take, ofSession, ofCall, parts)
}

func queueRead[R any](b *pgx.Batch, t table[R], sql string, take func(R), params ...any) {
	b.Queue(sql, params...).Query(func(found pgx.Rows) error {
		rows, err := t.scan(found)
		for _, r := range rows {
			take(r)
		}
		return err
	})
}

// queueParked finds out which aggregates of the batch have dead letters.
func queueParked(b *pgx.Batch, schema string, k projections.Keys, rows *projections.Rows) {
	var kinds, ids []string
	for a := range k.Aggregates {
		kinds, ids = append(kinds, string(a.Kind)), append(ids, a.ID)
	}
	sql := "select distinct aggregate_kind, aggregate_id from " + qualified(schema, "dead_letters") +
		" where (aggregate_kind, aggregate_id) in (select * from unnest($1::text[], $2::text[]))"
	b.Queue(sql, kinds, ids).Query(func(found pgx.Rows) error {
		var a events.Aggregate
		_, err := pgx.ForEachRow(found, []any{&a.Kind, &a.ID}, func() error {
			rows.Parked[a] = true
			return nil
		})
		return err
	})
}
