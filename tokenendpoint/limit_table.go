package tokenendpoint

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresAtOnce is how many failures a client may have at once from one
	// network before it has to wait.
	failuresAtOnce = 300
	// failureInterval is the time after which one of them is forgotten.
	failureInterval = time.Second
	// failureSlots is the size of the table: half a mebibyte.
	failureSlots = 1 << 16
)

// failureCount counts failures by client and network. Its size is fixed, and
// nothing that a request brings is kept in it: an entry has its place by a hash
// under a key of the process, so that nobody can choose whose entry to share or
// push one out. Each entry is the instant, in microseconds, at which all
// failures counted so far are forgotten.
type failureCount struct {
	seed      maphash.Seed
	mu        sync.Mutex
	forgotten [failureSlots]int64
}

func newFailureCount() *failureCount { return &failureCount{seed: maphash.MakeSeed()} }

type failureKey struct {
	clientID string
	network  netip.Prefix
}

func (c *failureCount) wait(a Attempt) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(a).Sub(a.Time) - (failuresAtOnce-1)*failureInterval
}

func (c *failureCount) add(a Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten[c.slot(a)] = c.at(a).Add(failureInterval).UnixMicro()
}

// at is when the failures of an entry are forgotten, now at the earliest. One
// that lies further ahead than failures can add up to was made by a clock that
// has been set back since.
func (c *failureCount) at(a Attempt) time.Time {
	t := time.UnixMicro(c.forgotten[c.slot(a)])
	if t.Before(a.Time) || t.Sub(a.Time) > 2*failuresAtOnce*failureInterval {
		return a.Time
	}
	return t
}

func (c *failureCount) slot(a Attempt) uint64 {
	return maphash.Comparable(c.seed, failureKey{a.ClientID, a.Network}) % failureSlots
}
