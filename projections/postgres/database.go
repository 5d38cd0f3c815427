package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"parley/events"
)

// Config says where the read models are.
type Config struct {
	// URL is a PostgreSQL connection string, version 15 or newer. It may name
	// pool_max_conns (a rebuild needs 3); default is pgx's (4, or the number of cores).
	URL string
	// Views is the schema that readers ask; the versions of the read models lie
	// beside it in numbered ones ("parley_v1"). Default "parley".
	Views string
	// Now is the clock; nil: the system's.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Views == "" {
		c.Views = "parley"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// schema is the numbered schema of a version.
func (c Config) schema(version int) string { return c.Views + "_v" + strconv.Itoa(version) }

// channel is where commits to the live version are notified; its payload is
// the position.
func (c Config) channel() string { return c.Views }

// Database holds the connections.
type Database struct {
	config Config
	pool   *pgxpool.Pool
}

// New makes a database that is not open yet.
func New(config Config) *Database { return &Database{config: config.withDefaults()} }

// Open connects, brings the tables up to date and points the views at them.
// Errors: CodeInvalid when the URL cannot be read or an applied migration was
// changed afterwards; CodeUnavailable; CodeInternal.
func (d *Database) Open(ctx context.Context) error {
	config, err := pgxpool.ParseConfig(d.config.URL)
	if err != nil {
		return events.Wrap(err, events.CodeInvalid, "the PostgreSQL URL cannot be read")
	}
	config.ConnConfig.RuntimeParams["application_name"] = "parley"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	// A process that was stopped amid a transaction must not hold its locks for ever.
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "30s"
	config.AfterConnect = readTimesInUTC
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return translate(err, "connect")
	}
	d.pool = pool
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return err
	}
	return nil
}

// Close gives all connections back. Safe twice, and on one that never opened.
func (d *Database) Close() {
	if d.pool != nil {
		d.pool.Close()
	}
}

// Ping tells whether the database answers. Errors: CodeUnavailable.
func (d *Database) Ping(ctx context.Context) error { return translate(d.pool.Ping(ctx), "ping") }

func readTimesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}
