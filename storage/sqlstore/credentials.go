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

// recordNames are the columns that args.record adds, and the family.
var recordNames = credentialColumns.names("") + `, delete_after, receipt, family`

// recordPlaceholders are the placeholders of the parameters that args.record
// adds.
var recordPlaceholders = credentialColumns.placeholders() + `, ?, ?`

var createCredentialSQL = `INSERT INTO {}credentials (` + recordNames + `)
	VALUES (` + recordPlaceholders + `, ?) {or ignore}`

// credentialSQL finds a record, the row that spent it, and the tombstone of its
// family, each by a unique index.
var credentialSQL = `SELECT ` + credentialColumns.names("c.") + `, c.family,
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
	credentialColumns.add(a, c)
	a.number(order(deleteAfter))
	a.number(receipt)
}

// CreateCredential implements [storage.Credentials]. A call whose answer was
// lost on the way from the database finds that out, and does not report its own
// record as one that was there before.
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	a, receipt := newCredentialArgs(c)
	if a.err != nil {
		return fmt.Errorf("sqlstore: create credential: %w", a.err)
	}
	ok, err := s.creates.Add(ctx, row{a, c.Digest})
	if ok {
		return nil
	}
	if err := s.created(ctx, toPool, c, receipt, err); err != nil {
		return err
	}
	return wrap("create credential", s.confirm(ctx, s.confirmCreated, c.Digest))
}

// CreateCredentialTx is CreateCredential in a transaction of the host, so that
// the page that issues a code stores it together with its own rows. The store
// does not learn the transaction's outcome: the credential exists if the host
// commits. The store tries nothing again. After an error that is not
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

// Exec runs a statement with its parameters in a transaction of the host's that is no
// *sql.Tx, and returns how many rows it changed. Parameters are nil, int64, bool,
// []byte or string.
type Exec func(ctx context.Context, statement string, parameters ...any) (rows int64, err error)

// CreateCredentialExec is [Store.CreateCredentialTx] in a transaction of another
// library, such as a pgx.Tx: exec runs one statement in it, once. After an error that is
// not [storage.ErrExists] the host rolls back. On MySQL, which has no INSERT that leaves
// a row alone, a credential that is there is an error of exec's.
func (s *Store) CreateCredentialExec(ctx context.Context, exec Exec, c *storage.Credential) error {
	a, _ := newCredentialArgs(c)
	if a.err != nil {
		return fmt.Errorf("sqlstore: create credential: %w", a.err)
	}
	switch n, err := exec(ctx, s.dialect.text(createCredentialSQL, s.prefix), a.values...); {
	case err != nil:
		return fmt.Errorf("sqlstore: create credential: %w", err)
	case n == 0:
		return storage.ErrExists
	}
	return nil
}

func newCredentialArgs(c *storage.Credential) (*args, int64) {
	a, receipt := new(args), int64(drawn())
	a.record(c, later(c.ExpiresAt, c.FamilyExpiresAt), receipt)
	a.identifier(c.Family)
	return a, receipt
}

// created finds out why an INSERT did nothing or failed with err. It judges by
// the rows in the table and never by err, so that it need not know any driver.
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

// Credential implements [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	return lookUp(ctx, s.credentials, "find credential", string(d[:]))
}

// oneCredential finds a credential, or nil.
func (s *Store) oneCredential(ctx context.Context, d string) (*storage.Credential, error) {
	a := new(args)
	a.add([]byte(d), nil)
	found, err := query(ctx, s, s.credential, a, scanCredential)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// allCredentials finds credentials with one statement.
func (s *Store) allCredentials(ctx context.Context, digests []string) (map[string]*storage.Credential, error) {
	st, a := s.credentialAll.of(digests, func(a *args, d string) { a.add([]byte(d), nil) })
	found, err := queryOn(ctx, toPool, st, a, scanCredential)
	all := make(map[string]*storage.Credential, len(found))
	for _, c := range found {
		all[string(c.Digest[:])] = c
	}
	return all, err
}

func scanCredential(row scan) (*storage.Credential, error) {
	var c storage.Credential
	var mark storage.Digest
	var uses sql.NullInt64
	var familyExpiresAt instant
	err := row(append(credentialColumns.dest(&c), &c.Family,
		(*digest)(&mark), &uses, (*instant)(&c.SpentAt), &c.Salt, &familyExpiresAt, &c.Revoked)...)
	if !mark.IsZero() {
		c.Uses, c.FamilyExpiresAt = int(uses.Int64), time.Time(familyExpiresAt)
	}
	return &c, err
}
