package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley"
	"parley/cmd/parley/embedded"
	"parley/events"
	parleylog "parley/events/jetstream"
)

// site is an event log's server while nothing else uses it: to restore into, or to
// try a backup on.
type site struct {
	nc      *nats.Conn
	js      jetstream.JetStream
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
	return s, s.connect(*at.NATS)
}

// foreignSite is a server of its own. Whether another program uses it, nobody can
// tell from here.
func foreignSite(at embedded.NATSConnection) (*site, error) {
	s := &site{}
	return s, s.connect(at)
}

func (s *site) connect(at embedded.NATSConnection) (err error) {
	s.nc, err = nats.Connect(at.URL, append(parleylog.ConnectOptions(), nats.UserInfo(at.User, at.Password))...)
	if err != nil {
		return events.Wrap(err, events.CodeUnavailable, "the event log at "+at.URL+" cannot be reached")
	}
	s.js, err = jetstream.New(s.nc)
	return err
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

// look asks about a stream; nil when there is none.
func (s *site) look(ctx context.Context, stream string) (*jetstream.StreamInfo, error) {
	found, err := s.js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, events.Wrap(err, events.CodeUnavailable, "the event log's server does not answer")
	}
	return found.CachedInfo(), nil
}

// put makes a stream from a backup in place of the one that may be there, and looks
// whether all of it has come.
func (s *site) put(ctx context.Context, dir string, p packed) error {
	if err := s.js.DeleteStream(ctx, p.Stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return events.Wrap(err, events.CodeUnavailable, p.Stream+" could not be removed")
	}
	file, err := os.Open(filepath.Join(dir, p.File))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := putBack(ctx, s.nc, p.Stream, snapshotAnswer{Config: p.Config, State: p.State}, file); err != nil {
		return err
	}
	now, err := s.look(ctx, p.Stream)
	if err != nil {
		return err
	}
	if now == nil || now.State.Msgs != p.Messages || p.Messages > 0 && now.State.FirstSeq != p.First || now.State.LastSeq != p.Last {
		return events.Errorf(events.CodeInternal, "%s was restored, but not with the %d messages from %d to %d of the manifest", p.Stream, p.Messages, p.First, p.Last)
	}
	return nil
}

// erased lists the sessions of the ledger.
func (s *site) erased(ctx context.Context) ([]events.SessionID, error) {
	ledger, err := s.js.Stream(ctx, ledgerStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, events.Wrap(err, events.CodeUnavailable, "the ledger cannot be read")
	}
	info, err := ledger.Info(ctx, jetstream.WithSubjectFilter(ledgerPrefix+"*"))
	if err != nil {
		return nil, events.Wrap(err, events.CodeUnavailable, "the ledger cannot be read")
	}
	var ids []events.SessionID
	for subject := range info.State.Subjects {
		id, err := events.ParseID[events.SessionID](subject[len(ledgerPrefix):])
		if err != nil {
			return nil, fmt.Errorf("the ledger names %q: %w", subject, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// tryOut restores a backup into a server of its own, beside it, and throws that away.
func tryOut(ctx context.Context, dir string, m manifest) (err error) {
	scratch, err := os.MkdirTemp(dir, ".trial-*")
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
		if err := trial.put(ctx, dir, p); err != nil {
			return err
		}
	}
	return nil
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
