package bearer

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"
)

// table remembers a bounded number of values. No caller waits for another: one
// pointer is replaced. The hash of a key chooses its bucket, under a random seed of
// the process, so that an attacker cannot choose whose entry to push out. A page of
// buckets is allocated with its first value. A nil table remembers nothing.
type table[K comparable, V any] struct {
	seed    maphash.Seed
	buckets uint64
	pages   []atomic.Pointer[page[K, V]]
}

// page has a size of two kibibytes.
type page[K comparable, V any] [pageBuckets]bucket[K, V]

const pageBuckets = 64

// bucket holds the entries of keys with one hash.
type bucket[K comparable, V any] [ways]atomic.Pointer[entry[K, V]]

// entry does not change after it was stored.
type entry[K comparable, V any] struct {
	key   K
	value V
}

// ways is how many entries share a bucket. With one, two tokens in constant use that
// share a bucket would push each other out forever.
const ways = 4

func newTable[K comparable, V any](size int) *table[K, V] {
	if size == 0 {
		return nil
	}
	buckets := (size + ways - 1) / ways
	return &table[K, V]{
		seed:    maphash.MakeSeed(),
		buckets: uint64(buckets),
		pages:   make([]atomic.Pointer[page[K, V]], (buckets+pageBuckets-1)/pageBuckets),
	}
}

// find returns the page of a key, and the index of its bucket there.
func (t *table[K, V]) find(key K) (*atomic.Pointer[page[K, V]], uint64) {
	n := maphash.Comparable(t.seed, key) % t.buckets
	return &t.pages[n/pageBuckets], n % pageBuckets
}

func (t *table[K, V]) get(key K) (value V, ok bool) {
	if t == nil {
		return value, false
	}
	at, n := t.find(key)
	page := at.Load()
	if page == nil {
		return value, false
	}
	bucket := &page[n]
	for i := range bucket {
		if e := bucket[i].Load(); e != nil && e.key == key {
			return e.value, true
		}
	}
	return value, false
}

// put stores a value. It replaces the value of the same key, or else any value in the
// same bucket.
func (t *table[K, V]) put(key K, value V) {
	if t == nil {
		return
	}
	at, n := t.find(key)
	if at.Load() == nil {
		at.CompareAndSwap(nil, new(page[K, V])) // another caller may have been first
	}
	bucket := &at.Load()[n]
	slot := rand.IntN(ways)
	for i := range bucket {
		e := bucket[i].Load()
		if e == nil {
			slot = i
		}
		if e != nil && e.key == key {
			slot = i
			break
		}
	}
	bucket[slot].Store(&entry[K, V]{key, value})
}
