package clientauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/contit/oauth/storage"
)

const maxProfiles = 16

// decoys are the hashes that an unknown client pays for. A profile is the cost of one
// known client: more than one hash while its secret is being rotated. With a single
// cost, an attacker could tell an unknown client from one in rotation. The number of
// profiles is bounded, since clients fill it; deployments have one or two. The zero
// value is ready.
type decoys struct {
	mu   sync.Mutex // held while a profile is added
	seen atomic.Pointer[[]*profile]
}

type profile struct {
	raw     bool // the client is registered for Basic credentials that are not encoded
	costs   []cost
	secrets []storage.ClientSecret // of these costs, and matching nothing
	slow    int                    // how many of them are slow
	lately  atomic.Int64           // how long all slow ones took the last time, for one reading of a secret
}

var unseen = &profile{secrets: []storage.ClientSecret{{Hash: cost{scheme: schemeSHA256}.decoy()}}}

// took records how long n slow hashes of a client of this profile took, for so many
// readings of its secret. Some secrets are too long for a hash of theirs and skip it, so
// fewer than all may be computed. A client has no profile if there was no room for its
// costs.
func (p *profile) took(n, readings int, d time.Duration) {
	if p != nil && n == p.slow*readings {
		p.lately.Store(int64(d) / int64(readings))
	}
}

// pretend waits as long as the slow hashes of the profile would take in so many
// rounds, and computes none.
func (p *profile) pretend(ctx context.Context, rounds int) {
	t := time.NewTimer(time.Duration(p.lately.Load()) * time.Duration(rounds))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// pick chooses a profile for an identifier. The key makes the choice unpredictable,
// and the same identifier always gets the same profile: otherwise a caller could ask
// twice and see that the client is unknown.
func (d *decoys) pick(key *[32]byte, id string) *profile {
	seen := d.seen.Load()
	switch {
	case seen == nil:
		return unseen
	case len(*seen) == 1: // nothing to choose, for any identifier
		return (*seen)[0]
	}
	// A caller learns nothing of the sum except the profile that it chose. So a key
	// in front is as good as an HMAC, and stays on the stack.
	var buf [256]byte
	sum := sha256.Sum256(append(append(append(buf[:0], key[:]...), "decoy\x00"...), id...))
	n := binary.BigEndian.Uint64(sum[:])
	return (*seen)[n%uint64(len(*seen))]
}

// learn adds the cost of a known client, and returns its profile, or nil if there is
// no room for it. The decoy of a hash that only the host can compute is a client's hash:
// it is compared, and nothing follows from the result. The caller does not learn from
// decoys: the decoy of the first requests may have a cost that no client has.
func (d *decoys) learn(fast, slow []try, raw bool) *profile {
	var buf [4]cost
	costs := buf[:0]
	for _, tries := range [...][]try{fast, slow} {
		for _, t := range tries {
			costs = append(costs, t.hash.cost)
		}
	}
	if p, full := d.find(raw, costs); p != nil || full {
		return p
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, full := d.find(raw, costs); p != nil || full {
		return p
	}
	p := &profile{raw: raw, costs: slices.Clone(costs), slow: len(slow)}
	for _, tries := range [...][]try{fast, slow} {
		for _, t := range tries {
			p.secrets = append(p.secrets, storage.ClientSecret{Hash: t.hash.decoy()})
		}
	}
	var all []*profile
	if seen := d.seen.Load(); seen != nil {
		all = slices.Clone(*seen)
	}
	all = append(all, p)
	d.seen.Store(&all)
	return p
}

// find returns the profile with these costs, or nil, and whether there is no
// room for another.
func (d *decoys) find(raw bool, costs []cost) (p *profile, full bool) {
	seen := d.seen.Load()
	if seen == nil {
		return nil, false
	}
	for _, p := range *seen {
		if p.raw == raw && slices.Equal(p.costs, costs) {
			return p, false
		}
	}
	return nil, len(*seen) >= maxProfiles
}
