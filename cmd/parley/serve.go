package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"parley"
	"parley/cmd/parley/embedded"
	"parley/http"
	"parley/http/realtime"
	"parley/projections"
	"parley/projections/postgres"
	"parley/web"
)

// The roles that one process may have.
const (
	roleWeb       = "web"
	roleProjector = "projector"
	roleWorker    = "worker"
)

// instance is one running Parley.
type instance struct {
	config   Config
	roles    []string
	dir      string
	public   *url.URL
	listen   net.Listener
	inside   net.Listener // where the program reaches its own partner; without TLS it is listen
	logger   *slog.Logger
	servers  *embedded.Servers
	backend  *backend
	speech   *speech
	auditor  *http.Auditor
	tally    *realtime.Tally // of what the provider says and nobody knows here
	sideband *http.Sideband
	project  *projections.Projector
	staff    staff
	still    *standstill
	ready    atomic.Bool
	out      func(format string, args ...any)
}

// serve runs everything until it is told to stop. Nothing is half started: the
// configuration is checked whole, then the port is taken, then the folder, and
// each failure undoes what came before it.
func serve(ctx context.Context, t terminal, args []string) error {
	return serveBy(ctx, t, args, dutiesOf)
}

// serveBy is serve with workers of a caller's.
func serveBy(ctx context.Context, t terminal, args []string, staff staff) error {
	in, folder, err := prepare(ctx, t, args)
	if err != nil {
		return err
	}
	in.staff = staff
	defer folder.Close()
	defer in.listen.Close()
	if err := requireDurability(ctx, in.config); err != nil {
		return err
	}
	at, err := in.startServers(ctx, folder)
	if err != nil {
		return err
	}
	defer in.stopServers()
	if err := in.openRooms(ctx, at); err != nil {
		return err
	}
	defer in.backend.close()
	return in.run(ctx)
}

// prepare reads flags and environment, takes the port and the data folder.
func prepare(ctx context.Context, t terminal, args []string) (*instance, *embedded.Folder, error) {
	set, data := flags(t, "serve")
	addr := set.String("addr", "127.0.0.1:8787", "address to listen on")
	roles := set.String("roles", strings.Join([]string{roleWeb, roleProjector, roleWorker}, ","), "what this process does")
	if err := parse(set, args); err != nil {
		return nil, nil, err
	}
	config, problems := readConfig(t.environ)
	in := &instance{config: config, still: newStandstill(), roles: strings.Split(*roles, ","), out: func(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }}
	for _, role := range in.roles {
		if !slices.Contains([]string{roleWeb, roleProjector, roleWorker}, role) {
			problems = errors.Join(problems, fmt.Errorf("--roles names %q: write some of web, projector, worker", role))
		}
	}
	if problems != nil {
		return nil, nil, problems
	}
	in.logger = newLogger(config, t.err)
	var err error
	if in.dir, err = filepath.Abs(*data); err != nil {
		return nil, nil, fmt.Errorf("--data %s: %w", *data, err)
	}
	if in.listen, err = net.Listen("tcp", *addr); err != nil {
		return nil, nil, fmt.Errorf("cannot listen on %s: %w; choose another with --addr", *addr, cause(err))
	}
	if err := in.secure(); err != nil {
		return nil, nil, errors.Join(err, in.listen.Close())
	}
	if in.public, err = publicURL(config, in.listen.Addr()); err != nil {
		return nil, nil, errors.Join(err, in.listen.Close())
	}
	if err := checkMasterKey(ctx, config, in.dir); err != nil {
		return nil, nil, errors.Join(err, in.listen.Close())
	}
	folder, err := embedded.Open(in.dir)
	if err != nil {
		return nil, nil, errors.Join(err, in.listen.Close())
	}
	if err := os.MkdirAll(keyFolder(in.dir), 0o700); err != nil {
		return nil, nil, errors.Join(err, folder.Close(), in.listen.Close())
	}
	return in, folder, nil
}

// cause is the innermost reason, without the prose around it.
func cause(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// publicURL is where browsers reach us: as configured, else the loopback
// address, since the store's CORS knows one origin only.
func publicURL(c Config, listening net.Addr) (*url.URL, error) {
	if c.PublicURL != "" {
		return url.Parse(c.PublicURL)
	}
	at, err := loopback(listening)
	if c.Edges.TLSCert != "" {
		at.Scheme = "https"
	}
	return at, err
}

func loopback(listening net.Addr) (*url.URL, error) {
	host, port, err := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}, err
}

func (in *instance) startServers(ctx context.Context, folder *embedded.Folder) (embedded.Connection, error) {
	in.servers = embedded.New(folder, embedded.Config{
		Elsewhere: elsewhere(in.config), NATSConf: parley.NATSConf, PostgresBin: in.config.PostgresBin,
		Origin: in.public.String(), Speech: in.config.speech(), Log: in.logger,
	})
	return in.servers.Start(ctx)
}

// stopTimeout bounds a graceful stop.
const stopTimeout = 20 * time.Second

func (in *instance) stopServers() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := in.servers.Stop(ctx); err != nil {
		in.logger.Error("servers did not stop cleanly", "error", err)
	}
}

func (in *instance) openRooms(ctx context.Context, at embedded.Connection) error {
	var opts []nats.Option
	if own := in.servers.InProcess(); own != nil {
		opts = append(opts, nats.InProcessServer(own))
	}
	var err error
	if in.backend, err = openBackend(ctx, in.config, at, in.dir, in.logger, opts...); err != nil {
		return err
	}
	if own := in.servers.InProcess(); own != nil {
		in.backend.healthy = own.Healthy
	}
	in.project = projections.NewProjector(in.backend.log, postgres.NewStore(in.backend.database, in.backend.log.Vault()), in.backend.log.Stream(), in.logger)
	listening, err := loopback(in.inside.Addr())
	if err != nil {
		return err
	}
	in.auditor, in.tally = http.NewAuditor(in.backend.log, auditShard(), time.Now, newID, in.logger), &realtime.Tally{}
	if in.speech, err = newSpeech(in.config, listening, in.public, in.logger); err != nil {
		return err
	}
	in.sideband = sidebandOf(in.backend.log, in.speech.client, in.auditor, in.tally, in.logger)
	return nil
}

// run starts the parts in order and stops all when one of them fails.
func (in *instance) run(ctx context.Context) error {
	defer auditing(ctx, in.auditor)()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		select {
		case err := <-in.servers.Failed():
			return err
		case <-ctx.Done():
			return nil
		}
	})
	if in.has(roleProjector) {
		group.Go(func() error { return in.project.Run(ctx) })
	}
	if in.has(roleWorker) {
		for _, duty := range append(in.staff(in), in.calling()...) {
			group.Go(func() error { return keepDoing(ctx, duty, in.still, in.logger) })
		}
	}
	if in.has(roleWeb) {
		group.Go(func() error { return in.backend.watcher.Run(ctx) })
		group.Go(func() error { return in.web(ctx) })
	}
	return group.Wait()
}

func (in *instance) has(role string) bool { return slices.Contains(in.roles, role) }

// web serves pages and API until the context ends.
func (in *instance) web(ctx context.Context) error {
	if err := in.speech.open(ctx); err != nil {
		return err
	}
	defer in.speech.close()
	topics, err := seedTopics(ctx, in.backend.log)
	if err != nil {
		return err
	}
	if err := in.backend.watcher.Wait(ctx, topics); err != nil {
		return err
	}
	code, err := in.setupCode(ctx)
	if err != nil {
		return err
	}
	door := in.door(code)
	server := door.HTTPServer()
	done := make(chan error, 1)
	go func() { done <- server.Serve(in.listen) }()
	if in.inside != in.listen {
		inside := door.PartnerServer()
		defer inside.Close()
		go func() { done <- inside.Serve(in.inside) }()
	}
	in.ready.Store(true)
	in.greet(code)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	in.ready.Store(false)
	door.Close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return server.Shutdown(closing)
}

// setupCode is made while there is no account; it opens the first one.
func (in *instance) setupCode(ctx context.Context) (string, error) {
	registered, err := http.Registered(ctx, in.backend.log)
	if err != nil || registered {
		return "", err
	}
	return rand.Text()[:20], nil
}

func (in *instance) greet(code string) {
	in.out("Parley is ready: %s\n", in.public)
	if code != "" {
		in.out("Make the first account here, once: %s/#/setup?code=%s\n", in.public, code)
	}
	if in.speech.partner != nil {
		in.out("No provider key is set: learners talk with the built-in partner.\n")
	}
}

func (in *instance) door(code string) *http.Server {
	b := in.backend
	accounts := http.NewAccounts(b.log, b.log.Vault(), http.NewPasswords(hashesAtOnce), time.Now, newID)
	config := http.Config{
		PublicURL: in.public, Provider: in.speech.name, ProviderOrigin: in.speech.origin,
		Partner: in.speech.scripted, Model: in.speech.client.Model(), Voice: in.speech.client.Voice(),
		TranscriptionModel: in.config.TranscriptionModel, ShowCost: in.config.ShowCost, Retiring: in.speech.client.Retiring(),
		StoreOrigin: b.uploads, UploadMax: in.config.UploadMax, UploadTypes: in.config.UploadTypes, SessionMax: in.config.SessionMax, SessionIdle: in.config.SessionIdle, OpenID: in.config.OpenID, Version: version,
		Proxies: in.config.Edges.Proxies, Allowances: in.config.Edges.Allowances,
	}
	return http.New(config, http.Doors{
		Log: b.log, Accounts: accounts, Audit: in.auditor, Tally: in.tally, Browser: b.log, Operations: newOperations(b, in.config, in.dir, in.sideband), Keys: b.log.Vault(), SignIns: b.log.SignIns(),
		Views: b.views, Changes: b.watcher, Provider: in.speech.client, Store: uploadStore{b.store},
		Page: web.Dist(), Partner: in.speech.handler, Ready: in.missing, Now: time.Now, NewID: newID,
	}, in.logger, code)
}

// hashesAtOnce bounds the memory of sign-ins: each takes 19 MiB for a moment.
const hashesAtOnce = 2

// readyTimeout bounds one look at the servers.
const readyTimeout = 3 * time.Second

func (in *instance) missing(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	found := in.backend.missing(ctx)
	if err := in.project.Trouble(); err != nil {
		found["projector"] = sentence(advised(err))
	}
	for duty, why := range in.still.all() {
		found["worker "+duty] = why
	}
	if !in.ready.Load() {
		found["web"] = "the program is starting or stopping"
	}
	return found
}
