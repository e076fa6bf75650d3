package clientmetadata

// Kept returns how many URLs are remembered, with a document or without one.
func (d *Documents) Kept() int {
	d.cache.mu.Lock()
	defer d.cache.mu.Unlock()
	return len(d.cache.entries)
}
