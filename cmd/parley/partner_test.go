package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
)

// hears gives the first line that holds a phrase.
func hears(t *testing.T, lines <-chan string, phrase string) string {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case line := <-lines:
			if strings.Contains(line, phrase) {
				return line
			}
		case <-late.C:
			t.Fatalf("nobody says %q", phrase)
		}
	}
}

// said passes on what a command writes.
type said chan string

func (s said) Write(raw []byte) (int, error) {
	s <- string(raw)
	return len(raw), nil
}

// partnerOn runs `parley partner` until the test ends.
func partnerOn(t *testing.T, args ...string) (base, advice string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, ended := make(said, 10), make(chan error, 1)
	go func() {
		ended <- runPartner(ctx, terminal{out: out, err: io.Discard}, append([]string{"--addr", "127.0.0.1:0"}, args...))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	base = strings.TrimSpace(strings.TrimPrefix(hears(t, out, "ready"), "The partner is ready: "))
	return base, hears(t, out, "OPENAI_API_KEY")
}

func TestPartnerAlone(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key")
	const key = "a-key-of-this-test"
	if err := os.WriteFile(keyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("mints for whoever has the key that it prints", func(t *testing.T) {
		base, advice := partnerOn(t)
		_, rest, _ := strings.Cut(advice, "OPENAI_API_KEY=")
		printed, _, _ := strings.Cut(rest, " ")
		if _, err := realtime.New(realtime.Config{BaseURL: base, APIKey: printed}).Mint(t.Context(), realtime.MintRequest{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("does not print a key that it was given, and plays faults", func(t *testing.T) {
		base, advice := partnerOn(t, "--key-file", keyFile, "--faults", `{"mint":"quota"}`)
		if strings.Contains(advice, key) {
			t.Error(advice)
		}
		_, err := realtime.New(realtime.Config{BaseURL: base, APIKey: key}).Mint(t.Context(), realtime.MintRequest{})
		var failure *realtime.Error
		if !errors.As(err, &failure) || failure.Class != realtime.ClassQuota {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refuses a fault that it does not know", func(t *testing.T) {
		err := runPartner(t.Context(), terminal{out: io.Discard, err: io.Discard}, []string{"--faults", `{"mint":"x"}`})
		if err == nil || !strings.Contains(sentence(err), "--faults") {
			t.Errorf("got %v", err)
		}
	})
	for length, refused := range map[int]bool{keyLeast - 1: true, keyLeast: false} {
		t.Run(fmt.Sprintf("refuses a key of %d characters: %v", length, refused), func(t *testing.T) {
			if err := os.WriteFile(keyFile, []byte(strings.Repeat("k", length)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := (partnerAlone{keyFile: keyFile}).key(); (err != nil) != refused {
				t.Error(err)
			}
		})
	}
}
