package jetstream

import (
	"container/list"
	"errors"
	"sync"

	"parley/events"
)

// dataKey is one key in memory. It can be wiped while others hold it: a
// destroyed one serves nobody any more, a forgotten one has to be fetched again.
type dataKey struct {
	mu    sync.RWMutex
	bytes [keySize]byte
	state keyState
}

type keyState int

const (
	keyUsable keyState = iota
	keyForgotten
	keyDestroyed
)

// errForgotten says that a key left memory between being found and being used.
var errForgotten = errors.New("the data key is not in memory any more")

// use lends the key's bytes. Errors: CodeErased; errForgotten; those of do.
func (k *dataKey) use(do func(key []byte) error) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch k.state {
	case keyDestroyed:
		return events.Errorf(events.CodeErased, "the data key was destroyed")
	case keyForgotten:
		return errForgotten
	}
	return do(k.bytes[:])
}

// wipe clears the bytes; what is destroyed stays so.
func (k *dataKey) wipe(state keyState) {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.bytes[:])
	k.state = max(k.state, state)
}

func destroyedKey() *dataKey { return &dataKey{state: keyDestroyed} }

// keyCache holds the keys used last, by name, and wipes those that it lets go.
// A destroyed key stays in it like any other: that saves asking again.
type keyCache struct {
	mu      sync.Mutex
	limit   int
	byName  map[string]*list.Element // nil once closed
	recent  list.List                // of *cachedKey, the one used last in front
	empties int                      // how often all were wiped
}

type cachedKey struct {
	name string
	key  *dataKey
}

func newKeyCache(limit int) *keyCache {
	return &keyCache{limit: limit, byName: map[string]*list.Element{}}
}

func (c *keyCache) get(name string) *dataKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, held := c.byName[name]
	if !held {
		return nil
	}
	c.recent.MoveToFront(at)
	return at.Value.(*cachedKey).key
}

// emptied is how often all keys were wiped.
func (c *keyCache) emptied() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.empties
}

// put takes in a key; a closed cache wipes it instead.
func (c *keyCache) put(name string, key *dataKey) { c.putFound(name, key, c.emptied()) }

// putFound takes in a key that was looked for when all had been wiped that often; one
// that has been wiped since wipes it instead.
func (c *keyCache) putFound(name string, key *dataKey, emptied int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil || c.empties != emptied {
		key.wipe(keyForgotten)
		return
	}
	if at, held := c.byName[name]; held {
		at.Value.(*cachedKey).key.wipe(keyForgotten)
		at.Value = &cachedKey{name, key}
		c.recent.MoveToFront(at)
		return
	}
	c.byName[name] = c.recent.PushFront(&cachedKey{name, key})
	if c.recent.Len() > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(*cachedKey)
		delete(c.byName, oldest.name)
		oldest.key.wipe(keyForgotten)
	}
}

// destroy wipes a key if it is held, and remembers that it is gone.
func (c *keyCache) destroy(name string) {
	if key := c.get(name); key != nil {
		key.wipe(keyDestroyed)
		return
	}
	c.put(name, destroyedKey())
}

// empty wipes all keys.
func (c *keyCache) empty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
}

// close wipes all keys, and those that come later too.
func (c *keyCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wipe()
	c.byName = nil
}

func (c *keyCache) wipe() {
	for at := c.recent.Front(); at != nil; at = at.Next() {
		at.Value.(*cachedKey).key.wipe(keyForgotten)
	}
	clear(c.byName)
	c.recent.Init()
	c.empties++
}
