package clientcache

// MostUnknown is how many unknown identifiers are remembered.
const MostUnknown = mostUnknown

// Kept returns how many clients, unknown identifiers and questions a cache has.
func (c *Cache) Kept() (known, unknown, asked int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(len(c.known.entries), len(c.known.places)), max(len(c.unknown.until), len(c.unknown.places)), len(c.asked)
}
