package clientauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const (
	generation  = 5000 // entries; the memory holds two generations
	rememberFor = 10 * time.Minute
)

// mark stands for "this secret was verified against this hash of this client".
// The hash is in it, so that a mark is worth nothing once the hash is gone.
type mark [sha256.Size]byte

// markOf is keyed: who reads the marks alone cannot test guesses on them. Each
// part has its length before it, so that no two triples run together alike.
func markOf(key *[32]byte, clientID, hash, secret string) mark {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("verified\x00"))
	var b []byte
	for _, part := range [...]string{clientID, hash, secret} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	return mark(mac.Sum(nil))
}

// memory remembers marks in two generations: when the young one is full, the
// old one is dropped and the young one becomes old. Only who knew a right
// secret adds to it, so strangers cannot empty it. The zero value is ready.
type memory struct {
	mu         sync.Mutex
	young, old map[mark]time.Time
}

// has reports whether m was added within rememberFor of at, before or after:
// requests overtake each other, and clocks are set back.
func (y *memory) has(m mark, at time.Time) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	since, ok := y.young[m]
	if !ok {
		if since, ok = y.old[m]; ok {
			y.put(m, since) // it is in use: keep it for another generation
		}
	}
	return ok && at.Sub(since).Abs() < rememberFor
}

// add notes that m was verified at this time.
func (y *memory) add(m mark, at time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.put(m, at)
}

func (y *memory) put(m mark, at time.Time) {
	if _, there := y.young[m]; !there && len(y.young) >= generation {
		y.young, y.old = nil, y.young
	}
	if y.young == nil {
		y.young = make(map[mark]time.Time)
	}
	y.young[m] = at
}
