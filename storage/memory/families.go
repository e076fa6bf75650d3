package memory

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

var errNoSubject = errors.New("memory: the empty subject is nobody's: nothing was revoked")

// ListFamilies implements [storage.Families]. It looks at all credentials while
// the store is locked.
func (s *Store) ListFamilies(ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live := make(map[string]*storage.Credential)
	for _, c := range s.credentials {
		if c.Subject != subject || c.Spent() || s.revoked(c) || !usableAt(c, at) {
			continue
		}
		if other := live[c.Family]; other == nil || expiresLater(c, other) {
			live[c.Family] = c
		}
	}
	ids := page(slices.Collect(maps.Keys(live)), p)
	families := make([]storage.Family, len(ids))
	for i, id := range ids {
		families[i] = familyOf(live[id].Clone())
	}
	for _, c := range s.credentials {
		if i, listed := slices.BinarySearch(ids, c.Family); listed {
			addHistory(&families[i], c)
		}
	}
	return families, nil
}

// usableAt reports whether a client can use an unspent credential: a refresh token
// until its family ends, since the client may have RefreshNotRotated.
func usableAt(c *storage.Credential, at time.Time) bool {
	return c.ExpiresAt.After(at) || c.Kind == storage.KindRefreshToken && c.FamilyExpiresAt.After(at)
}

// expiresLater orders the live credentials of a family.
func expiresLater(a, b *storage.Credential) bool {
	return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), a.IssuedAt.Compare(b.IssuedAt)) > 0
}

// familyOf fills in a family from its live credential.
func familyOf(live *storage.Credential) storage.Family {
	return storage.Family{
		ID: live.Family, ClientID: live.ClientID, Subject: live.Subject, Scope: live.Scope, Audience: live.Audience,
		IssuedAt: live.IssuedAt, ExpiresAt: live.ExpiresAt,
	}
}

// addHistory updates f with another credential of the family.
func addHistory(f *storage.Family, c *storage.Credential) {
	if c.IssuedAt.Before(f.IssuedAt) {
		f.IssuedAt = c.IssuedAt
	}
	if c.SpentAt.After(f.LastUsedAt) {
		f.LastUsedAt = c.SpentAt
	}
}

// RevokeFamily implements [storage.Families]. It looks at all credentials while the
// store is locked.
func (s *Store) RevokeFamily(ctx context.Context, subject, family string) error {
	found := false
	err := s.ofSubject(ctx, subject, func() {
		for _, c := range s.credentials {
			found = found || c.Subject == subject && c.Family == family
		}
		if found {
			s.families[family].revoked = true
		}
	})
	if err == nil && !found {
		return storage.ErrNotFound
	}
	return err
}

// RevokeFamilies implements [storage.Families]. It looks at all credentials while
// the store is locked.
func (s *Store) RevokeFamilies(ctx context.Context, subject string) error {
	return s.ofSubject(ctx, subject, func() { s.revokeFamilies(subject, nil) })
}

// RevokeFamiliesOfClient implements [storage.Families].
func (s *Store) RevokeFamiliesOfClient(ctx context.Context, subject, clientID string) error {
	return s.ofSubject(ctx, subject, func() { s.revokeFamilies(subject, &clientID) })
}

// RevokeSubject implements [storage.Families].
func (s *Store) RevokeSubject(ctx context.Context, subject string, at time.Time) error {
	if at.IsZero() {
		return errZeroRevokeAt
	}
	return s.ofSubject(ctx, subject, func() {
		for _, k := range s.apiKeys {
			if k.Owner() == subject {
				revoke(k, at)
			}
		}
		s.revokeFamilies(subject, nil)
	})
}

// ofSubject makes a change while the store is locked.
func (s *Store) ofSubject(ctx context.Context, subject string, change func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if subject == "" {
		return errNoSubject
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	return nil
}

// revokeFamilies revokes those of a subject, and of one client unless it is nil.
func (s *Store) revokeFamilies(subject string, clientID *string) {
	for _, c := range s.credentials {
		if c.Subject == subject && (clientID == nil || c.ClientID == *clientID) {
			s.families[c.Family].revoked = true
		}
	}
}
