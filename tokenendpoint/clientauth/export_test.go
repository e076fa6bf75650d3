package clientauth

import (
	"fmt"
	"time"
)

// MaxRemembered is the bound on the memory.
const MaxRemembered = 2 * generation

// Observe calls f with the cost of every hash that s computes to compare.
func (s *Secrets) Observe(f func(cost string)) {
	s.observe = func(c cost) { f(c.String()) }
}

func (c cost) String() string {
	s := fmt.Sprintf("%s m=%d t=%d p=%d", c.scheme, c.memory, c.passes, c.threads)
	if c.block > 0 {
		s += fmt.Sprintf(" r=%d", c.block)
	}
	return s
}

// Remembered returns how many verified secrets s remembers.
func (s *Secrets) Remembered() int {
	s.verified.mu.Lock()
	defer s.verified.mu.Unlock()
	return len(s.verified.young) + len(s.verified.old)
}

// Turns returns for how many parties a request has the turn or waits for it.
func (s *Secrets) Turns() int {
	s.turns.mu.Lock()
	defer s.turns.mu.Unlock()
	return len(s.turns.of)
}

// Remember fills the memory as n verifications of n secrets of a client would.
func (s *Secrets) Remember(client, n int) {
	for i := range n {
		s.verified.add(fingerprintOf(&s.key, fmt.Sprint("filler", client), fmt.Sprint(i), "x"), time.Unix(0, 0))
	}
}

// ParseHash returns the cost of a hash, or why it is refused.
func ParseHash(text string) (string, error) {
	h, err := parseHash(text)
	return h.cost.String(), err
}

// Decoy returns the hash that stands for one of the same cost.
func Decoy(text string) (string, error) {
	h, err := parseHash(text)
	return h.decoy(), err
}

// ObserveDecoys calls f with the algorithm of every signature that a verifies only to
// take time.
func (a *Assertions) ObserveDecoys(f func(algorithm string)) {
	a.once.Do(a.start)
	a.decoys.observe = f
}

// Prepared returns how many registrations are remembered.
func (a *Assertions) Prepared() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.prepared)
}

// Prepared returns how many registrations are remembered.
func (c *Certificates) Prepared() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.prepared)
}
