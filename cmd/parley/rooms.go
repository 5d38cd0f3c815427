package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
)

// newID makes ULIDs.
func newID() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }

func newEventID() events.EventID { return events.EventID(newID()) }

// stampOf is what a command of this program knows about itself.
func stampOf(who events.Actor) events.Stamp {
	return events.Stamp{
		Actor: who, Time: time.Now(), Correlation: newID(),
		NewID: newEventID,
	}
}

// reach is how a command finds the instance that it is about.
type reach struct {
	config  Config
	dir     string
	servers embedded.Connection
}

// reachInstance reads the environment and finds the servers: those that are
// configured, else those of the instance that runs on the data folder.
func reachInstance(t terminal, data string) (r reach, err error) {
	if r.dir, err = filepath.Abs(data); err != nil {
		return r, err
	}
	if r.config, err = readConfig(t.environ); err != nil {
		return r, err
	}
	r.servers, err = connected(r.config, r.dir)
	return r, err
}

// dialLog connects to the log's server. Its address may hold a password, so it
// is never repeated.
func dialLog(c Config, at embedded.NATSConnection, opts ...nats.Option) (*nats.Conn, error) {
	opts = append(jetstream.ConnectOptions(), opts...)
	switch {
	case at.User != "":
		opts = append(opts, nats.UserInfo(at.User, at.Password))
	case c.NATSCredentials != "":
		opts = append(opts, nats.UserCredentials(c.NATSCredentials))
	}
	nc, err := nats.Connect(at.URL, opts...)
	if err != nil {
		return nil, events.Wrap(err, events.CodeUnavailable, "the event log cannot be reached")
	}
	return nc, nil
}

// openLog connects to the log and opens its vault.
func openLog(ctx context.Context, c Config, at embedded.NATSConnection, dir string, opts ...nats.Option) (*jetstream.Log, *nats.Conn, error) {
	nc, err := dialLog(c, at, opts...)
	if err != nil {
		return nil, nil, err
	}
	log := jetstream.New(nc, jetstream.Config{MasterKey: masterKey(c, dir)})
	if err := log.Open(ctx); err != nil {
		nc.Close()
		return nil, nil, err
	}
	return log, nc, nil
}

// withLog opens the log of the instance that a command is about, for as long as do
// runs.
func withLog(ctx context.Context, t terminal, data string, do func(*jetstream.Log, reach) error) error {
	to, err := reachInstance(t, data)
	if err != nil {
		return err
	}
	log, nc, err := openLog(ctx, to.config, *to.servers.NATS, to.dir)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer log.Close()
	return do(log, to)
}

// masterKey lies in the data folder unless the configuration says otherwise.
func masterKey(c Config, dir string) jetstream.MasterKey {
	switch {
	case c.MasterKey != "":
		return jetstream.MasterKeyText(c.MasterKey)
	case c.MasterKeyCommand != "":
		return jetstream.MasterKeyCommand(c.MasterKeyCommand, masterKeyPatience)
	case c.MasterKeyFile != "":
		return jetstream.MasterKeyFile(c.MasterKeyFile)
	}
	return jetstream.MasterKeyFile(filepath.Join(keyFolder(dir), "master"))
}

// masterKeyPatience is how long a key service may take.
const masterKeyPatience = 10 * time.Second

// checkMasterKey refuses a missing or wrong master key before any server is
// started, so that such a start changes nothing.
func checkMasterKey(ctx context.Context, c Config, dir string) error {
	if c.NATSURL == "" {
		streams, err := embedded.StreamMetadata(dir)
		if err != nil {
			return err
		}
		return jetstream.CheckMasterKey(ctx, masterKey(c, dir), streams)
	}
	nc, err := dialLog(c, embedded.NATSConnection{URL: c.NATSURL})
	if err != nil {
		return err
	}
	defer nc.Close()
	live, err := jetstream.NewArchive(nc).Keys(ctx)
	if err != nil {
		return err
	}
	if live == nil {
		return jetstream.CheckMasterKey(ctx, masterKey(c, dir), nil)
	}
	return live.CheckMasterKey(ctx, masterKey(c, dir))
}

// keyFolder is apart from the servers' folders, so that a copy of those holds
// no master key.
func keyFolder(dir string) string { return filepath.Join(dir, "keys") }

// silent is the logger of commands whose output is for a person.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }
