package redisstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/contit/oauth/storage"
)

var (
	errRenamed = errors.New("redisstore: a client's ID cannot be changed")
	errRivals  = errors.New("redisstore: a client was changed by others at every attempt")
)

// Client implements [storage.Clients].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	text, err := s.clientText(ctx, id)
	if err != nil {
		return nil, err
	}
	return decodeClient(text)
}

func (s *Store) clientText(ctx context.Context, id string) (string, error) {
	reply, err := s.run(ctx, "client", []string{s.clientsKey()}, id)
	if err != nil {
		return "", err
	}
	if reply, err = found(reply, 1); err != nil {
		return "", err
	}
	return reply[0], nil
}

// PutClient implements [storage.ManagedClients].
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	return s.addClient(ctx, "put_client", c)
}

// CreateClient implements [storage.ManagedClients]. If the client library sends
// the command twice, because an answer was lost, CreateClient returns
// [storage.ErrExists] although it created the client.
func (s *Store) CreateClient(ctx context.Context, c *storage.Client) error {
	return s.addClient(ctx, "create_client", c)
}

func (s *Store) addClient(ctx context.Context, name string, c *storage.Client) error {
	if err := c.Check(); err != nil {
		return err
	}
	text, err := encodeClient(c)
	if err != nil {
		return err
	}
	return s.decide(ctx, name, []string{s.clientsKey()}, c.ID, text)
}

// attempts bounds how often UpdateClient reads again.
const attempts = 20

// UpdateClient implements [storage.ManagedClients]. It reads the client, and writes
// it if nobody else has changed it since, up to twenty times.
func (s *Store) UpdateClient(ctx context.Context, id string, change func(c *storage.Client) error) error {
	for range attempts {
		before, err := s.clientText(ctx, id)
		if err != nil {
			return err
		}
		c, err := decodeClient(before)
		if err != nil {
			return err
		}
		if err := change(c); err != nil {
			return err
		}
		if c.ID != id {
			return errRenamed
		}
		if err := c.Check(); err != nil {
			return err
		}
		after, err := encodeClient(c)
		if err != nil {
			return err
		}
		reply, err := s.run(ctx, "change_client", []string{s.clientsKey()}, id, before, after)
		if err != nil || reply[0] != "CHANGED" {
			return cmp.Or(err, done(reply))
		}
	}
	return errRivals
}

// ListClients implements [storage.ManagedClients]. All clients are one hash without
// an order, so that every page reads all of them. A client that is added or
// removed meanwhile may be missing or not.
func (s *Store) ListClients(ctx context.Context, p storage.Page) ([]*storage.Client, error) {
	byID := make(map[string]*storage.Client) // a scan may return one twice
	for cursor := "0"; ; {
		reply, err := s.run(ctx, "list_clients", []string{s.clientsKey()}, cursor, "500")
		if err != nil {
			return nil, err
		}
		if err := verdict(reply, "FOUND"); err != nil {
			return nil, err
		}
		if len(reply)%2 != 0 {
			return nil, errForm
		}
		if _, err := strconv.ParseUint(reply[1], 10, 64); err != nil { // or this would not end
			return nil, errForm
		}
		for pair := range slices.Chunk(reply[2:], 2) {
			if byID[pair[0]], err = decodeClient(pair[1]); err != nil {
				return nil, err
			}
		}
		if cursor = reply[1]; cursor == "0" {
			break
		}
	}
	ids := slices.DeleteFunc(slices.Sorted(maps.Keys(byID)), func(id string) bool { return id <= p.After })
	var clients []*storage.Client
	for _, id := range ids[:min(len(ids), p.Size())] {
		clients = append(clients, byID[id])
	}
	return clients, nil
}
