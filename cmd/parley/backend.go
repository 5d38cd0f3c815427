package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"

	"parley/cmd/parley/embedded"
	"parley/events/jetstream"
	"parley/projections/postgres"
	"parley/projections/s3"
)

// backend is the log, the read models and the store, opened.
type backend struct {
	nc       *nats.Conn
	healthy  func(context.Context) error // what the log's server says of itself
	log      *jetstream.Log
	database *postgres.Database
	watcher  *postgres.Watcher
	views    *postgres.Views
	store    *s3.Store
	uploads  string // origin of signed uploads; empty when browsers can't reach the store
}

// elsewhere is what the configuration says of servers that are not ours.
func elsewhere(c Config) embedded.Connection {
	var at embedded.Connection
	if c.NATSURL != "" {
		at.NATS = &embedded.NATSConnection{URL: c.NATSURL}
	}
	if c.PostgresURL != "" {
		at.Postgres = &embedded.PostgresConnection{URL: c.PostgresURL}
	}
	if c.S3Endpoint != "" {
		at.S3 = &embedded.S3Connection{Endpoint: c.S3Endpoint, Region: c.S3Region, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey}
	}
	return at
}

// connected reaches the servers of an instance: those that the configuration
// names, else those of the instance that runs on the data folder. What that one
// says of itself is known in both cases, if one runs there.
func connected(c Config, dir string) (embedded.Connection, error) {
	at := elsewhere(c)
	running, err := embedded.ReadConnection(dir)
	all := at.NATS != nil && at.Postgres != nil && at.S3 != nil
	switch {
	case all && errors.Is(err, embedded.ErrNotRunning):
		return at, nil
	case err != nil:
		return at, err
	case all:
		at.Speech = running.Speech
		return at, nil
	}
	return running, nil
}

// openBackend opens everything that a role may need; what was opened before a
// failure is closed again.
func openBackend(ctx context.Context, c Config, at embedded.Connection, dir string, logger *slog.Logger, opts ...nats.Option) (_ *backend, err error) {
	b := &backend{healthy: shownHealth(c.natsMonitors())}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.log, b.nc, err = openLog(ctx, c, *at.NATS, dir, opts...); err != nil {
		return nil, err
	}
	b.database = postgres.New(postgres.Config{URL: at.Postgres.URL})
	if err = b.database.Open(ctx); err != nil {
		return nil, err
	}
	b.views = postgres.NewViews(b.database, b.log.Vault())
	b.watcher = postgres.NewWatcher(b.database, logger)
	b.store, b.uploads, err = openStore(ctx, c, *at.S3)
	return b, err
}

// shownHealth asks the monitoring of the log's servers; of a cluster it is enough that
// one is well, since it goes on without another. Those that show nothing are believed.
func shownHealth(monitors []string) func(context.Context) error {
	return func(ctx context.Context) (unwell error) {
		for _, address := range monitors {
			err := jetstream.CheckHealth(ctx, address)
			if err == nil {
				return nil
			}
			unwell = errors.Join(unwell, err)
		}
		return unwell
	}
}

// openStore opens the instance's object store.
func (r reach) openStore(ctx context.Context) (*s3.Store, error) {
	store, _, err := openStore(ctx, r.config, *r.servers.S3)
	return store, err
}

// openStore opens the object store, and tells the origin of its signed uploads.
func openStore(ctx context.Context, c Config, at embedded.S3Connection) (store *s3.Store, uploads string, err error) {
	uploads = c.S3PublicEndpoint
	if c.S3Endpoint == "" && !c.reachedFromElsewhere() {
		uploads = at.Endpoint
	}
	store, err = s3.Open(ctx, s3.Config{
		Endpoint: at.Endpoint, Region: at.Region, AccessKey: at.AccessKey, SecretKey: at.SecretKey,
		Bucket: c.S3Bucket, PublicEndpoint: uploads,
	})
	return store, uploads, err
}

// close may be called on a half-open backend.
func (b *backend) close() {
	if b.database != nil {
		b.database.Close()
	}
	if b.log != nil {
		b.log.Close()
	}
	if b.nc != nil {
		b.nc.Close()
	}
}

// missing names what keeps the backend from serving.
func (b *backend) missing(ctx context.Context) map[string]string {
	found := map[string]string{}
	for name, ask := range map[string]func(context.Context) error{
		"log":   b.logReady,
		"views": b.database.Ping,
		"store": b.store.Ping,
		"vault": b.log.Vault().Ready,
	} {
		if err := ask(ctx); err != nil && !errors.Is(err, context.Canceled) {
			found[name] = sentence(err)
		}
	}
	return found
}

// logReady tells whether the log answers, and its server is well.
func (b *backend) logReady(ctx context.Context) error {
	if _, err := b.log.Identity(ctx); err != nil {
		return err
	}
	return b.healthy(ctx)
}
