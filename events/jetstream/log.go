package jetstream

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"parley/events"
)

// Log is the event log on JetStream. It implements [events.Log]; its methods
// may be called from many goroutines.
type Log struct {
	nc        *nats.Conn
	js        jetstream.JetStream
	config    Config
	committer *committer
	leader    leader
	replica   replica
	turns     *turns
	vault     *Vault
	signIns   *SignIns
	ledger    *Ledger
	timers    *Timers
}

var _ events.Log = (*Log)(nil)

// New makes a log over a connection made with [ConnectOptions]. The connection
// stays the caller's: Close leaves it open.
func New(nc *nats.Conn, config Config) *Log {
	config = config.withDefaults()
	js, err := jetstream.New(nc)
	if err != nil {
		panic("jetstream.New without options cannot fail: " + err.Error())
	}
	js = bounded{js}
	publisher := &publisher{nc, js, config.AnswerWait}
	l := &Log{
		nc: nc, js: js, config: config,
		committer: newCommitter(publisher),
		leader:    leader{nc, logStream, config.AnswerWait},
		replica:   replica{nc, logStream, config.AnswerWait},
		turns:     newTurns(),
	}
	l.vault = newVault(publisher, config)
	l.signIns = &SignIns{publisher: publisher, leader: leader{nc, signInStream, config.AnswerWait}, vault: l.vault, now: config.Now}
	l.ledger = &Ledger{publisher: publisher, leader: leader{nc, ledgerStream, config.AnswerWait}}
	l.timers = &Timers{publisher: publisher, wait: config.AnswerWait}
	return l
}

// Open makes the streams where there are none and opens the vault. The keys
// come first: with a wrong master key nothing is changed.
// Errors: CodeInvalid for a master key that is missing or wrong, or a
// connection that buffers while it is down; CodeUnavailable.
func (l *Log) Open(ctx context.Context) error {
	if l.nc.Opts.ReconnectBufSize != -1 {
		return events.Errorf(events.CodeInvalid, "the event log needs a connection made with jetstream.ConnectOptions")
	}
	if err := l.vault.open(ctx); err != nil {
		return err
	}
	epoch, err := ulid.New(ulid.Timestamp(l.config.Now()), l.config.Random)
	if err != nil {
		return events.Wrap(err, events.CodeInternal, "no random numbers for a new log's epoch")
	}
	for _, stream := range []jetstream.StreamConfig{
		logConfig(l.config.Replicas, epoch.String()),
		signInConfig(l.config.Replicas),
		ledgerConfig(l.config.Replicas),
		timerConfig(l.config.Replicas),
	} {
		if err := widen(ctx, l.js, stream); err != nil {
			return err
		}
	}
	return nil
}

// Close ends what Open began and forgets the keys. It may be called twice.
func (l *Log) Close() { l.vault.close() }

// Stream names the stream that positions are of: the key of a checkpoint.
func (l *Log) Stream() string { return logStream }

// Vault keeps and destroys the data keys.
func (l *Log) Vault() *Vault { return l.vault }

// SignIns keeps who is signed in.
func (l *Log) SignIns() *SignIns { return l.signIns }

// Ledger keeps which sessions were erased.
func (l *Log) Ledger() *Ledger { return l.ledger }

// Timers wake a worker about a session at a later time.
func (l *Log) Timers() *Timers { return l.timers }

// Identity implements [events.Identifier].
func (l *Log) Identity(ctx context.Context) (events.Identity, error) {
	info, err := lookUp(ctx, l.js, logStream)
	if err != nil {
		return events.Identity{}, err
	}
	if info == nil {
		return events.Identity{}, events.Errorf(events.CodeUnavailable, "there is no event log on this server")
	}
	id := events.Identity{
		Epoch:   info.Config.Metadata[epochMetadata],
		Created: info.Created.UTC().Truncate(time.Microsecond), // what PostgreSQL keeps of it
		First:   events.Position(info.State.FirstSeq),
		Last:    events.Position(info.State.LastSeq),
	}
	held := info.State.Msgs
	switch {
	case held == 0:
		id.First, id.Missing = id.Last+1, uint64(id.Last)
	case held < uint64(id.Last-id.First)+1: // some are gone; perhaps the last ones
		id.Missing, err = l.missing(ctx, id.Last)
	}
	return id, err
}

// missing is how many positions up to the last one hold nothing any more.
func (l *Log) missing(ctx context.Context, last events.Position) (uint64, error) {
	m, err := l.leader.last(ctx, logPrefix+">")
	if err != nil {
		return 0, err
	}
	if m == nil {
		return uint64(last), nil
	}
	return uint64(last) - min(m.seq, uint64(last)), nil // it may have been written since
}

// Has tells whether the log still holds an event at the position.
// Errors: CodeUnavailable.
func (l *Log) Has(ctx context.Context, at events.Position) (bool, error) {
	_, there, err := l.At(ctx, at)
	return there, err
}

// At gives the id of the event at a position, as the log's leader knows it; there
// is false when there is none. Errors: CodeUnavailable.
func (l *Log) At(ctx context.Context, at events.Position) (id events.EventID, there bool, err error) {
	if at == 0 {
		return "", false, nil
	}
	m, err := l.leader.at(ctx, uint64(at))
	if err != nil || m == nil {
		return "", false, err
	}
	return m.id(), true, nil
}

// SecureDelete overwrites one event on the disk. One that is gone already is
// fine. Each call rewrites up to 8 MB: the caller paces (design section 7).
// Errors: CodeUnavailable.
func (l *Log) SecureDelete(ctx context.Context, at events.Position) error {
	if at == 0 {
		return events.Errorf(events.CodeInvalid, "there is no event at position 0")
	}
	return l.leader.erase(ctx, uint64(at))
}
