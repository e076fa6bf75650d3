package storagetest_test

import (
	"context"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// Revoke implements storage.Credentials.
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
	s.write(func() { s.revoked[s.familyKey(family)] = true })
	return nil
}

// familyKey returns the text by which the store compares a family or the
// identifier of a token.
func (s *table) familyKey(family string) string {
	switch s.fault {
	case foldsCase:
		return strings.ToLower(family)
	case ignoresSpacesAtTheEnd:
		return strings.TrimRight(family, " ")
	case cutsIdentifiers:
		return family[:min(len(family), 255)]
	case dropsBadBytes:
		return strings.ToValidUTF8(family, "")
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

// DeleteExpired is the method that storagetest.RunCredentials describes.
func (s *table) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		return 0, err
	}
	deleted := s.deleteTokens(before, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
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
