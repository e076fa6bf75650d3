package storagetest_test

import (
	"context"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// Revoke is that of storage.Credentials.
func (s *table) Revoke(ctx context.Context, family string) error {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return err
	}
	members := s.members(family)
	switch {
	case len(members) == 0 && s.fault == revokeNeedsMembers:
		return storage.ErrNotFound
	case s.fault == revokesRowByRow, s.fault == revokesWhatIsThere:
		for _, c := range members {
			s.pause()
			if now, ok := s.load(c.Digest); ok {
				now.Revoked = true
				s.save(now)
			}
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[s.familyKey(family)] = true
	return nil
}

// familyKey is what the store compares families by.
func (s *table) familyKey(family string) string {
	if s.fault == foldsCase {
		return strings.ToLower(family)
	}
	return family
}

func (s *table) members(family string) []*storage.Credential {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*storage.Credential
	for _, c := range s.rows {
		if c.Family == family {
			found = append(found, c.Clone())
		}
	}
	return found
}

// DeleteExpired is what storagetest.RunCredentials describes.
func (s *table) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	deleted := 0
	for d, c := range s.rows {
		over := c.ExpiresAt.Before(before) && (c.FamilyExpiresAt.Before(before) || s.fault == deletesByExpiresAt)
		if !over || s.fault == neverDeletes || (limit > 0 && deleted == limit && s.fault != ignoresLimit) {
			continue
		}
		delete(s.rows, d)
		deleted++
		if s.fault == forgetsRevocation {
			delete(s.revoked, c.Family)
		}
	}
	return deleted, nil
}
