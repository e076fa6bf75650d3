package tokenendpoint

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"sync/atomic"
)

// knownIDs are identifiers of clients that were found. A request may have a
// secret in the place of a client_id, such as an API key that a client sent as
// the user of Basic. The text alone does not show which of the two it is, and
// only the identifier of an existing client is public. So an event names a known
// client, and has a placeholder for every other text.
//
// The table has a fixed size, and keeps hashes under a key of the process. If
// another identifier pushes one out, the endpoint knows it again when it next
// finds the client.
type knownIDs struct {
	seed maphash.Seed
	key  [32]byte // of this process: nobody can try guesses on a placeholder
	seen [1024]atomic.Uint64
}

func newKnownIDs() *knownIDs {
	k := &knownIDs{seed: maphash.MakeSeed()}
	rand.Read(k.key[:]) // it cannot fail: the process ends instead
	return k
}

// add notes that there is a client with this identifier.
func (k *knownIDs) add(id string) {
	if entry, sum := k.entry(id); entry.Load() != sum {
		entry.Store(sum)
	}
}

func (k *knownIDs) entry(id string) (entry *atomic.Uint64, sum uint64) {
	sum = max(1, maphash.String(k.seed, id)) // zero is an empty entry
	return &k.seen[sum%uint64(len(k.seen))], sum
}

// public returns the client_id of a request in the form that an event may carry.
func (k *knownIDs) public(id string) string {
	if id == "" {
		return ""
	}
	if entry, sum := k.entry(id); entry.Load() == sum {
		return id
	}
	sum := sha256.Sum256(append(k.key[:len(k.key):len(k.key)], id...))
	return "unverified:" + hex.EncodeToString(sum[:4])
}
