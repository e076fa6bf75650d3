package memory

import (
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage/internal/tokenid"
)

var errZeroTokenExpiry = errors.New("memory: the revocation of an access token must have an expiresAt: the zero time would revoke nothing")

// RevokeToken implements [storage.Revocations]. The zero time is refused,
// because it would revoke nothing.
func (s *Store) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if expiresAt.IsZero() {
		return errZeroTokenExpiry
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := tokenid.Digest(id)
	if until, ok := s.tokens[d]; ok && !expiresAt.After(until) {
		return nil
	}
	set(&s.tokens, d, expiresAt)
	s.expiries.push(expiry{at: expiresAt, digest: d, token: true})
	return nil
}

// Revoked implements [storage.Revocations].
func (s *Store) Revoked(ctx context.Context, id, family string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tokens[tokenid.Digest(id)]; ok {
		return true, nil
	}
	f, ok := s.families[family]
	return ok && f.revoked && family != "", nil
}

// deleteToken forgets the revocation of e, unless e is out of date.
func (s *Store) deleteToken(e expiry) int {
	if until, ok := s.tokens[e.digest]; !ok || !until.Equal(e.at) {
		return 0
	}
	delete(s.tokens, e.digest)
	return 1
}
