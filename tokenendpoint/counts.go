package tokenendpoint

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/brake"
)

// counts are the counts of this process. The slot of each is found by a hash
// under the seed, which is of the process too.
type counts struct {
	seed maphash.Seed

	// clients bounds how often a client may fail from one network.
	clients *brake.Table
	// strangers counts by network, over all clients. While a count is full, the
	// network is crowded: the endpoint spends no more work on clients that do
	// not exist.
	strangers *brake.Table
	// networks counts by network, over all clients that exist. It bounds an
	// attacker that tries a few secrets with each of many clients.
	networks *brake.Table
	// rotations bounds how fast one family of refresh tokens grows.
	rotations *brake.Table
	// families bounds how many families may begin with a credential that is not
	// used up.
	families *brake.Table
}

// limit is how many are allowed at once, and how long until one more is.
type limit struct {
	burst    int
	interval time.Duration
}

// The limits of the counts, each for its field.
var (
	clientLimit   = limit{300, time.Second}
	strangerLimit = limit{300, time.Second}
	networkLimit  = limit{3000, time.Second / 10}
	rotationLimit = limit{100, rotationInterval}
	familyLimit   = limit{1000, time.Second}
)

func (l limit) table() *brake.Table { return brake.New(l.burst, l.interval) }

// String describes the limit, for the log.
func (l limit) String() string { return fmt.Sprintf("%d at once, then one in %s", l.burst, l.interval) }

func newCounts() *counts {
	return &counts{
		seed:      maphash.MakeSeed(),
		clients:   clientLimit.table(),
		strangers: strangerLimit.table(),
		networks:  networkLimit.table(),
		rotations: rotationLimit.table(),
		families:  familyLimit.table(),
	}
}

func (c *counts) clientSlot(a Attempt) brake.Slot {
	return slotOf(c.seed, struct {
		clientID string
		network  netip.Prefix
	}{a.ClientID, a.Network})
}

func (c *counts) networkSlot(a Attempt) brake.Slot { return slotOf(c.seed, a.Network) }

func (c *counts) familySlot(family string) brake.Slot { return slotOf(c.seed, family) }

func (c *counts) subjectSlot(clientID, subject string) brake.Slot {
	return slotOf(c.seed, [2]string{clientID, subject})
}

func slotOf[T comparable](seed maphash.Seed, counted T) brake.Slot {
	return brake.Slot(maphash.Comparable(seed, counted))
}
