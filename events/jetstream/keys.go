package jetstream

import (
	"container/list"
	"sync"

	"parley/events"
)

// dataKey is one key in memory. Once destroyed its bytes are zero and it
// serves nobody, not even those who held it before.
type dataKey struct {
	mu        sync.RWMutex
	bytes     [keySize]byte
	destroyed bool
}

// use lends the key's bytes. Errors: CodeErased; those of do.
func (k *dataKey) use(do func(key []byte) error) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.destroyed {
		return events.Errorf(events.CodeErased, "the data key was destroyed")
	}
	return do(k.bytes[:])
}

func (k *dataKey) destroy() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.bytes[:])
	k.destroyed = true
}

func destroyedKey() *dataKey { return &dataKey{destroyed: true} }

// keyCache holds the keys used last, by subject. A destroyed key stays in it
// like any other: that saves asking again.
type keyCache struct {
	mu     sync.Mutex
	limit  int
	byName map[string]*list.Element
	recent list.List // of cachedKey, the one used last in front
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
	return at.Value.(cachedKey).key
}

func (c *keyCache) put(name string, key *dataKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, held := c.byName[name]; held {
		at.Value = cachedKey{name, key}
		c.recent.MoveToFront(at)
		return
	}
	c.byName[name] = c.recent.PushFront(cachedKey{name, key})
	if c.recent.Len() > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(cachedKey)
		delete(c.byName, oldest.name)
	}
}

// destroy wipes a key if it is held, and remembers that it is gone.
func (c *keyCache) destroy(name string) {
	if key := c.get(name); key != nil {
		key.destroy()
		return
	}
	c.put(name, destroyedKey())
}

// empty forgets all keys.
func (c *keyCache) empty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byName)
	c.recent.Init()
}
