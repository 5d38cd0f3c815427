package realtime

import (
	"maps"
	"sync"
)

const (
	// maxTallied bounds the names that a Tally tells apart.
	maxTallied = 100
	// Others is the name under which a full Tally counts the rest.
	Others = "others"
)

// Tally counts the events that are not known here, by type, so that an
// operator sees what a provider has begun to send. The names come from
// outside: beyond the first hundred they are counted together. The zero value
// is ready, and safe for concurrent use.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int
}

// Add counts an event that is Unknown; others are left out.
func (t *Tally) Add(event Event) {
	if _, unknown := event.Body.(Unknown); !unknown {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	name := event.Type
	if _, known := t.counts[name]; !known && len(t.counts) >= maxTallied {
		name = Others
	}
	t.counts[name]++
}

// Counts gives how often each type came.
func (t *Tally) Counts() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
