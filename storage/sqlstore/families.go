package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

var errNoSubject = errors.New("the empty subject is nobody's: nothing was revoked")

// endsOfSQL finds families of a subject, and for each the unspent end of its
// chain that lives longest, expired or not. The end comes first in the order of
// the index, so that the database does not read the rows spent before, however
// many there are. It also returns dead families, with no end. The scalar queries
// keep databases from joining instead.
const endsOfSQL = `{page} SELECT page.family, CASE WHEN EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = page.family) THEN NULL ELSE
		(SELECT l.digest FROM {}credentials l {by ends}
			WHERE l.subject = ? AND l.family = page.family AND l.kind IS NOT NULL
				AND (SELECT m.digest FROM {}credentials m WHERE {mark of l}) IS NULL
			ORDER BY l.expires_at DESC, l.issued_at DESC LIMIT 1) END
	FROM {of page} page WHERE page.family IS NOT NULL`

// stepwise finds the families of a subject, each by one look into the index. MySQL
// does so by itself for a DISTINCT, and would not for this.
const stepwise = `WITH RECURSIVE page (family, place) AS (
	SELECT (SELECT MIN(f.family) FROM {}credentials f {by ends} WHERE f.subject = ? AND f.family > ?), 1
	UNION ALL
	SELECT (SELECT MIN(f.family) FROM {}credentials f {by ends} WHERE f.subject = ? AND f.family > page.family), page.place + 1
		FROM page WHERE page.family IS NOT NULL AND page.place < ?)`

const distinct = `(SELECT DISTINCT f.family FROM {}credentials f {by ends} WHERE f.subject = ? AND f.family > ? ORDER BY f.family LIMIT ?)`

// familiesSQL reads the families whose chains end in credentials. A client with
// RefreshNotRotated may use a refresh token until its family ends. The newest of the
// rows that spent another one tells when the chain was last used.
const familiesSQL = `SELECT c.family, c.client_id, c.subject, c.scope, c.audience,
		(SELECT MIN(f.issued_at) FROM {}credentials f WHERE f.family = c.family),
		(SELECT u.parent_spent_at FROM {}credentials u
			WHERE u.family = c.family AND u.issued_at IS NOT NULL AND u.kind IS NOT NULL AND u.parent IS NOT NULL
			ORDER BY u.issued_at DESC LIMIT 1), c.expires_at
	FROM {}credentials c WHERE {ends} AND (c.expires_at > ? OR c.kind = '` + storage.KindRefreshToken + `' AND c.family_expires_at > ?)`

// end is a family and the digest of its end, or the zero digest if it is dead.
type end struct {
	family string
	digest storage.Digest
}

// ListFamilies implements [storage.Families].
func (s *Store) ListFamilies(ctx context.Context, subject string, at time.Time, p storage.Page) ([]storage.Family, error) {
	var families []storage.Family
	for more := true; more && len(families) < p.Size(); {
		ends, err := s.ends(ctx, subject, p.After)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: list families: %w", err)
		}
		if more = len(ends) == batchSize; more {
			p.After = ends[len(ends)-1].family
		}
		found, err := s.familiesEndingIn(ctx, ends, at)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: list families: %w", err)
		}
		families = append(families, found...)
	}
	return families[:min(len(families), p.Size())], nil
}

// ends returns the next families of a subject, batchSize of them if there are so many.
func (s *Store) ends(ctx context.Context, subject, after string) ([]end, error) {
	a := new(args)
	if s.dialect == MySQL { // the page's parameters come after those of the columns
		a.identifier(subject)
	}
	a.identifier(subject)
	a.identifier(after)
	if s.dialect != MySQL {
		a.identifier(subject)
	}
	a.number(batchSize)
	if s.dialect != MySQL {
		a.identifier(subject)
	}
	ends, err := query(ctx, s, s.endsOf, a, func(row scan) (e end, err error) {
		return e, row(&e.family, (*digest)(&e.digest))
	})
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.family, b.family) })
	return ends, err
}

// familiesEndingIn returns those families that live at an instant.
func (s *Store) familiesEndingIn(ctx context.Context, ends []end, at time.Time) ([]storage.Family, error) {
	ends = slices.DeleteFunc(ends, func(e end) bool { return e.digest.IsZero() })
	if len(ends) == 0 {
		return nil, nil
	}
	a := new(args)
	for i := range batchSize {
		a.digest(ends[min(i, len(ends)-1)].digest)
	}
	a.number(order(at))
	a.number(order(at))
	families, err := query(ctx, s, s.familiesEnding, a, scanFamily)
	slices.SortFunc(families, func(a, b storage.Family) int { return cmp.Compare(a.ID, b.ID) })
	return families, err
}

