package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage/internal/tokenid"
)

var errTokenExpiry = errors.New("redisstore: the revocation of an access token must have an expiresAt before the year 10000, and the zero time would revoke nothing")

// RevokeToken implements [storage.Revocations]. It keeps a digest of id, which
// may be any text. The zero time is refused, because it would revoke nothing.
func (s *Store) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	if expiresAt.IsZero() || expiresAt.UTC().Year() > 9999 {
		return errTokenExpiry
	}
	return s.decide(ctx, "revoke_token", []string{s.tokenKey(tokenid.Digest(id))}, expiry(expiresAt))
}

// Revoked implements [storage.Revocations]. With [Config.SingleServer] it is one
// round trip. On a cluster the token and its family are in slots of their own,
// which no script can touch together: there a token of a family costs two.
func (s *Store) Revoked(ctx context.Context, id, family string) (bool, error) {
	keys := []string{s.tokenKey(tokenid.Digest(id))}
	if s.single && family != "" {
		keys = append(keys, s.familyKey(family))
	}
	yes, err := s.ask(ctx, "token_revoked", keys)
	if err != nil || yes || s.single || family == "" {
		return yes, err
	}
	return s.ask(ctx, "family_revoked", []string{s.familyKey(family)})
}

// ask runs a script that answers with yes or no. Any other word is an outage.
func (s *Store) ask(ctx context.Context, name string, keys []string) (bool, error) {
	reply, err := s.run(ctx, name, keys)
	if err != nil {
		return false, err
	}
	if len(reply) != 2 || reply[0] != "FOUND" {
		return false, errForm
	}
	if reply[1] != "yes" && reply[1] != "no" {
		return false, errForm
	}
	return reply[1] == "yes", nil
}
