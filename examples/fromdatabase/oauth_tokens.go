package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// personalTokenDigest is the digest under which the table personal_tokens has a token.
// The text of one that was handed out before is good as it is.
func personalTokenDigest(token storage.Secret) (d storage.Digest, ok bool) {
	text := token.Reveal()
	return sha256.Sum256([]byte(text)), strings.HasPrefix(text, tokenPrefix) && len(text) == len(tokenPrefix)+40
}

// personalTokens are the API keys, read from the table personal_tokens as it is.
type personalTokens struct{ pool *pgxpool.Pool }

var _ storage.APIKeys = personalTokens{}

// APIKey implements [storage.APIKeys].
func (p personalTokens) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	rows, err := p.pool.Query(ctx, `SELECT `+tokenColumns+` FROM personal_tokens WHERE token_sha256 = $1`, d[:])
	if err != nil {
		return nil, err
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[personalToken])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("fromdatabase: find personal token: %w", err) // an outage
	}
	return &storage.APIKey{
		Digest:    d,
		ID:        strconv.FormatInt(t.ID, 10),
		Name:      t.Name,
		ClientID:  scripts.ID,
		Subject:   subject(t.UserID),
		Scope:     t.Scopes,
		CreatedAt: t.CreatedAt,
		ExpiresAt: orZero(t.ExpiresAt),
		RevokedAt: orZero(t.RevokedAt),
	}, nil
}

// orZero returns the zero time for NULL.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// lastUses are the uses of personal tokens that are still to be written.
type lastUses chan tokenendpoint.Event

// add drops a use if the queue is full, since no token may wait for the database.
func (l lastUses) add(e tokenendpoint.Event) {
	if e.APIKeyID == "" || e.Outcome != tokenendpoint.Issued {
		return
	}
	select {
	case l <- e:
	default:
	}
}

// writeLastUses writes them into personal_tokens until ctx ends.
func (s *site) writeLastUses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.oauth.uses:
			if _, err := s.pool.Exec(ctx, `UPDATE personal_tokens SET last_used_at = $2 WHERE id = $1`, e.APIKeyID, e.Time); err != nil {
				s.log.Error("last use of a personal token", "cause", err)
			}
		}
	}
}
