package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"

	"parley/events"
	"parley/projections/recording"
)

// setup opens a bucket of the test's own.
func setup(t *testing.T) *Store {
	t.Helper()
	store, err := Open(t.Context(), configOf(t))
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func configOf(t *testing.T) Config {
	return Config{
		Endpoint:       endpoint,
		PublicEndpoint: endpoint,
		AccessKey:      accessKey,
		SecretKey:      secretKey,
		Bucket:         "b" + strings.ToLower(rand.Text()),
	}
}

// given is an object that was announced, and its bytes.
func given(key string, size int) (recording.Object, []byte) {
	body := bytes.Repeat([]byte("sound of many waters "), size/21+1)[:size]
	sum := sha256.Sum256(body)
	return recording.Object{
		Key: key, ContentType: "audio/webm;codecs=opus", Size: int64(size), SHA256: hex.EncodeToString(sum[:]),
	}, body
}

// put stores an object.
func put(t *testing.T, s *Store, key string, size int) (recording.Object, []byte) {
	t.Helper()
	o, body := given(key, size)
	stored, err := s.Put(t.Context(), o, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return stored, body
}

func TestOpen(t *testing.T) {
	t.Run("makes the bucket, and finds it the next time", func(t *testing.T) {
		config := configOf(t)
		for range 2 {
			store, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	for name, change := range map[string]struct {
		config func(*Config)
		want   events.Code
	}{
		"an endpoint that is no address":  {func(c *Config) { c.Endpoint = "store" }, events.CodeInvalid},
		"a public one that is no address": {func(c *Config) { c.PublicEndpoint = "ftp://store" }, events.CodeInvalid},
		"a bucket without a name":         {func(c *Config) { c.Bucket = "" }, events.CodeInvalid},
		"a bucket of a wrong name":        {func(c *Config) { c.Bucket = "No/Bucket" }, events.CodeInvalid},
		"a wrong key":                     {func(c *Config) { c.SecretKey = "another" }, events.CodeInternal},
		"nobody there":                    {func(c *Config) { c.Endpoint = "http://127.0.0.1:1" }, events.CodeUnavailable},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			config := configOf(t)
			change.config(&config)
			if _, err := Open(t.Context(), config); events.CodeOf(err) != change.want {
				t.Errorf("got %v, want %s", err, change.want)
			}
		})
	}
}

func TestPut(t *testing.T) {
	s := setup(t)

	t.Run("what is stored is told by Head", func(t *testing.T) {
		stored, _ := put(t, s, "whole", 3<<20)
		if got, err := s.Head(t.Context(), "whole"); err != nil || got != stored {
			t.Errorf("head = %+v, %v; want %+v", got, err, stored)
		}
	})

	o, body := given("refused", 100_000)
	corrupted := bytes.Clone(body)
	corrupted[50_000] ^= 1
	for name, when := range map[string]struct {
		body []byte
		want events.Code
	}{
		"a byte too many": {append(bytes.Clone(body), 0), events.CodeTooLarge},
		"a byte too few":  {body[1:], events.CodeTooSmall},
		"nothing":         {nil, events.CodeTooSmall},
		"another byte":    {corrupted, events.CodeChecksum},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			if _, err := s.Put(t.Context(), o, bytes.NewReader(when.body)); events.CodeOf(err) != when.want {
				t.Errorf("got %v, want %s", err, when.want)
			}
			if _, err := s.Head(t.Context(), o.Key); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("something was stored: %v", err)
			}
		})
	}
	t.Run("refuses what is no checksum", func(t *testing.T) {
		wrong := o
		wrong.SHA256 = "abc"
		if _, err := s.Put(t.Context(), wrong, bytes.NewReader(body)); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refuses a second object of the key, and keeps the first", func(t *testing.T) {
		first, _ := put(t, s, "twice", 1000)
		other, body := given("twice", 2000)
		if _, err := s.Put(t.Context(), other, bytes.NewReader(body)); events.CodeOf(err) != events.CodeAlreadyStored {
			t.Errorf("got %v", err)
		}
		if got, err := s.Head(t.Context(), "twice"); err != nil || got != first {
			t.Errorf("head = %+v, %v; want %+v", got, err, first)
		}
	})
	t.Run("says so when the request ends before", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := s.Put(ctx, o, bytes.NewReader(body)); events.CodeOf(err) != events.CodeUnavailable {
			t.Errorf("got %v", err)
		}
	})
}

func TestRead(t *testing.T) {
	s := setup(t)
	o, body := put(t, s, "read", 100_000)

	t.Run("reads in order, and after a seek from there", func(t *testing.T) {
		r := s.Open(t.Context(), o)
		defer closed(t, r)
		for _, from := range []int64{0, 99_999, 50_000, 100_000} {
			if at, err := r.Seek(from, io.SeekStart); err != nil || at != from {
				t.Fatalf("seek to %d: %d, %v", from, at, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body[from:]) {
				t.Errorf("from %d: %d bytes, %v", from, len(got), err)
			}
		}
	})
	t.Run("seeks from the end and from where it is", func(t *testing.T) {
		r := s.Open(t.Context(), o)
		defer closed(t, r)
		if at, err := r.Seek(-10, io.SeekEnd); err != nil || at != 99_990 {
			t.Errorf("from the end: %d, %v", at, err)
		}
		if at, err := r.Seek(-90, io.SeekCurrent); err != nil || at != 99_900 {
			t.Errorf("from here: %d, %v", at, err)
		}
		if _, err := r.Seek(-1, io.SeekStart); events.CodeOf(err) != events.CodeInvalid {
			t.Errorf("before the start: %v", err)
		}
	})
	t.Run("refuses to read other bytes than were opened", func(t *testing.T) {
		old, _ := put(t, s, "replaced", 1000)
		if err := s.Remove(t.Context(), "replaced"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(t.Context(), old).Read(make([]byte, 1)); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("removed: %v", err)
		}
		put(t, s, "replaced", 1001)
		if _, err := s.Open(t.Context(), old).Read(make([]byte, 1)); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("replaced: %v", err)
		}
	})
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
