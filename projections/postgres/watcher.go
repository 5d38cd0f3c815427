package postgres

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"parley/events"
	"parley/projections"
)

// Watcher hears of every commit to the read models, whichever process made it,
// over one connection of its own. It serves those who wait for a position and
// those who want to know of changes.
type Watcher struct {
	db     *Database
	logger *slog.Logger

	views   *Views
	mark    *projections.Mark
	hearers *hearers
	told    events.Position // all changes up to here are told
	seen    events.Position // where the checkpoint stood
	begun   bool
}

// NewWatcher makes a watcher of an open database.
func NewWatcher(db *Database, logger *slog.Logger) *Watcher {
	return &Watcher{
		db: db, logger: logger,
		views: &Views{db: db}, mark: projections.NewMark(), hearers: newHearers(),
	}
}

// Wait returns when readers see the position.
// Errors: CodeUnavailable when the context ends before.
func (w *Watcher) Wait(ctx context.Context, position events.Position) error {
	return w.mark.Wait(ctx, position)
}

// Position is how far readers see, as far as the watcher knows.
func (w *Watcher) Position() events.Position { return w.mark.At() }

// Subscribe tells of changes to the learner's sessions from now on. The
// channel is never waited for: a hearer that is too slow gets one Change with
// Resync in place of all it has not taken. Cancel closes the channel.
func (w *Watcher) Subscribe(learner events.AccountID) (changes <-chan projections.Change, cancel func()) {
	return w.hearers.add(learner)
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
	// maxChanges told one by one; after more, hearers read anew.
	maxChanges = 1000
	// closing bounds the goodbye to the server.
	closing = 2 * time.Second
)

// Run listens until the context ends, and then returns nil; while the
// database cannot be reached it tries again.
func (w *Watcher) Run(ctx context.Context) error {
	pause := firstPause
	for {
		before := w.mark.At()
		err := w.listen(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if w.mark.At() > before {
			pause = firstPause
		}
		w.mark.Set(0) // a server that crashed comes back a moment earlier than it was
		w.logger.Warn("watcher pauses", "pause", pause, "error", err)
		if !rest(ctx, pause) {
			return nil
		}
		pause = min(2*pause, maxPause)
	}
}

// rest waits; it is false when the context ended.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// listen hears notifications until something fails. The checkpoint is read
// once after LISTEN, so that no commit falls between.
func (w *Watcher) listen(ctx context.Context) (err error) {
	config := w.db.pool.Config().ConnConfig
	config.RuntimeParams["application_name"] = "parley watcher"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return translate(err, "connect watcher")
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		err = errors.Join(err, conn.Close(bounded))
	}()
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{w.db.config.channel()}.Sanitize()); err != nil {
		return translate(err, "listen")
	}
	at, err := w.checkpoint(ctx, conn)
	for heard := (committed{at: at}); err == nil; {
		if err = w.tell(ctx, heard); err == nil {
			heard, err = w.next(ctx, conn)
		}
	}
	return translate(err, "listen")
}

func (w *Watcher) checkpoint(ctx context.Context, conn *pgx.Conn) (at events.Position, err error) {
	err = conn.QueryRow(ctx, "select coalesce(max(position), 0) from "+
		qualified(w.db.config.Views, "checkpoints")).Scan((*uint64)(&at))
	return at, err
}

func (w *Watcher) next(ctx context.Context, conn *pgx.Conn) (committed, error) {
	heard, err := conn.WaitForNotification(ctx)
	if err != nil {
		return committed{}, err
	}
	return readCommitted(heard.Payload)
}

// tell lets waiters go on and tells the changes since the last time.
func (w *Watcher) tell(ctx context.Context, heard committed) error {
	at := heard.at
	backwards := at < w.seen // the read models began anew
	w.seen = at
	w.mark.Set(at)
	for _, gone := range heard.gone { // also when the rows below were told ahead of this
		w.hearers.tell(gone)
	}
	if heard.many {
		w.hearers.resync()
	}
	switch {
	case !w.begun || backwards: // what came before is not known one by one
		w.begun, w.told = true, at
		w.hearers.resync()
		return nil
	case at <= w.told:
		return nil
	case w.hearers.none():
		w.told = at
		return nil
	}
	changed, err := ask(ctx, w.views, sessions, "where position > $1 order by position limit $2", uint64(w.told), maxChanges+1)
	if err != nil {
		return err
	}
	w.told = at
	if len(changed) > maxChanges {
		w.hearers.resync()
		return nil
	}
	for _, row := range changed {
		w.told = max(w.told, row.Position)
		w.hearers.tell(changeOf(row, w.db.config.Now()))
	}
	return nil
}

func changeOf(r sessionRow, now time.Time) projections.Change {
	c := projections.Change{Session: r.ID, Learner: r.Learner, Deleted: r.Deleted != nil, Position: r.Position}
	c.Status, c.Reason = r.Facts().Status(now)
	return c
}
