package memory

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/contit/oauth/storage"
)

var errRenamed = errors.New("memory: a client's ID cannot be changed")

// Client implements [storage.Clients].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	c, ok := s.clients[id]
	s.mu.Unlock()
	if !ok {
		return nil, storage.ErrNotFound
	}
	return c.Clone(), nil // a record is replaced and never changed, so the others need not wait for the copy
}

// CreateClient implements [storage.ManagedClients].
func (s *Store) CreateClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, false)
}

// PutClient implements [storage.ManagedClients].
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	return s.putClient(ctx, c, true)
}

func (s *Store) putClient(ctx context.Context, c *storage.Client, replace bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.clients[c.ID]; ok && !replace {
		return storage.ErrExists
	}
	set(&s.clients, c.ID, c.Clone())
	return nil
}

// UpdateClient implements [storage.ManagedClients]. The function runs once, while
// the store is locked.
func (s *Store) UpdateClient(ctx context.Context, id string, change func(c *storage.Client) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.clients[id]
	if !ok {
		return storage.ErrNotFound
	}
	c := before.Clone()
	if err := change(c); err != nil {
		return err
	}
	if c.ID != id {
		return errRenamed
	}
	if err := c.Check(); err != nil {
		return err
	}
	s.clients[id] = c.Clone() // the caller may have kept c
	return nil
}

// ListClients implements [storage.ManagedClients].
func (s *Store) ListClients(ctx context.Context, p storage.Page) ([]*storage.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var clients []*storage.Client
	for _, id := range page(slices.Collect(maps.Keys(s.clients)), p) {
		clients = append(clients, s.clients[id].Clone())
	}
	return clients, nil
}

// page returns the identifiers on one page, in order.
func page(ids []string, p storage.Page) []string {
	ids = slices.DeleteFunc(ids, func(id string) bool { return id <= p.After })
	slices.Sort(ids)
	return ids[:min(len(ids), p.Size())]
}
