package embedded

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"
)

// Config says what to start and how.
type Config struct {
	// Elsewhere holds the servers that are configured from outside. Each one
	// that is set is used and not started. Zero: all three are ours.
	Elsewhere Connection
	// NATSConf is the text of nats.conf.
	NATSConf string
	// PostgresBin is the folder of initdb and postgres. Empty: they are looked for.
	PostgresBin string
	// Origin is the one origin whose pages may send to the object store, as
	// browsers write it: http://127.0.0.1:8080.
	Origin string
	// Speech is passed on in the connection file.
	Speech *Speech
	// Log hears what the servers have to say. Required.
	Log *slog.Logger
}

// runner is the life that all three have in common.
type runner interface {
	// reserve chooses the port. All do so before any starts: a child process
	// that is being made holds on to a port that was just looked at.
	reserve(context.Context) error
	start(context.Context) error
	stop(context.Context) error
}

// Servers are the embedded servers of one data folder.
type Servers struct {
	folder   *Folder
	config   Config
	nats     *NATS
	postgres *Postgres
	s3       *S3
	own      []runner // those that are started here
	failed   chan error
}

// New makes the servers of folder; Start runs them.
func New(folder *Folder, config Config) *Servers {
	s := &Servers{folder: folder, config: config, failed: make(chan error, 1)}
	folder.kept.Elsewhere = config.Elsewhere.names()
	if config.Elsewhere.NATS == nil {
		s.nats = newNATS(folder, config.NATSConf, config.Log)
		s.own = append(s.own, s.nats)
	}
	if config.Elsewhere.Postgres == nil {
		s.postgres = newPostgres(folder, config.PostgresBin, config.Log, s.report)
		s.own = append(s.own, s.postgres)
	}
	if config.Elsewhere.S3 == nil {
		s.s3 = newS3(folder, config.Origin, s.report)
		s.own = append(s.own, s.s3)
	}
	return s
}

// Start brings all servers up side by side and returns once each of them
// answers and the connection file is written. If one cannot start, the others
// are stopped again and its error is returned. It may be called twice.
func (s *Servers) Start(ctx context.Context) (Connection, error) {
	if s.postgres != nil {
		if err := s.postgres.find(ctx); err != nil {
			return Connection{}, err
		}
	}
	for _, own := range s.own {
		if err := own.reserve(ctx); err != nil {
			return Connection{}, err
		}
	}
	starting, startCtx := errgroup.WithContext(ctx)
	for _, own := range s.own {
		starting.Go(func() error { return own.start(startCtx) })
	}
	err := starting.Wait()
	connection := s.connection()
	if err == nil {
		err = errors.Join(s.folder.kept.save(s.folder.path), s.folder.publish(connection))
	}
	if err != nil {
		return Connection{}, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return connection, nil
}

// Stop removes the connection file and blocks until all servers are down, or ctx
// ends. It may be called twice, and without Start.
func (s *Servers) Stop(ctx context.Context) error {
	withdrawn := s.folder.withdraw()
	ends := make(chan error)
	for _, own := range s.own {
		go func() { ends <- own.stop(ctx) }()
	}
	all := []error{withdrawn}
	for range s.own {
		all = append(all, <-ends)
	}
	return errors.Join(all...)
}

// Failed delivers the error of the first server that ended without Stop. The
// program cannot go on without it.
func (s *Servers) Failed() <-chan error { return s.failed }

func (s *Servers) report(err error) {
	select {
	case s.failed <- err:
	default: // one reason to stop is enough
	}
}

// InProcess returns the embedded event log server, nil if it is elsewhere.
// nats.InProcessServer takes it.
func (s *Servers) InProcess() *NATS { return s.nats }

func (s *Servers) connection() Connection {
	c := s.config.Elsewhere
	c.PID, c.Origin, c.Speech = os.Getpid(), s.config.Origin, s.config.Speech
	if s.nats != nil {
		c.NATS = s.nats.connection()
	}
	if s.postgres != nil {
		c.Postgres = s.postgres.connection()
	}
	if s.s3 != nil {
		c.S3 = s.s3.connection()
	}
	return c
}