func scanFamily(row scan) (f storage.Family, err error) {
	return f, row(&f.ID, &f.ClientID, &f.Subject, (*list)(&f.Scope), (*list)(&f.Audience),
		(*instant)(&f.IssuedAt), (*instant)(&f.LastUsedAt), (*instant)(&f.ExpiresAt))
}

// revokeFamiliesSQL takes the families from the index, or those of them that are meant,
// and looks at their rows only until one of them meets the condition.
func revokeFamiliesSQL(meant, condition string) string {
	return `INSERT INTO {}revoked_families (family, delete_after)
		SELECT page.family, 0 FROM (SELECT DISTINCT f.family FROM {}credentials f {by ends} WHERE f.subject = ? ` + meant + `) page
		WHERE EXISTS (SELECT 1 FROM {}credentials l {by ends}
				WHERE l.subject = ? AND l.family = page.family AND l.kind IS NOT NULL ` + condition + `)
			AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = page.family) {keep}`
}

// RevokeFamily implements [storage.Families], in one statement.
func (s *Store) RevokeFamily(ctx context.Context, subject, family string) error {
	a, key := new(args), new(args)
	if subject == "" {
		a.err = cmp.Or(ctx.Err(), errNoSubject)
	} else if !isIdentifier(subject) || !isIdentifier(family) {
		return notFound(ctx)
	}
	a.identifier(subject)
	a.identifier(family)
	a.identifier(subject)
	key.identifier(subject)
	key.identifier(family)
	return s.update(ctx, "revoke family", s.revokeFamilyOf, a, s.familyExists, key)
}

// RevokeFamilies implements [storage.Families], in one statement.
func (s *Store) RevokeFamilies(ctx context.Context, subject string) error {
	_, err := s.exec(ctx, s.revokeFamiliesOf, subjectArgs(ctx, subject))
	return wrap("revoke families", err)
}

// RevokeFamiliesOfClient implements [storage.Families], in one statement.
func (s *Store) RevokeFamiliesOfClient(ctx context.Context, subject, clientID string) error {
	a := subjectArgs(ctx, subject)
	a.identifier(clientID)
	_, err := s.exec(ctx, s.revokeFamiliesOfClient, a)
	return wrap("revoke families", err)
}

// subjectArgs begins the parameters of revokeFamiliesSQL. The empty subject is
// a fault, because it would match families that have no subject.
func subjectArgs(ctx context.Context, subject string) *args {
	a := new(args)
	if subject == "" {
		a.err = cmp.Or(ctx.Err(), errNoSubject)
	}
	a.identifier(subject)
	a.identifier(subject)
	return a
}

// RevokeSubject implements [storage.Families], in one transaction. The keys end
// first: a key that lived on could begin another family.
func (s *Store) RevokeSubject(ctx context.Context, subject string, at time.Time) error {
	families, keys := subjectArgs(ctx, subject), new(args)
	switch {
	case at.IsZero():
		return wrap("revoke subject", errZeroTime)
	case families.err != nil:
		return wrap("revoke subject", families.err)
	}
	keys.instant(at)
	keys.identifier(subject)
	return wrap("revoke subject", s.transact(ctx, func(to bind) error {
		if _, err := execOn(ctx, to, s.revokeAPIKeysOfSubject, keys); err != nil {
			return err
		}
		if err := s.revokeKeyWithoutSubject(ctx, to, subject, at); err != nil {
			return err
		}
		_, err := execOn(ctx, to, s.revokeFamiliesOf, families)
		return err
	}))
}

// revokeKeyWithoutSubject revokes the key whose Owner is the subject without being
// named in its row.
func (s *Store) revokeKeyWithoutSubject(ctx context.Context, to bind, subject string, at time.Time) error {
	id, ok := strings.CutPrefix(subject, ownsItself)
	if !ok {
		return nil
	}
	a := new(args)
	a.instant(at)
	a.identifier(id)
	a.identifier("")
	a.identifier("")
	_, err := execOn(ctx, to, s.revokeAPIKey, a)
	return err
}
