package bearer

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
)

// table remembers a bounded number of values. Nobody waits for anybody: to
// remember is to replace one pointer. A key has its place by a hash under a key
// of the process, so that nobody can choose whose entry to push out. A nil
// table remembers nothing.
type table[K comparable, V any] struct {
	seed  maphash.Seed
	slots []atomic.Pointer[entry[K, V]]
}

// entry does not change.
type entry[K comparable, V any] struct {
	key   K
	value V
}

// ways is how many entries share a place. With one, two tokens that are used a
// lot and share it would push each other out forever.
const ways = 4

func newTable[K comparable, V any](size int) *table[K, V] {
	if size == 0 {
		return nil
	}
	return &table[K, V]{
		seed:  maphash.MakeSeed(),
		slots: make([]atomic.Pointer[entry[K, V]], (size+ways-1)/ways*ways),
	}
}

func (t *table[K, V]) place(key K) []atomic.Pointer[entry[K, V]] {
	n := maphash.Comparable(t.seed, key) % uint64(len(t.slots)/ways)
	return t.slots[n*ways : n*ways+ways]
}

func (t *table[K, V]) get(key K) (value V, ok bool) {
	if t == nil {
		return value, false
	}
	place := t.place(key)
	for i := range place {
		if e := place[i].Load(); e != nil && e.key == key {
			return e.value, true
		}
	}
	return value, false
}

// put remembers a value, in place of that of the same key, or else of any that
// shares its place.
func (t *table[K, V]) put(key K, value V) {
	if t == nil {
		return
	}
	place := t.place(key)
	slot := rand.IntN(ways)
	for i := range place {
		e := place[i].Load()
		if e == nil {
			slot = i
		}
		if e != nil && e.key == key {
			slot = i
			break
		}
	}
	place[slot].Store(&entry[K, V]{key, value})
}
