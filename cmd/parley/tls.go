package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// certificate is a certificate in two files, which whoever renews it replaces
// while the program runs.
type certificate struct {
	cert, key string // paths
	logger    *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	stamps [2]time.Time // of the files that were looked at last
}

// openCertificate reads both files, so that a wrong one is known at the start.
func openCertificate(cert, key string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, logger: logger}
	stamps, err := c.look()
	if err != nil {
		return nil, err
	}
	return c, c.load(stamps)
}

// listener wraps one in TLS of version 1.2 or newer, with HTTP/2.
func (c *certificate) listener(inner net.Listener) net.Listener {
	return tls.NewListener(inner, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	})
}

// current is the certificate in the files. While they do not fit together, as
// between the replacing of one and of the other, the last good one goes on.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamps, err := c.look()
	if err == nil && stamps != c.stamps {
		err = c.load(stamps)
	}
	if err != nil {
		c.logger.Error("the new certificate cannot be used, the last one goes on", "error", err)
	}
	return c.loaded
}

func (c *certificate) look() (stamps [2]time.Time, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return stamps, fmt.Errorf("the certificate cannot be read: %w", err)
		}
		stamps[i] = info.ModTime()
	}
	return stamps, nil
}

// load remembers the stamps of a pair that failed too: it is tried again when
// one of the files changes.
func (c *certificate) load(stamps [2]time.Time) error {
	c.stamps = stamps
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("PARLEY_TLS_CERT and PARLEY_TLS_KEY: %w", err)
	}
	c.loaded = &pair
	return nil
}

// secure puts TLS in front of the port when there is a certificate. The program
// then reaches its own partner on another port of the loopback.
func (in *instance) secure() (err error) {
	in.inside = in.listen
	edges := in.config.Edges
	if edges.TLSCert == "" {
		return nil
	}
	shown, err := openCertificate(edges.TLSCert, edges.TLSKey, in.logger)
	if err != nil {
		return err
	}
	if in.inside, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("cannot listen on the loopback: %w", err)
	}
	in.listen = shown.listener(in.listen)
	return nil
}
