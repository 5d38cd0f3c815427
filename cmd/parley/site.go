package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"parley"
	"parley/cmd/parley/embedded"
	"parley/events"
	parleylog "parley/events/jetstream"
)

// site is an event log's server while nothing else uses it: to restore into, or to
// try a backup on.
type site struct {
	nc      *nats.Conn
	archive *parleylog.Archive
	folder  *embedded.Folder
	servers *embedded.Servers
}

// openSite starts the event log of a data folder alone. That fails while an
// instance runs there, which is what keeps a restored log from being served before
// it is filtered.
func openSite(ctx context.Context, dir string) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.folder, err = embedded.Open(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(keyFolder(dir), 0o700); err != nil {
		return nil, err
	}
	s.servers = embedded.New(s.folder, embedded.Config{
		Elsewhere: embedded.Connection{Postgres: &embedded.PostgresConnection{}, S3: &embedded.S3Connection{}},
		NATSConf:  parley.NATSConf, Log: silent(),
	})
	at, err := s.servers.Start(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.connect(Config{}, *at.NATS)
}

// foreignSite is a server of its own. Whether another program uses it, nobody can
// tell from here.
func foreignSite(c Config, at embedded.NATSConnection) (*site, error) {
	s := &site{}
	return s, s.connect(c, at)
}

func (s *site) connect(c Config, at embedded.NATSConnection) (err error) {
	if s.nc, err = dialLog(c, at); err != nil {
		return err
	}
	s.archive = parleylog.NewArchive(s.nc)
	return nil
}

// trails is the log as far as audit trails need it. Nothing on them is sealed, so
// neither the vault is opened nor its master key asked for.
func (s *site) trails() events.LoadAppender {
	return parleylog.New(s.nc, parleylog.Config{})
}

// close ends what was begun; on a half-open site too.
func (s *site) close() error {
	var all []error
	if s.nc != nil {
		s.nc.Close()
	}
	if s.servers != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		all = append(all, s.servers.Stop(ctx))
	}
	if s.folder != nil {
		all = append(all, s.folder.Close())
	}
	return errors.Join(all...)
}

// look asks what a stream holds; nothing when there is none.
func (s *site) look(ctx context.Context, stream parleylog.Stream) (parleylog.Contents, error) {
	found, err := s.archive.Contents(ctx, stream)
	if events.CodeOf(err) == events.CodeNotFound {
		return parleylog.Contents{}, nil
	}
	return found, err
}

// stream is where something lies now: keys lie in the live generation of the
// vault. Errors: CodeConflict while nothing can be written there.
func (s *site) stream(ctx context.Context, of parleylog.Stream) (parleylog.Stream, error) {
	if of != parleylog.KeyStream {
		return of, nil
	}
	live, err := s.archive.Keys(ctx)
	switch {
	case err != nil || live == nil:
		return of, err
	case live.Ended:
		return of, events.Errorf(events.CodeConflict, "a rotation of the master key stands before its switch; finish it first: parley keys rotate")
	}
	return live.Stream, nil
}

// put makes a stream from a backup in place of the one that may be there.
func (s *site) put(ctx context.Context, at kept, p packed, shown *progress) error {
	defer shown.end()
	file, err := os.Open(at.path(p))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := s.makeRoom(ctx, p.Stream); err != nil {
		return err
	}
	_, err = s.archive.Restore(ctx, p.Stream, &readOut{file: file, of: 2 * uint64(p.Size), shown: shown})
	return err
}

// readOut is a file that shows how far it is read; a restore reads it twice.
type readOut struct {
	file  *os.File
	read  uint64
	of    uint64
	shown *progress
}

// Read reads on.
func (r *readOut) Read(b []byte) (int, error) {
	n, err := r.file.Read(b)
	r.read += uint64(n)
	r.shown.at(r.read, r.of)
	return n, err
}

// Seek begins again.
func (r *readOut) Seek(offset int64, whence int) (int64, error) { return r.file.Seek(offset, whence) }

// makeRoom removes what is there: of the vault all generations.
func (s *site) makeRoom(ctx context.Context, stream parleylog.Stream) error {
	if stream.IsKeys() {
		return s.archive.RemoveKeys(ctx)
	}
	return s.archive.Remove(ctx, stream)
}

// tryOut restores a backup into a server of its own, beside it, and throws that away.
func tryOut(ctx context.Context, at kept, m manifest, t terminal) (err error) {
	scratch, err := os.MkdirTemp(at.dir, ".trial-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	trial, err := openSite(ctx, scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trial.close()) }()
	for _, p := range m.Streams {
		if err := trial.put(ctx, at, p, t.progress("trying "+p.File)); err != nil {
			return err
		}
	}
	return nil
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
