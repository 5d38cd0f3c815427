package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/cmd/parley/embedded"
	"parley/events"
)

func TestDialLog(t *testing.T) {
	t.Run("an address that does not answer is not repeated: it may hold a password", func(t *testing.T) {
		_, err := dialLog(Config{}, embedded.NATSConnection{URL: "nats://ada:hunter2@127.0.0.1:1"})
		if events.CodeOf(err) != events.CodeUnavailable || strings.Contains(err.Error(), "hunter2") {
			t.Fatal(err)
		}
	})
	t.Run("a credentials file is used", func(t *testing.T) {
		broken := filepath.Join(t.TempDir(), "creds")
		if err := os.WriteFile(broken, []byte("no credentials"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, t.TempDir())
		at, err := embedded.ReadConnection(p.dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = dialLog(Config{NATSCredentials: broken}, embedded.NATSConnection{URL: at.NATS.URL})
		if err == nil || !strings.Contains(err.Error(), "user jwt") && !strings.Contains(err.Error(), "nkey") && !strings.Contains(err.Error(), "seed") {
			t.Fatalf("the file was not looked at: %v", err)
		}
	})
}
