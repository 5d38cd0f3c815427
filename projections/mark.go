package projections

import (
	"context"
	"sync"

	"parley/events"
)

// Mark is how far a projection has come, for those who wait for it.
type Mark struct {
	mu    sync.Mutex
	at    events.Position
	moved chan struct{} // closed at the next move
}

// NewMark starts before the first event.
func NewMark() *Mark { return &Mark{moved: make(chan struct{})} }

// At is the position reached.
func (m *Mark) At() events.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

// Reach moves the mark forward; a position behind it changes nothing.
func (m *Mark) Reach(at events.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at <= m.at {
		return
	}
	m.at = at
	close(m.moved)
	m.moved = make(chan struct{})
}

// Set puts the mark where a store says that it stands. It goes back when the
// rows were dropped and are filled anew.
func (m *Mark) Set(at events.Position) {
	m.mu.Lock()
	if at < m.at {
		m.at = at
	}
	m.mu.Unlock()
	m.Reach(at)
}

// Wait returns when the mark is at the position or behind it.
// Errors: CodeUnavailable when the context ends before.
func (m *Mark) Wait(ctx context.Context, position events.Position) error {
	for {
		m.mu.Lock()
		reached, moved := m.at >= position, m.moved
		m.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return events.Wrap(ctx.Err(), events.CodeUnavailable, "the read models have not come so far yet; try again")
		}
	}
}
