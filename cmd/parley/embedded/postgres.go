package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// database is the one that Parley's read models live in.
const database = "parley"

// retryEvery is how often a starting or ending PostgreSQL is looked at.
const retryEvery = 20 * time.Millisecond

// Postgres is the read models' server, a child of this process.
type Postgres struct {
	folder *Folder
	bin    string
	log    *slog.Logger
	failed func(error)

	server installation // found once
	child  *child
}

// newPostgres makes a server from the binaries in the folder bin; empty means to
// look for them. Failed hears of an end that nobody asked for.
func newPostgres(folder *Folder, bin string, log *slog.Logger, failed func(error)) *Postgres {
	return &Postgres{folder: folder, bin: bin, log: log, failed: failed}
}

// find looks for the binaries, unless they were found before. It comes before
// anything is started, and before the gateway moves the current directory.
func (p *Postgres) find(ctx context.Context) error {
	if p.server.bin != "" {
		return nil
	}
	found, err := findInstallation(ctx, p.bin)
	if err != nil {
		return err
	}
	if err := found.runAs(p.folder.path); err != nil {
		return err
	}
	p.server = found
	return nil
}

// reserve stops what a killed Parley left running, since that may hold the port.
func (p *Postgres) reserve(ctx context.Context) error {
	if p.child != nil {
		return nil
	}
	if err := stopOrphan(ctx, p.dir(), p.log); err != nil {
		return err
	}
	return p.folder.kept.Postgres.choosePort()
}

// start makes the cluster if there is none, and returns once the server answers
// and the database is there.
func (p *Postgres) start(ctx context.Context) error {
	if p.child != nil {
		return nil
	}
	mine := p.folder.kept.Postgres
	if err := makeCluster(ctx, p.server, p.dir(), mine); err != nil {
		return err
	}
	var err error
	p.child, err = startChild(p.server.command("postgres", arguments(p.server.major, p.dir(), mine.Port)...), p.log)
	if err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	if err := p.await(ctx); err != nil {
		return errors.Join(err, p.stop(context.WithoutCancel(ctx)))
	}
	go p.watch(p.child)
	return nil
}

func (p *Postgres) dir() string { return filepath.Join(p.folder.path, "postgres") }

// await waits until the server lets us in, ends, or ctx does.
func (p *Postgres) await(ctx context.Context) error {
	again := time.NewTicker(retryEvery)
	defer again.Stop()
	var last error
	for {
		if isReady(p.dir()) { // an earlier visitor would only be logged as refused
			if last = p.makeDatabase(ctx); last == nil {
				return nil
			}
		}
		select {
		case <-p.child.done:
			return fmt.Errorf("start postgres: %w", p.child.ended())
		case <-ctx.Done():
			return fmt.Errorf("start postgres: %w: %w", ctx.Err(), last)
		case <-again.C:
		}
	}
}

// makeDatabase connects to the database that every cluster has and adds ours.
func (p *Postgres) makeDatabase(ctx context.Context) error {
	db, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return err
	}
	var there bool
	err = db.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&there)
	if err == nil && !there {
		_, err = db.Exec(ctx, "create database "+pgx.Identifier{database}.Sanitize())
	}
	return errors.Join(err, db.Close(ctx))
}

// watch reports a server that ends without having been stopped.
func (p *Postgres) watch(c *child) {
	<-c.done
	if !c.stopping.Load() {
		p.failed(fmt.Errorf("postgres ended: %w", c.ended()))
	}
}

// stop shuts the server down (open transactions are rolled back) and blocks
// until it is, or ctx ends.
func (p *Postgres) stop(ctx context.Context) error {
	if p.child == nil {
		return nil
	}
	if err := p.child.stop(ctx); err != nil {
		return fmt.Errorf("stop postgres: %w", err)
	}
	p.child = nil
	return nil
}

func (p *Postgres) connection() *PostgresConnection {
	return &PostgresConnection{URL: p.url(database)}
}

func (p *Postgres) url(db string) string {
	mine := p.folder.kept.Postgres
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(mine.User, mine.Password),
		Host:     loopback(mine.Port),
		Path:     db,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// arguments are the server's settings: small, quiet, and synced. There are few
// connections, one machine and no replicas, and the read models can be rebuilt.
func arguments(major int, dir string, port int) []string {
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"fsync=on", "synchronous_commit=on", "max_connections=50",
		"shared_buffers=24MB", "work_mem=4MB", "maintenance_work_mem=32MB", "huge_pages=off", "jit=off",
		"autovacuum_max_workers=1", "max_worker_processes=2", "max_parallel_workers=0",
		"max_logical_replication_workers=0", "max_wal_senders=0", "wal_level=minimal",
		"min_wal_size=32MB", "max_wal_size=256MB",
		"timezone=UTC", "log_timezone=UTC", "lc_messages=C", "log_min_messages=warning", "log_min_error_statement=panic", "log_line_prefix=", "cluster_name=parley",
	}
	if major >= 18 { // before, there was no choice: reads were synchronous
		settings = append(settings, "io_method=sync")
	}
	arguments := []string{"-D", dir}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}
	return arguments
}

// command prepares one of the installation's programs. The child sees none of
// our environment: the provider's key is in it.
func (i installation) command(program string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(i.bin, program), arguments...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.SysProcAttr = childAttributes(i.user, i.way)
	return cmd
}
