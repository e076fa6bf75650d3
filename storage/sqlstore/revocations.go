package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/contit/oauth/storage/internal/tokenid"
)

var errNoTokenExpiry = errors.New("the revocation of an access token must have an expiresAt: the zero time would revoke nothing")

// revokeTokenSQL is one statement, which can be repeated: the later instant
// holds, whichever comes last.
const revokeTokenSQL = `INSERT INTO {}denied_tokens (digest, expires_at) VALUES (?, ?) {latest}`

// revokedSQL looks at both tables in one statement. It runs alone, and so sees
// every commit from before it began, as the look of credentialSQL at the
// tombstones does.
const revokedSQL = `SELECT EXISTS (SELECT 1 FROM {}denied_tokens WHERE digest = ?)
	OR EXISTS (SELECT 1 FROM {}revoked_families WHERE family = ?)`

// RevokeToken implements [storage.Revocations]. It keeps a digest of id, which
// may be any text. The zero time is refused, because it would revoke nothing. If
// the answer was lost on the way from the database, call it again.
func (s *Store) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	if expiresAt.IsZero() {
		return wrap("revoke token", errNoTokenExpiry)
	}
	a := new(args)
	a.token(id)
	a.instant(expiresAt)
	a.instant(expiresAt)
	_, err := s.exec(ctx, s.revokeToken, a)
	return wrap("revoke token", err)
}

// Revoked implements [storage.Revocations]: one statement for the token and its
// family. A text that is not UTF-8, or too long, to be a family is refused.
func (s *Store) Revoked(ctx context.Context, id, family string) (bool, error) {
	a := new(args)
	a.token(id)
	if family == "" { // it is none, even if somebody has revoked it
		a.add(nil, nil)
	} else {
		a.identifier(family)
	}
	found, err := query(ctx, s, s.revoked, a, func(row scan) (yes bool, err error) { return yes, row(&yes) })
	switch {
	case err != nil:
		return false, wrap("look for a revocation", err)
	case len(found) != 1:
		return false, wrap("look for a revocation", errNoAnswer)
	}
	return found[0], nil
}

var errNoAnswer = errors.New("the database has not answered")

// token adds the digest of an access token's identifier.
func (a *args) token(id string) {
	a.digest(tokenid.Digest(id))
}
