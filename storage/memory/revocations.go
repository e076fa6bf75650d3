package memory

import (
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage"
)

var errZeroTokenExpiry = errors.New("memory: the revocation of an access token must have an expiresAt: the zero time would revoke nothing")

// tokenDigest is what is kept of a token's identifier: as much of a long one as
// of a short one.
func tokenDigest(id string) storage.Digest {
	return storage.PresentedSecret(id).Digest(storage.KindAccessToken)
}

// RevokeToken is that of [storage.Revocations]. The zero time is refused,
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
	d := tokenDigest(id)
	if until, ok := s.tokens[d]; ok && !expiresAt.After(until) {
		return nil
	}
	set(&s.tokens, d, expiresAt)
	s.expiries.push(expiry{at: expiresAt, digest: d, token: true})
	return nil
}

// Revoked is that of [storage.Revocations].
func (s *Store) Revoked(ctx context.Context, id, family string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tokens[tokenDigest(id)]; ok {
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
