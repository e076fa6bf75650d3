// Package ownstore is a store of a host's own, over bbolt: a file with ordered keys,
// one writer at a time, and no server.
package ownstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"go.etcd.io/bbolt"

	"github.com/contit/oauth/storage"
)

// Store is a [storage.Storage] and [storage.Revocations] in a file. Only one process
// has the file open.
type Store struct{ db *bbolt.DB }

var (
	_ storage.Storage     = (*Store)(nil)
	_ storage.Revocations = (*Store)(nil)
	_ storage.Expirer     = (*Store)(nil)
)

// The buckets, and what their keys are.
var (
	clients     = []byte("clients")     // client_id
	credentials = []byte("credentials") // digest
	families    = []byte("families")    // family
	apiKeys     = []byte("api_keys")    // digest
	tokens      = []byte("tokens")      // digest of the jti of a revoked access token
)

// Open opens or makes the file.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second}) // another process has it open
	if err != nil {
		return nil, fmt.Errorf("ownstore: open: %w", err)
	}
	s := &Store{db}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{clients, credentials, families, apiKeys, tokens} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ownstore: open: %w", err), s.Close())
	}
	return s, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// view reads in one state of the file.
func (s *Store) view(ctx context.Context, read func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(read)
}

// update changes the file: all of it or nothing. Writers wait for each other, so
// nothing can come between what write reads and what it writes. The context may have
// ended while this one waited.
func (s *Store) update(ctx context.Context, write func(*bbolt.Tx) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return write(tx)
	})
}

// get decodes the record with a key, or returns ErrNotFound.
func get(tx *bbolt.Tx, bucket, key []byte, record any) error {
	text := tx.Bucket(bucket).Get(key)
	if text == nil {
		return storage.ErrNotFound
	}
	if err := json.Unmarshal(text, record); err != nil {
		return fmt.Errorf("ownstore: a record of %s: %w", bucket, err) // damaged: an outage, and no verdict
	}
	return nil
}

// put encodes a record. JSON keeps the difference between a list that is nil and one
// that is empty, and would replace what is not UTF-8.
func put(tx *bbolt.Tx, bucket, key []byte, record any, text ...string) error {
	for _, s := range text {
		if !utf8.ValidString(s) {
			return fmt.Errorf("ownstore: a record of %s has text that is not UTF-8", bucket)
		}
	}
	encoded, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("ownstore: a record of %s: %w", bucket, err)
	}
	return tx.Bucket(bucket).Put(key, encoded)
}

// Client implements [storage.Clients].
func (s *Store) Client(ctx context.Context, id string) (*storage.Client, error) {
	c := new(storage.Client)
	if err := s.view(ctx, func(tx *bbolt.Tx) error { return get(tx, clients, key(id), c) }); err != nil {
		return nil, err
	}
	return c, nil
}

// PutClient adds a client, or replaces the one with its ID.
func (s *Store) PutClient(ctx context.Context, c *storage.Client) error {
	if err := c.Check(); err != nil {
		return err
	}
	return s.update(ctx, func(tx *bbolt.Tx) error { return put(tx, clients, key(c.ID), c, textOfClient(c)...) })
}

// APIKey implements [storage.APIKeys].
func (s *Store) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k := new(storage.APIKey)
	if err := s.view(ctx, func(tx *bbolt.Tx) error { return get(tx, apiKeys, d[:], k) }); err != nil {
		return nil, err
	}
	return k, nil
}

// PutAPIKey adds an API key, or returns ErrExists.
func (s *Store) PutAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		if tx.Bucket(apiKeys).Get(k.Digest[:]) != nil {
			return storage.ErrExists
		}
		return put(tx, apiKeys, k.Digest[:], k, append(append([]string{k.ID, k.Name, k.ClientID, k.Subject}, k.Scope...), k.Audience...)...)
	})
}

// key is the key of a record that a text names. bbolt has no empty key.
func key(text string) []byte { return append([]byte("="), text...) }

func textOfClient(c *storage.Client) []string {
	all := []string{c.ID, c.AuthMethod, c.Assertion.JWKSURI, c.Assertion.Algorithm, c.Assertion.Issuer,
		c.Certificate.SubjectDN, c.Certificate.SANDNS, c.Certificate.SANURI, c.Certificate.SANIP, c.Certificate.SANEmail}
	for _, s := range c.Secrets {
		all = append(all, s.ID, s.Hash)
	}
	for _, list := range [][]string{c.GrantTypes, c.Scope, c.DefaultScope, c.Audience, c.RedirectURIs} {
		all = append(all, list...)
	}
	return all
}
