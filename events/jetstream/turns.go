package jetstream

import (
	"context"
	"sync"
)

// turns lets one caller at a time do something about a name; others wait.
type turns struct {
	mu   sync.Mutex
	open map[string]*turn
}

type turn struct {
	taken chan struct{} // holds one value while somebody has the turn
	users int           // who has it or waits for it
}

func newTurns() *turns { return &turns{open: map[string]*turn{}} }

// take waits for the name's turn; done gives it on. Error: the context's.
func (t *turns) take(ctx context.Context, name string) (done func(), err error) {
	mine := t.enter(name)
	select {
	case mine.taken <- struct{}{}:
		return func() { <-mine.taken; t.leave(name) }, nil
	case <-ctx.Done():
		t.leave(name)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(name string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[name] == nil {
		t.open[name] = &turn{taken: make(chan struct{}, 1)}
	}
	t.open[name].users++
	return t.open[name]
}

func (t *turns) leave(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open[name].users--; t.open[name].users == 0 {
		delete(t.open, name)
	}
}
