package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// Retrier takes dead letters into the read models after all, once the program
// can read them or the log was mended. It may run beside the projector.
type Retrier struct {
	store  *Store
	log    events.Loader
	stream string
}

// NewRetrier makes a retrier of the live version's dead letters.
func NewRetrier(db *Database, deriver Deriver, log events.Loader, stream string) *Retrier {
	return &Retrier{NewStore(db, deriver), log, stream}
}

// Retried says what became of an aggregate's dead letters.
type Retried struct {
	Aggregate events.Aggregate
	Released  int                      // are in the read models now, or are not in the log any more
	Stuck     []projections.DeadLetter // still wait, in order, with why
}

// RetryAll reads all dead letters again from the log; tried hears after each
// aggregate how many are. Errors: as of Retry.
func (r *Retrier) RetryAll(ctx context.Context, tried func(done, all int)) ([]Retried, error) {
	found, err := r.store.db.pool.Query(ctx, "select aggregate_kind, aggregate_id from "+
		qualified(r.store.db.config.Views, "dead_letters")+" group by 1, 2 order by min(position)")
	if err != nil {
		return nil, translate(err, "read dead letters")
	}
	waiting, err := pgx.CollectRows(found, pgx.RowToStructByPos[events.Aggregate])
	if err != nil {
		return nil, translate(err, "read dead letters")
	}
	var all []Retried
	for _, of := range waiting {
		done, err := r.Retry(ctx, of)
		if err != nil {
			return all, err
		}
		all = append(all, done)
		tried(len(all), len(waiting))
	}
	return all, nil
}

// Retry reads an aggregate's dead letters again from the log and applies them
// in order, up to the first that still cannot be: it and all behind it stay.
// Errors: CodeUnavailable, also when another version just went live.
func (r *Retrier) Retry(ctx context.Context, of events.Aggregate) (Retried, error) {
	done, err := r.retry(ctx, of)
	if isBadValue(err) || events.CodeOf(err) == events.CodeInvalid {
		done, err = r.stuck(ctx, of, err.Error())
	}
	return done, translate(err, "retry dead letters")
}

func (r *Retrier) retry(ctx context.Context, of events.Aggregate) (done Retried, err error) {
	loaded, err := r.log.Load(ctx, of, 0)
	if err != nil {
		return done, err
	}
	keys, err := r.store.wordKeys(ctx, loaded)
	if err != nil {
		return done, err
	}
	err = pgx.BeginFunc(ctx, r.store.db.pool, func(tx pgx.Tx) error {
		rows := projections.NewRows(keys)
		letters, schema, stored, err := r.load(ctx, tx, of, loaded, rows)
		if err != nil {
			return err
		}
		delete(rows.Parked, of)
		waiting, taken, left := lettered(loaded, letters)
		for _, e := range waiting {
			rows.Apply(e)
		}
		done = Retried{of, len(taken) - len(rows.Letters), append(rows.Letters, left...)}
		if _, err := tx.Exec(ctx, "delete from "+qualified(schema, "dead_letters")+" where position = any($1)", taken); err != nil {
			return err
		}
		return r.store.write(ctx, tx, schema, rows, stored, func(*pgx.Batch) {})
	})
	return done, err
}

// load makes the projector wait, and reads the aggregate's letters and rows.
func (r *Retrier) load(ctx context.Context, tx pgx.Tx, of events.Aggregate, evs []events.Event, rows *projections.Rows) (letters []projections.DeadLetter, schema string, stored found, err error) {
	live, err := liveVersion(ctx, tx, r.store.db.config)
	if err != nil {
		return nil, "", nil, err
	}
	schema = r.store.db.config.schema(live)
	reads := &pgx.Batch{}
	reads.Queue("select from "+qualified(schema, "checkpoints")+" where stream = $1 for update", r.stream)
	r.store.queueLive(reads, live)
	reads.Queue("select "+letterColumns+" from "+qualified(schema, "dead_letters")+
		" where aggregate_kind = $1 and aggregate_id = $2 order by position", of.Kind, of.ID,
	).Query(func(found pgx.Rows) (err error) {
		letters, err = scanLetters(found)
		return err
	})
	stored, err = r.store.load(ctx, tx, reads, schema, projections.KeysOf(evs), rows)
	return letters, schema, stored, err
}

// lettered finds the loaded events that have letters, in order; taken are the
// positions of all letters that the loading reached: one of an event that is
// not in the log any more leaves. Left are those that were parked since.
func lettered(loaded []events.Event, letters []projections.DeadLetter) (waiting []events.Event, taken []int64, left []projections.DeadLetter) {
	at := map[events.Position]events.Event{}
	var last events.Position
	for _, e := range loaded {
		at[e.Position], last = e, e.Position
	}
	for i, l := range letters {
		if l.Position > last {
			return waiting, taken, letters[i:]
		}
		taken = append(taken, int64(l.Position))
		if e, there := at[l.Position]; there {
			waiting = append(waiting, e)
		}
	}
	return waiting, taken, nil
}

// stuck answers for letters that cannot even be tried.
func (r *Retrier) stuck(ctx context.Context, of events.Aggregate, why string) (Retried, error) {
	found, err := r.store.db.pool.Query(ctx, "select "+letterColumns+" from "+qualified(r.store.db.config.Views, "dead_letters")+
		" where aggregate_kind = $1 and aggregate_id = $2 order by position", of.Kind, of.ID)
	if err != nil {
		return Retried{}, err
	}
	letters, err := scanLetters(found)
	for i := range letters {
		letters[i].Reason = why
	}
	return Retried{Aggregate: of, Stuck: letters}, err
}
