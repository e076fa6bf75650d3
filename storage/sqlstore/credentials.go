package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errNoDigest = errors.New("a credential must have a digest and a family")
	errNotNew   = errors.New("a new credential is unspent and not revoked")
)

// recordColumns are what args.record adds, in its order.
const recordColumns = `digest, kind, client_id, subject, scope, audience, claims, api_key, redirect_uri, pkce,
	challenge, issued_at, expires_at, family_expires_at, max_uses, delete_after, receipt, family`

const createCredentialSQL = `INSERT INTO {}credentials (` + recordColumns + `)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {or ignore}`

// credentialSQL finds a record, the row that spent it, and the tombstone of its
// family, each by a unique index.
const credentialSQL = `SELECT c.digest, c.kind, c.family, c.client_id, c.subject, c.scope, c.audience, c.claims, c.api_key,
		c.redirect_uri, c.pkce, c.challenge, c.issued_at, c.expires_at, c.family_expires_at, c.max_uses,
		m.digest, m.parent_uses, m.parent_spent_at, m.parent_salt, m.parent_family_expires_at, r.family IS NOT NULL
	FROM {}credentials c
	LEFT JOIN {}credentials m ON {mark of c}
	LEFT JOIN {}revoked_families r ON r.family = c.family
	WHERE c.digest = ? AND c.kind IS NOT NULL`

// record adds the columns of a new credential but its family.
func (a *args) record(c *storage.Credential, deleteAfter time.Time, receipt int64) {
	if c.Digest.IsZero() || c.Family == "" {
		a.add(nil, errNoDigest)
		return
	}
	if c.Spent() || !c.SpentAt.IsZero() || c.Revoked {
		a.add(nil, errNotNew)
		return
	}
	a.digest(c.Digest)
	a.identifier(c.Kind)
	a.identifier(c.ClientID)
	a.identifier(c.Subject)
	a.list(c.Scope)
	a.list(c.Audience)
	a.bytes(c.Claims)
	a.digest(c.APIKey)
	a.text(c.RedirectURI)
	a.identifier(c.PKCE)
	a.text(c.Challenge)
	a.instant(c.IssuedAt)
	a.instant(c.ExpiresAt)
	a.instant(c.FamilyExpiresAt)
	a.number(int64(c.MaxUses))
	a.number(order(deleteAfter))
	a.number(receipt)
}

// CreateCredential is that of [storage.Credentials]. A call whose answer was
// lost on the way from the database finds that out, and does not report its own
// record as one that was there before.
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	a, receipt := newCredentialArgs(c)
	if a.err != nil {
		return fmt.Errorf("sqlstore: create credential: %w", a.err)
	}
	ok, err := s.creates.add(ctx, newWrite(a, c.Digest))
	if ok {
		return nil
	}
	return s.created(ctx, toPool, c, receipt, err)
}

// CreateCredentialTx is CreateCredential in a transaction of the host, so that
// the page that issues a code stores it together with what it writes itself. Of
// the transaction's outcome the store knows nothing: the credential is there if
// the host commits. Nothing is tried again. After an error that is not
// [storage.ErrExists] the host rolls back.
func (s *Store) CreateCredentialTx(ctx context.Context, tx *sql.Tx, c *storage.Credential) error {
	a, receipt := newCredentialArgs(c)
	if a.err != nil {
		return fmt.Errorf("sqlstore: create credential: %w", a.err)
	}
	n, err := execOn(ctx, within(tx), s.createCredential, a)
	if err == nil && n > 0 {
		return nil
	}
	return s.created(ctx, within(tx), c, receipt, err)
}

func newCredentialArgs(c *storage.Credential) (*args, int64) {
	a, receipt := new(args), int64(drawn())
	a.record(c, later(c.ExpiresAt, c.FamilyExpiresAt), receipt)
	a.identifier(c.Family)
	return a, receipt
}

// created finds out why an INSERT did nothing or failed with err. It judges by
// what stands in the table and never by err, so that no driver need be known.
func (s *Store) created(ctx context.Context, to bind, c *storage.Credential, receipt int64, err error) error {
	a := new(args)
	a.digest(c.Digest)
	receipts, readErr := queryOn(ctx, to, s.createdBy, a, func(row scan) (r int64, err error) { return r, row(&r) })
	switch {
	case readErr == nil && len(receipts) > 0 && receipts[0] == receipt:
		return nil
	case readErr == nil && len(receipts) > 0:
		return storage.ErrExists
	}
	return fmt.Errorf("sqlstore: create credential: %w", errors.Join(err, readErr))
}

// Credential is that of [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	a := new(args)
	a.bytes(d[:])
	found, err := query(ctx, s, s.credential, a, scanCredential)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sqlstore: find credential: %w", err)
	case len(found) == 0:
		return nil, storage.ErrNotFound
	}
	return found[0], nil
}

func scanCredential(row scan) (*storage.Credential, error) {
	var c storage.Credential
	var mark storage.Digest
	var uses sql.NullInt64
	var familyExpiresAt instant
	err := row((*digest)(&c.Digest), &c.Kind, &c.Family, &c.ClientID, &c.Subject, (*list)(&c.Scope), (*list)(&c.Audience),
		&c.Claims, (*digest)(&c.APIKey), &c.RedirectURI, &c.PKCE, &c.Challenge,
		(*instant)(&c.IssuedAt), (*instant)(&c.ExpiresAt), (*instant)(&c.FamilyExpiresAt), &c.MaxUses,
		(*digest)(&mark), &uses, (*instant)(&c.SpentAt), &c.Salt, &familyExpiresAt, &c.Revoked)
	if !mark.IsZero() {
		c.Uses, c.FamilyExpiresAt = int(uses.Int64), time.Time(familyExpiresAt)
	}
	return &c, err
}
