package main

import (
	"sync"
	"time"
)

// sightings pairs when an event was acknowledged with when it could be read, by
// its position.
type sightings struct {
	mu    sync.Mutex
	acked map[uint64]time.Time
	seen  map[uint64]time.Time
}

func newSightings() *sightings {
	return &sightings{acked: map[uint64]time.Time{}, seen: map[uint64]time.Time{}}
}

func (s *sightings) ack(position uint64) { s.note(s.acked, position) }
func (s *sightings) see(position uint64) { s.note(s.seen, position) }

func (s *sightings) note(in map[uint64]time.Time, position uint64) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	in[position] = now
}

// delays are those of all events that were both acknowledged and seen. One that
// was seen first took no time.
func (s *sightings) delays() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var delays []time.Duration
	for position, seen := range s.seen {
		if acked, known := s.acked[position]; known {
			delays = append(delays, max(0, seen.Sub(acked)))
		}
	}
	return delays
}
