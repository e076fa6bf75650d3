package clientauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

const (
	generation = 5000 // entries; the memory holds two generations

	// A verified secret is remembered while clients use it, but not for ever.
	rememberUnused = 10 * time.Minute
	rememberAtMost = 24 * time.Hour
)

// fingerprint stands for "this secret was verified against this hash of this client".
// It is made from the hash too, so it is worth nothing once the hash is gone.
type fingerprint [sha256.Size]byte

// fingerprintOf is keyed, so that an attacker with a copy of the fingerprints
// cannot test guesses. Each part has its length before it, so that no two triples
// give the same text.
func fingerprintOf(key *[32]byte, clientID, hash, secret string) fingerprint {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte("verified\x00"))
	var b []byte
	for _, part := range [...]string{clientID, hash, secret} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	mac.Write(b)
	return fingerprint(mac.Sum(nil))
}

// memory remembers verified secrets in two generations: when the young one is full,
// the old one is dropped and the young one becomes old. Only a client with the right
// secret adds to it, so strangers cannot empty it. The zero value is ready.
type memory struct {
	mu         sync.Mutex
	young, old map[fingerprint]recollection
}

// recollection is when a secret was verified, and when a client last showed it.
type recollection struct{ verified, used time.Time }

// holds reports whether the secret need not be hashed again. Both times may be before
// at or after it: requests overtake each other, and clocks are set back.
func (r recollection) holds(at time.Time) bool {
	return at.Sub(r.used).Abs() < rememberUnused && at.Sub(r.verified).Abs() < rememberAtMost
}

// familiarity is how much the memory knows of a secret.
type familiarity int

const (
	unfamiliar familiarity = iota
	familiar               // verified, but too long ago
	remembered             // verified, and need not be hashed again
)

// recall returns how much the memory knows of m. A secret that is recalled stays
// remembered.
func (y *memory) recall(m fingerprint, at time.Time) familiarity {
	y.mu.Lock()
	defer y.mu.Unlock()
	r, ok := y.young[m]
	if !ok {
		r, ok = y.old[m]
	}
	switch {
	case !ok:
		return unfamiliar
	case !r.holds(at):
		return familiar
	}
	if at.After(r.used) {
		r.used = at
	}
	y.put(m, r) // it is in use: keep it for another generation
	return remembered
}

// add records that m was verified at this time.
func (y *memory) add(m fingerprint, at time.Time) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.put(m, recollection{verified: at, used: at})
}

func (y *memory) put(m fingerprint, r recollection) {
	if _, there := y.young[m]; !there && len(y.young) >= generation {
		y.young, y.old = nil, y.young
	}
	if y.young == nil {
		y.young = make(map[fingerprint]recollection)
	}
	y.young[m] = r
}
