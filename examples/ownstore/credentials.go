package ownstore

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/contit/oauth/storage"
)

// family has the fields that all credentials of a family share. Until is the last instant at which
// one of them was to be kept.
type family struct {
	Revoked bool
	Until   time.Time
}

// emptyFamily is how long a family is remembered that was revoked before it had a
// credential: much longer than the request takes that is about to make the first one.
const emptyFamily = 24 * time.Hour

func (f *family) keep(c *storage.Credential) {
	for _, at := range []time.Time{c.ExpiresAt, c.FamilyExpiresAt} {
		if at.After(f.Until) {
			f.Until = at
		}
	}
}

// CreateCredential implements [storage.Credentials].
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	return s.update(ctx, func(tx *bbolt.Tx) error { return create(tx, c) })
}

func create(tx *bbolt.Tx, c *storage.Credential) error {
	if tx.Bucket(credentials).Get(c.Digest[:]) != nil {
		return storage.ErrExists
	}
	var f family
	if err := get(tx, families, key(c.Family), &f); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return write(tx, c, &f)
}

// write keeps a credential, and how long its family is to be remembered. Whether the
// family is revoked stands in the family alone.
func write(tx *bbolt.Tx, c *storage.Credential, f *family) error {
	record := *c
	record.Revoked = false
	text := append([]string{c.Kind, c.Family, c.Issuer, c.ClientID, c.Subject, c.RedirectURI, c.PKCE, c.Challenge}, c.Scope...)
	if err := put(tx, credentials, c.Digest[:], &record, append(text, c.Audience...)...); err != nil {
		return err
	}
	f.keep(c)
	return put(tx, families, key(c.Family), f)
}

// Credential implements [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (c *storage.Credential, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c, _, err = find(tx, d)
		return err
	})
	return c, err
}

// find finds a credential and its family in one state of the file.
func find(tx *bbolt.Tx, d storage.Digest) (*storage.Credential, *family, error) {
	c, f := new(storage.Credential), new(family)
	if err := get(tx, credentials, d[:], c); err != nil {
		return nil, nil, err
	}
	if err := get(tx, families, key(c.Family), f); err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, nil, err
	}
	c.Revoked = f.Revoked
	return c, f, nil
}

// Spend implements [storage.Credentials]. It is the only judge of "used before": it
// looks at the record as it is now, and not at the caller's.
func (s *Store) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		stored, f, err := find(tx, old.Digest)
		switch {
		case err != nil:
			return err
		case stored.Revoked:
			return storage.ErrSpent
		case old.Uses == 0 && stored.Uses > 0:
			return storage.ErrSpent
		case old.Uses > 0 && (next != nil || stored.Uses == 0 || stored.Uses >= stored.MaxUses):
			return storage.ErrSpent
		}
		stored.Uses++
		if old.Uses == 0 {
			stored.SpentAt, stored.Salt, stored.FamilyExpiresAt = at.UTC(), old.Salt, old.FamilyExpiresAt
			if next != nil {
				if err := create(tx, next); err != nil {
					return err // ErrExists: the transaction changes nothing
				}
				f.keep(next)
			}
		}
		return write(tx, stored, f)
	})
}

// Revoke implements [storage.Credentials].
func (s *Store) Revoke(ctx context.Context, name string) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		var f family
		switch err := get(tx, families, key(name), &f); {
		case errors.Is(err, storage.ErrNotFound):
			f.Until = time.Now().Add(emptyFamily).UTC()
		case err != nil:
			return err
		}
		f.Revoked = true
		return put(tx, families, key(name), &f, name)
	})
}

// RevokeToken implements [storage.Revocations].
func (s *Store) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		var until time.Time
		d := storage.PresentedSecret(id).Digest(storage.KindAccessToken)
		if err := get(tx, tokens, d[:], &until); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if until.After(expiresAt) {
			return nil
		}
		return put(tx, tokens, d[:], expiresAt.UTC())
	})
}

// Revoked implements [storage.Revocations].
func (s *Store) Revoked(ctx context.Context, id, name string) (revoked bool, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		d := storage.PresentedSecret(id).Digest(storage.KindAccessToken)
		if revoked = tx.Bucket(tokens).Get(d[:]) != nil; revoked || name == "" {
			return nil
		}
		var f family
		if err := get(tx, families, key(name), &f); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		revoked = f.Revoked
		return nil
	})
	return revoked, err
}
