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
	return fmt.Sprintf("%s m=%d t=%d p=%d", c.scheme, c.memory, c.passes, c.threads)
}

// Remembered returns how many verified secrets s remembers.
func (s *Secrets) Remembered() int {
	s.verified.mu.Lock()
	defer s.verified.mu.Unlock()
	return len(s.verified.young) + len(s.verified.old)
}

// Remember fills the memory as n verifications of n secrets of a client would.
func (s *Secrets) Remember(client, n int) {
	for i := range n {
		s.verified.add(markOf(&s.key, fmt.Sprint("filler", client), fmt.Sprint(i), "x"), time.Unix(0, 0))
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
	return h.cost.decoy(), err
}
