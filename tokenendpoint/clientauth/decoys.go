package clientauth

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/contit/oauth/storage"
)

const maxProfiles = 16

// decoys are what unknown clients are made to pay. A profile is what one known
// client costs: more than one hash while its secret is being rotated. Without
// that, an unknown client would be told from one in rotation.
//
// The number is bounded, since it is clients that fill it; deployments have one
// or two. The zero value is ready.
type decoys struct {
	mu   sync.Mutex // held by who adds
	seen atomic.Pointer[[]profile]
}

type profile struct {
	costs   []cost
	secrets []storage.ClientSecret // what costs that, and matches nothing
}

var unseen = []storage.ClientSecret{{Hash: cost{scheme: schemeSHA256}.decoy()}}

// pick chooses a profile for an identifier. The key makes the choice one that
// nobody can predict, and the same identifier gets the same one: else asking
// twice would tell what is a decoy.
func (d *decoys) pick(key *[32]byte, id string) []storage.ClientSecret {
	// Nobody sees more of the sum than which profile it chose, so that the key
	// in front is as good as an HMAC, and on the stack.
	var buf [256]byte
	sum := sha256.Sum256(append(append(append(buf[:0], key[:]...), "decoy\x00"...), id...))
	n := binary.BigEndian.Uint64(sum[:])
	seen := d.seen.Load()
	if seen == nil {
		return unseen
	}
	return (*seen)[n%uint64(len(*seen))].secrets
}

// learn adds what a known client costs. It must not be called for decoys:
// the one that stands in before anything was seen may be a cost that no client
// has.
func (d *decoys) learn(fast, slow []try) {
	var buf [4]cost
	costs := buf[:0]
	for _, tries := range [...][]try{fast, slow} {
		for _, t := range tries {
			costs = append(costs, t.hash.cost)
		}
	}
	if d.knows(costs) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.knows(costs) {
		return
	}
	p := profile{costs: slices.Clone(costs)}
	for _, c := range costs {
		p.secrets = append(p.secrets, storage.ClientSecret{Hash: c.decoy()})
	}
	var all []profile
	if seen := d.seen.Load(); seen != nil {
		all = slices.Clone(*seen)
	}
	all = append(all, p)
	d.seen.Store(&all)
}

// knows reports whether there is nothing to learn from these costs.
func (d *decoys) knows(costs []cost) bool {
	seen := d.seen.Load()
	if seen == nil {
		return false
	}
	return len(*seen) >= maxProfiles || slices.ContainsFunc(*seen, func(p profile) bool {
		return slices.Equal(p.costs, costs)
	})
}
