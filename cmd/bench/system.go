package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"

	"parley"
	"parley/cmd/parley/embedded"
	"parley/events/jetstream"
	"parley/projections"
	"parley/projections/postgres"
)

// servers are NATS and PostgreSQL on a folder that `parley serve` could take
// over. No object store: nothing here has sound.
type servers struct {
	folder  *embedded.Folder
	running *embedded.Servers
	at      embedded.Connection
}

func (b *bench) startServers(ctx context.Context, dir string) (*servers, error) {
	folder, err := embedded.Open(dir)
	if err != nil {
		return nil, err
	}
	s := &servers{folder: folder, running: embedded.New(folder, embedded.Config{
		Elsewhere: embedded.Connection{S3: &embedded.S3Connection{}}, NATSConf: parley.NATSConf,
		PostgresBin: os.Getenv("PARLEY_POSTGRES_BIN"), Log: b.logger,
	})}
	if s.at, err = s.running.Start(ctx); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return s, nil
}

func (s *servers) stop(ctx context.Context) error {
	return errors.Join(s.running.Stop(context.WithoutCancel(ctx)), s.folder.Close())
}

// connect opens a connection as the program itself has it: in process, without
// a socket.
func (s *servers) connect() (*nats.Conn, error) {
	options := append(jetstream.ConnectOptions(),
		nats.UserInfo(s.at.NATS.User, s.at.NATS.Password), nats.InProcessServer(s.running.InProcess()))
	return nats.Connect(s.at.NATS.URL, options...)
}

// system is the log and the read models on their servers.
type system struct {
	*servers
	nc       *nats.Conn
	log      *jetstream.Log
	master   jetstream.MasterKey
	database *postgres.Database
	bench    *bench
}

// answerWait lets a busy machine be slow instead of failing: a number is wanted.
const answerWait = time.Minute

// start brings up servers on a folder and opens what stands on them.
func (b *bench) start(ctx context.Context, dir string) (_ *system, err error) {
	running, err := b.startServers(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &system{servers: running, bench: b}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop(ctx))
		}
	}()
	keys := filepath.Join(dir, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return nil, err
	}
	if s.nc, err = running.connect(); err != nil {
		return nil, err
	}
	s.master = jetstream.MasterKeyFile(filepath.Join(keys, "master"))
	s.log = jetstream.New(s.nc, jetstream.Config{MasterKey: s.master, AnswerWait: answerWait})
	if err := s.log.Open(ctx); err != nil {
		return nil, err
	}
	s.database = postgres.New(postgres.Config{URL: running.at.Postgres.URL})
	return s, s.database.Open(ctx)
}

// stop may be called on a half-open system.
func (s *system) stop(ctx context.Context) error {
	if s.database != nil {
		s.database.Close()
	}
	if s.log != nil {
		s.log.Close()
	}
	if s.nc != nil {
		s.nc.Close()
	}
	return s.servers.stop(ctx)
}

// store writes the read models.
func (s *system) store() *postgres.Store { return postgres.NewStore(s.database, s.log.Vault()) }

// catchUp projects all that is in the log.
func (s *system) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	projector := projections.NewProjector(s.log, s.store(), s.log.Stream(), s.bench.logger)
	ended := make(chan error, 1)
	go func() { ended <- projector.Run(ctx) }()
	select {
	case <-projector.CaughtUp():
		cancel()
		return <-ended
	case err := <-ended:
		return errors.Join(err, ctx.Err())
	}
}

// newID makes ULIDs.
func newID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }
