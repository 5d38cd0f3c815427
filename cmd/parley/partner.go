package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"time"

	"parley/events"
	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// keyLeast is how long the key of a partner must be, in characters.
const keyLeast = 16

// partnerAlone is what `parley partner` was asked for.
type partnerAlone struct {
	addr, udp, origin, keyFile, faults string
	rehearse                           bool
}

// runPartner serves the built-in partner alone, for any client of the
// protocol. It needs no data folder.
func runPartner(ctx context.Context, t terminal, args []string) error {
	set := flag.NewFlagSet("partner", flag.ContinueOnError)
	set.SetOutput(t.err)
	var asked partnerAlone
	set.StringVar(&asked.addr, "addr", "127.0.0.1:8788", "address to listen on")
	set.StringVar(&asked.udp, "udp", partner.DefaultUDPAddr, "address for the sound of all calls; port 0: any")
	set.StringVar(&asked.origin, "origin", "http://127.0.0.1:8787", "origin of the pages that may open calls")
	set.StringVar(&asked.keyFile, "key-file", "", "file with the key to ask for; none: make one and print it")
	set.StringVar(&asked.faults, "faults", "{}", "troubles to play, as one JSON object")
	set.BoolVar(&asked.rehearse, "rehearse", false, "let holders of the key change the faults: PUT /v1/faults")
	if err := parse(set, args); err != nil {
		return err
	}
	faults, err := partner.ParseFaults([]byte(asked.faults))
	if err != nil {
		return events.Wrap(err, events.CodeInvalid, "--faults cannot be used")
	}
	key, made, err := asked.key()
	if err != nil {
		return err
	}
	logger := newLogger(Config{LogLevel: slog.LevelInfo}, t.err)
	p := partner.New(partner.Config{
		Key: key, AllowedOrigin: asked.origin, UDPAddr: asked.udp, Faults: faults, Rehearsal: asked.rehearse,
		Now: time.Now, Random: rand.Reader, Logger: logger,
	})
	if err := p.Open(ctx); err != nil {
		return err
	}
	err = asked.serve(ctx, p, func(base string) { introduce(t, base, key, made, asked.keyFile) }, logger)
	return errors.Join(err, p.Close())
}

// key reads the key to ask for, or makes one.
func (a partnerAlone) key() (key string, made bool, err error) {
	if a.keyFile == "" {
		return rand.Text(), true, nil
	}
	raw, err := os.ReadFile(a.keyFile)
	if err != nil {
		return "", false, events.Wrap(err, events.CodeInvalid, "--key-file cannot be read")
	}
	if key = strings.TrimSpace(string(raw)); len(key) < keyLeast {
		return "", false, events.Errorf(events.CodeInvalid, "the key in %s is shorter than %d characters", a.keyFile, keyLeast)
	}
	return key, false, nil
}

// serve answers until ctx ends; ready is told the address.
func (a partnerAlone) serve(ctx context.Context, p *partner.Partner, ready func(base string), logger *slog.Logger) error {
	listener, err := net.Listen("tcp", a.addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another with --addr", a.addr, cause(err))
	}
	server := &nethttp.Server{
		Handler: p.Handler(), ReadHeaderTimeout: realtime.DefaultTimeout, MaxHeaderBytes: 1 << 16,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	ready("http://" + listener.Addr().String() + "/v1")
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return server.Shutdown(closing)
}

// introduce says how to talk with the partner.
func introduce(t terminal, base, key string, made bool, keyFile string) {
	fmt.Fprintf(t.out, "The partner is ready: %s\n", base)
	shown := "$(cat " + keyFile + ")"
	if made {
		shown = key
	}
	fmt.Fprintf(t.out, "A Parley talks with it so: OPENAI_API_KEY=%s PARLEY_REALTIME_URL=%s PARLEY_REALTIME_DIALECT=partner parley serve\n", shown, base)
}
