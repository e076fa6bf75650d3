package redisstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/contit/oauth/storage"
)

var (
	errClientID = errors.New("redisstore: a client's ID must be UTF-8 without control characters and not empty")
	errRenamed  = errors.New("redisstore: a client's ID cannot be changed")
	errTwins    = errors.New("redisstore: two secrets of a client have one ID")
	errRivals   = errors.New("redisstore: a client was changed by others at every attempt")
)

// Client is that of [storage.Clients].
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

// PutClient adds a client, or replaces the one with its ID. It undoes what
// others changed since the client was read; to change a client, call
// [Store.UpdateClient]. It refuses an ID that is empty, not UTF-8, or has
// control characters, and two secrets with one ID.
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	return s.addClient(ctx, "putclient", c)
}

// CreateClient adds a client, or returns [storage.ErrExists] if there is one
// with its ID. It refuses what [Store.PutClient] refuses. If Redis hears of it
// twice, because an answer was lost, it returns ErrExists for what it created.
func (s *Store) CreateClient(ctx context.Context, c *storage.Client) error {
	return s.addClient(ctx, "createclient", c)
}

func (s *Store) addClient(ctx context.Context, name string, c *storage.Client) error {
	if !isClientID(c.ID) {
		return errClientID
	}
	if haveTwins(c.Secrets) {
		return errTwins
	}
	text, err := encodeClient(c)
	if err != nil {
		return err
	}
	return s.decide(ctx, name, []string{s.clientsKey()}, c.ID, text)
}

func isClientID(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// haveTwins reports whether two secrets have one ID.
func haveTwins(secrets []storage.ClientSecret) bool {
	seen := make(map[string]bool)
	for _, secret := range secrets {
		if seen[secret.ID] {
			return true
		}
		seen[secret.ID] = true
	}
	return false
}

// attempts bounds how often UpdateClient reads again.
const attempts = 20

// UpdateClient changes a client as one step: to disable it, to add a secret, to
// let one expire. It returns [storage.ErrNotFound] if there is no such client.
//
// The function gets a copy and changes it. It is called again, with a new copy,
// if somebody else changed the client in the meantime; its error ends
// UpdateClient, changes nothing, and is returned. It must not change the ID, nor
// give two secrets one ID.
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
		if haveTwins(c.Secrets) {
			return errTwins
		}
		after, err := encodeClient(c)
		if err != nil {
			return err
		}
		reply, err := s.run(ctx, "changeclient", []string{s.clientsKey()}, id, before, after)
		if err != nil || reply[0] != "CHANGED" {
			return cmp.Or(err, done(reply))
		}
	}
	return errRivals
}

// ListClients returns all clients, disabled ones too, in the order of their
// IDs. A client that is added or removed meanwhile may be missing or not.
func (s *Store) ListClients(ctx context.Context) ([]*storage.Client, error) {
	byID := make(map[string]*storage.Client) // a scan may return one twice
	for cursor := "0"; ; {
		reply, err := s.run(ctx, "listclients", []string{s.clientsKey()}, cursor, "500")
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
	return slices.SortedFunc(maps.Values(byID), func(a, b *storage.Client) int { return strings.Compare(a.ID, b.ID) }), nil
}
