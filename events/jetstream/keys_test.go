package jetstream

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"parley/events"
)

func keyOf(b byte) *dataKey {
	key := &dataKey{}
	for i := range key.bytes {
		key.bytes[i] = b
	}
	return key
}

func isWiped(key *dataKey) bool { return key.bytes == [keySize]byte{} }

func TestKeyCacheWipes(t *testing.T) {
	nothing := func([]byte) error { return nil }
	t.Run("the key used longest ago, once there are too many", func(t *testing.T) {
		c := newKeyCache(2)
		a, b := keyOf(1), keyOf(2)
		c.put("a", a)
		c.put("b", b)
		if c.get("a") != a || isWiped(a) || isWiped(b) {
			t.Fatal("a key is lost within the bound")
		}
		c.put("c", keyOf(3))
		if c.get("b") != nil || !isWiped(b) || isWiped(a) || c.recent.Len() != 2 {
			t.Error("the wrong key left, or it was not wiped")
		}
		if err := b.use(nothing); !errors.Is(err, errForgotten) {
			t.Errorf("who held it gets %v", err)
		}
	})
	t.Run("a destroyed key, also for those who hold it", func(t *testing.T) {
		c := newKeyCache(2)
		a := keyOf(1)
		c.put("a", a)
		c.destroy("a")
		if err := a.use(nothing); !isWiped(a) || events.CodeOf(err) != events.CodeErased {
			t.Errorf("wiped %v, %v", isWiped(a), err)
		}
		if a.wipe(keyForgotten); events.CodeOf(a.use(nothing)) != events.CodeErased {
			t.Error("what is destroyed became only forgotten")
		}
	})
	t.Run("all when it closes, and what comes later", func(t *testing.T) {
		c := newKeyCache(2)
		a, late := keyOf(1), keyOf(2)
		c.put("a", a)
		c.close()
		c.put("late", late)
		if !isWiped(a) || !isWiped(late) || c.recent.Len() != 0 {
			t.Error("a key stays in memory")
		}
	})
}

// An instance that hears nothing any more holds a key that another has destroyed for a
// second at most (design section 4: unreadable everywhere at once).
func TestKeysAreForgottenInTime(t *testing.T) {
	for silent, most := range map[string]time.Duration{"the connection": askEvery + mostSilence, "the stream alone": 2 * heartbeat} {
		if most > time.Second {
			t.Errorf("when %s is silent, after %s", silent, most)
		}
	}
}

// TestKeyCacheSize measures what Config.CachedKeys says about memory.
func TestKeyCacheSize(t *testing.T) {
	const held, most = 20_000, 300 // bytes a key
	c := newKeyCache(held)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range held {
		c.put(fmt.Sprintf("session.01KKNQ5E480000000000%06d", i), keyOf(1))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / held; each > most {
		t.Errorf("%d bytes a key, %d are said", each, most)
	} else {
		t.Logf("%d bytes a key", each)
	}
	runtime.KeepAlive(c)
}
