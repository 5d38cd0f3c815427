package recording

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"

	"parley/events"
)

// shelves keep the contract of Objects in memory.
type shelves struct {
	mu    sync.Mutex
	kept  map[string]kept
	onPut func()
}

type kept struct {
	Object
	bytes []byte
}

func (s *shelves) keep(o Object, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[o.Key] = kept{o, b}
}

func (s *shelves) keys(id events.SessionID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for key := range s.kept {
		if strings.Contains(key, string(id)) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *shelves) find(key string) (kept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, there := s.kept[key]
	if !there {
		return kept{}, events.Errorf(events.CodeNotFound, "no such object")
	}
	return k, nil
}

func (s *shelves) Head(_ context.Context, key string) (Object, error) {
	k, err := s.find(key)
	return k.Object, err
}

func (s *shelves) Open(_ context.Context, o Object) io.ReadSeekCloser {
	k, err := s.find(o.Key)
	return &book{bytes.NewReader(k.bytes), err}
}

// book tells only at the first Read that it is not there.
type book struct {
	*bytes.Reader
	err error
}

func (b *book) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.Reader.Read(p)
}

func (b *book) Close() error { return nil }

func (s *shelves) Put(_ context.Context, o Object, body io.Reader) (Object, error) {
	if s.onPut != nil {
		s.onPut()
		s.onPut = nil
	}
	if _, err := s.find(o.Key); err == nil {
		return Object{}, events.Errorf(events.CodeAlreadyStored, "there is one")
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return Object{}, err
	}
	if int64(len(b)) != o.Size || sumOf(b) != o.SHA256 {
		return Object{}, events.Errorf(events.CodeChecksum, "other bytes")
	}
	o.ETag = o.SHA256
	s.keep(o, b)
	return o, nil
}

func (s *shelves) Remove(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, key)
	return nil
}

func (s *shelves) RemoveSession(ctx context.Context, id events.SessionID) (int, error) {
	keys := s.keys(id)
	for _, key := range keys {
		if err := s.Remove(ctx, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// fault breaks the connection at one step: before it, or after it took effect.
type fault struct {
	at, steps int
	took      bool
	mu        sync.Mutex
}

var errBroken = errors.New("connection lost")

func (f *fault) step(do func() error) error {
	f.mu.Lock()
	f.steps++
	now := f.steps == f.at
	f.mu.Unlock()
	switch {
	case !now:
		return do()
	case f.took:
		return errors.Join(errBroken, do())
	}
	return errBroken
}

type faultyShelves struct {
	*shelves
	fault *fault
}

func (f faultyShelves) Head(ctx context.Context, key string) (o Object, err error) {
	err = f.fault.step(func() error { o, err = f.shelves.Head(ctx, key); return err })
	return o, err
}

func (f faultyShelves) Put(ctx context.Context, o Object, body io.Reader) (stored Object, err error) {
	err = f.fault.step(func() error { stored, err = f.shelves.Put(ctx, o, body); return err })
	return stored, err
}

func (f faultyShelves) Remove(ctx context.Context, key string) error {
	return f.fault.step(func() error { return f.shelves.Remove(ctx, key) })
}

func (f faultyShelves) Open(ctx context.Context, o Object) io.ReadSeekCloser {
	return &faultyBook{f.shelves.Open(ctx, o), f.fault, false}
}

// faultyBook counts its first Read as a step.
type faultyBook struct {
	io.ReadSeekCloser
	fault  *fault
	opened bool
}

func (f *faultyBook) Read(p []byte) (n int, err error) {
	if f.opened {
		return f.ReadSeekCloser.Read(p)
	}
	f.opened = true
	if err := f.fault.step(func() error { return nil }); err != nil {
		return 0, err
	}
	return f.ReadSeekCloser.Read(p)
}

type faultyLog struct {
	Log
	fault *fault
}

func (f faultyLog) Append(ctx context.Context, to events.Aggregate, expected events.Expected, evs ...events.Event) (at events.Position, err error) {
	err = f.fault.step(func() error { at, err = f.Log.Append(ctx, to, expected, evs...); return err })
	return at, err
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
