package memory

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errIncomplete  = errors.New("memory: a credential must have a digest and a family")
	errOtherFamily = errors.New("memory: a successor must be of the family of what it follows")
)

// CreateCredential implements [storage.Credentials]. It refuses a credential
// without a digest or a family. A credential that comes in with Revoked
// set stays revoked, even if its family is not.
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.addable(c); err != nil {
		return err
	}
	s.add(c)
	return nil
}

// Credential implements [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.credentials[d]
	if !ok {
		return nil, storage.ErrNotFound
	}
	c := stored.Clone()
	c.Revoked = s.revoked(stored)
	return c, nil
}

// Spend implements [storage.Credentials]. If old cannot be spent and next's
// digest is taken as well, it returns [storage.ErrSpent].
func (s *Store) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.credentials[old.Digest]
	switch {
	case !ok:
		return storage.ErrNotFound
	case s.revoked(stored):
		return storage.ErrSpent
	case old.Uses != 0:
		return repeat(stored, next)
	case stored.Spent():
		return storage.ErrSpent
	}
	if next != nil {
		if next.Family != stored.Family {
			return errOtherFamily
		}
		if err := s.addable(next); err != nil {
			return err
		}
		s.add(next)
	}
	stored.Uses, stored.SpentAt = 1, at
	stored.Salt = bytes.Clone(old.Salt)
	s.setFamilyExpiresAt(stored, old.FamilyExpiresAt)
	return nil
}

// repeat counts one more use of a credential that was spent before. A repeated
// use that brings a successor would give one credential two; it is refused.
func repeat(stored, next *storage.Credential) error {
	if !stored.Spent() || stored.Uses >= stored.MaxUses || next != nil {
		return storage.ErrSpent
	}
	stored.Uses++
	return nil
}

// Revoke implements [storage.Credentials]. It also revokes a family that has no
// credentials yet: a credential added to it later is revoked from the start.
func (s *Store) Revoke(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families[name]
	if !ok {
		f = new(family)
		set(&s.families, name, f)
	}
	f.revoked = true
	if f.members == 0 { // its day begins, anew if it was revoked before
		s.expiries.push(expiry{family: name})
	}
	return nil
}

// addable tells why c cannot be added, if it cannot.
func (s *Store) addable(c *storage.Credential) error {
	if c.Digest.IsZero() || c.Family == "" {
		return errIncomplete
	}
	if _, taken := s.credentials[c.Digest]; taken {
		return storage.ErrExists
	}
	return nil
}

func (s *Store) add(c *storage.Credential) {
	set(&s.credentials, c.Digest, c.Clone())
	f, ok := s.families[c.Family]
	if !ok {
		f = new(family)
		set(&s.families, c.Family, f)
	}
	f.members++
	f.keep(keptUntil(c))
	s.expiries.push(expiry{at: keptUntil(c), digest: c.Digest})
}

func (s *Store) revoked(stored *storage.Credential) bool {
	return stored.Revoked || s.families[stored.Family].revoked
}

func (s *Store) setFamilyExpiresAt(stored *storage.Credential, at time.Time) {
	before := keptUntil(stored)
	stored.FamilyExpiresAt = at
	if now := keptUntil(stored); !now.Equal(before) {
		s.expiries.push(expiry{at: now, digest: stored.Digest})
	}
}
