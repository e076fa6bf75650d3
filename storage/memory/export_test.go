package memory

// Sizes tells how much a store holds, so that tests notice records that are
// never deleted.
func (s *Store) Sizes() (credentials, families, tokens, expiries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.credentials), len(s.families), len(s.tokens), len(s.expiries)
}
