package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Grant is what a subject has granted to a client and what has not ended: a
// family with a credential that is neither spent, expired nor revoked: a code, a
// refresh token, or a custom grant's own. Those of a disabled client, or resting
// on a dead API key, are listed too.
type Grant struct {
	// Family names it for [Store.Revoke].
	Family string
	// ClientID, Subject, Scope and Audience are those of its credential.
	ClientID, Subject string
	Scope, Audience   []string
	// IssuedAt is when its first credential was made.
	IssuedAt time.Time
	// LastUsedAt is when a code was last redeemed or a refresh token last
	// rotated, or zero. The use of a refresh token that is not rotated leaves
	// no trace.
	LastUsedAt time.Time
	// ExpiresAt is when it ends, unless it is used before.
	ExpiresAt time.Time
}

// grantsOfSQL finds the ends of the chains: what nothing has spent. It draws the
// page's families first, so that the limit cuts between families and not within
// one. The database does not order the ends: MySQL would sort all columns.
const grantsOfSQL = `SELECT c.family, c.client_id, c.subject, c.scope, c.audience,
		(SELECT MIN(f.issued_at) FROM {}credentials f WHERE f.family = c.family), c.parent_spent_at, c.expires_at
	FROM (SELECT DISTINCT l.family FROM {}credentials l
		WHERE l.subject = ? AND l.family > ? AND l.kind IS NOT NULL AND l.expires_at > ?
			AND NOT EXISTS (SELECT 1 FROM {}credentials m WHERE {mark of l})
			AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = l.family)
		ORDER BY l.family LIMIT ?) page
	JOIN {}credentials c ON c.family = page.family
	WHERE c.subject = ? AND c.kind IS NOT NULL AND c.expires_at > ?
		AND NOT EXISTS (SELECT 1 FROM {}credentials m WHERE {mark of c})`

// ListGrants returns what a subject has granted and what lives at an instant,
// usually time.Now(), by ascending Family, which is what [Page.After] is compared
// with. A family with several credentials that can be used is returned once, with
// the latest of their instants.
func (s *Store) ListGrants(ctx context.Context, subject string, at time.Time, p Page) ([]Grant, error) {
	a := new(args)
	a.identifier(subject)
	a.identifier(p.After)
	a.number(order(at))
	a.number(int64(p.limit()))
	a.identifier(subject)
	a.number(order(at))
	ends, err := query(ctx, s, s.grantsOf, a, scanGrant)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: list grants: %w", err)
	}
	slices.SortStableFunc(ends, func(a, b Grant) int { return cmp.Compare(a.Family, b.Family) })
	var grants []Grant
	for _, g := range ends {
		if last := len(grants) - 1; last >= 0 && grants[last].Family == g.Family {
			grants[last].LastUsedAt = later(grants[last].LastUsedAt, g.LastUsedAt)
			grants[last].ExpiresAt = later(grants[last].ExpiresAt, g.ExpiresAt)
			continue
		}
		grants = append(grants, g)
	}
	return grants, nil
}

func scanGrant(row scan) (g Grant, err error) {
	return g, row(&g.Family, &g.ClientID, &g.Subject, (*list)(&g.Scope), (*list)(&g.Audience),
		(*instant)(&g.IssuedAt), (*instant)(&g.LastUsedAt), (*instant)(&g.ExpiresAt))
}

func revokeGrants(condition string) string {
	return `INSERT INTO {}revoked_families (family, delete_after)
		SELECT DISTINCT c.family, 0 FROM {}credentials c
		WHERE c.subject = ? ` + condition + ` AND c.kind IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = c.family) {keep}`
}

// RevokeGrants revokes every family of a subject, in one statement, as
// [Store.Revoke] revokes one. What is granted while it runs may survive. API keys
// do: list them with [Store.ListAPIKeysOfSubject] and revoke each.
func (s *Store) RevokeGrants(ctx context.Context, subject string) error {
	a := new(args)
	a.identifier(subject)
	if _, err := s.exec(ctx, s.revokeGrantsOf, a); err != nil {
		return fmt.Errorf("sqlstore: revoke grants: %w", err)
	}
	return nil
}

// RevokeGrantsOfClient is RevokeGrants for what the subject granted to one client.
func (s *Store) RevokeGrantsOfClient(ctx context.Context, subject, clientID string) error {
	a := new(args)
	a.identifier(subject)
	a.identifier(clientID)
	if _, err := s.exec(ctx, s.revokeGrantsOfClient, a); err != nil {
		return fmt.Errorf("sqlstore: revoke grants: %w", err)
	}
	return nil
}
