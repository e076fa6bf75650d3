package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

var (
	errOtherFamily = errors.New("a successor must be of the family of what it follows")
	errUnsettled   = errors.New("the database accepted nothing and shows no reason; its state has changed meanwhile")
)

var spendIntoSQL = `INSERT INTO {}credentials (` + recordNames + `,
		parent, parent_uses, parent_max_uses, parent_spent_at, parent_salt, parent_family_expires_at)`

var spendSQL = spendIntoSQL + `
	SELECT ` + recordPlaceholders + `, old.family,
		old.digest, 1, old.max_uses, ?, ?, ?
	FROM {}credentials old
	WHERE old.digest = ? AND old.kind IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = old.family) {or ignore}`

const repeatSQL = `UPDATE {}credentials SET parent_uses = parent_uses + 1
	WHERE parent = ? AND parent_uses BETWEEN 1 AND parent_max_uses - 1
		AND NOT EXISTS (SELECT 1 FROM {}revoked_families r WHERE r.family = {}credentials.family)`

// spentBySQL tells why a credential could not be spent.
const spentBySQL = `SELECT m.receipt, r.family IS NOT NULL, n.digest
	FROM {}credentials c
	LEFT JOIN {}credentials m ON {mark of c}
	LEFT JOIN {}revoked_families r ON r.family = c.family
	LEFT JOIN {}credentials n ON n.digest = ?
	WHERE c.digest = ? AND c.kind IS NOT NULL`

// Spend implements [storage.Credentials]. If old cannot be spent and next's
// digest is taken as well, it returns [storage.ErrSpent]. A next of another
// family than old's is refused.
//
// If the answer of the database is lost, the call reads the outcome: if its own
// row is there, this call spent old, and returns nil. If the read fails too,
// the outcome is unknown and the error is an outage. The call cannot learn
// whether a repeated use was counted.
func (s *Store) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	// A spend is an INSERT. The successor's row names its parent in a column
	// with a unique index, and carries the record of the parent's use: it is at
	// once the new record and the mark that the old one was used. If there is
	// no successor, the row is the mark alone. So a spend is one statement,
	// which is all or nothing by itself, no row is updated, and the judge of
	// "used before" is the unique index: of two INSERTs with one parent the
	// database lets one pass, at every isolation level and no matter how much
	// the statements see of each other.
	//
	// The rest of the statement's condition is about rows that are committed
	// before a spend, and stay:
	//
	//   - the record itself. It was created before anyone could present it. If
	//     DeleteExpired deletes it while the statement runs, the mark of an
	//     earlier spend is still there.
	//   - the tombstone of its family. A Spend that begins after Revoke has
	//     returned sees it, since a statement reads a snapshot from its
	//     beginning, at every level from READ COMMITTED up: a statement that
	//     runs alone is a transaction of its own. A Spend that is under way
	//     while Revoke commits may succeed, as if it had come before; its
	//     successor is of the family, and so is found revoked. Nothing need be
	//     locked, and no row of the family be changed.
	//
	// READ COMMITTED: a conflicting INSERT waits for the first to commit or
	// roll back, and then does nothing or passes. REPEATABLE READ: the same;
	// but where PostgreSQL would have to do nothing because of a row that is
	// younger than the snapshot, it reports a serialization failure instead,
	// and MySQL reads the old record and the tombstone with shared locks, so
	// that a Revoke waits for it. SERIALIZABLE: the same; but PostgreSQL
	// suspects more than there is, since it tracks reads by pages. These
	// refusals undo everything, and are tried again. At MySQL's READ
	// UNCOMMITTED a tombstone would be seen that is never committed: that level
	// is not supported. SQLite has one writer at a time.
	if old.Uses != 0 {
		return s.repeatUse(ctx, old, next)
	}
	receipt := int64(drawn())
	a := spendArgs(old, next, at, receipt)
	if a.err != nil {
		return fmt.Errorf("sqlstore: spend: %w", a.err)
	}
	ok, err := s.spends.Add(ctx, row{a, old.Digest})
	if ok {
		return nil
	}
	return s.judge(ctx, old, next, receipt, err)
}

func spendArgs(old, next *storage.Credential, at time.Time, receipt int64) *args {
	a := new(args)
	keepOld := later(old.ExpiresAt, old.FamilyExpiresAt)
	switch {
	case next == nil:
		a.markOnly(keepOld, receipt)
	case next.Family != old.Family:
		a.add(nil, errOtherFamily)
	default:
		// The row has two lives. DeleteExpired looks at it when the first ends.
		a.record(next, earlier(keepOld, later(next.ExpiresAt, next.FamilyExpiresAt)), receipt)
	}
	a.instant(at)
	a.bytes(old.Salt)
	a.instant(old.FamilyExpiresAt)
	a.bytes(old.Digest[:])
	return a
}

// markOnly adds the columns of record for a spend without a successor, which is the
// row of no credential: its kind is NULL. The digest is drawn: no secret has it.
func (a *args) markOnly(deleteAfter time.Time, receipt int64) {
	var none storage.Credential
	rand.Read(none.Digest[:]) // it cannot fail: the process ends instead
	for _, c := range credentialColumns {
		if c.name == "kind" {
			a.bytes(nil)
			continue
		}
		c.add(a, &none)
	}
	a.number(order(deleteAfter))
	a.number(receipt)
}

// repeatUse counts one more use of a credential that was spent before. A repeat
// that brings a successor would give one credential two; it is refused.
func (s *Store) repeatUse(ctx context.Context, old, next *storage.Credential) error {
	var n int64
	var err error
	if next == nil {
		a := new(args)
		a.bytes(old.Digest[:])
		n, err = s.exec(ctx, s.repeat, a)
	}
	switch {
	case err != nil:
		return fmt.Errorf("sqlstore: repeat a use: %w", err)
	case n > 0:
		return nil
	}
	err = s.judge(ctx, old, nil, int64(drawn()), nil)
	if errors.Is(err, errUnsettled) { // it is there, and was never spent
		return storage.ErrSpent
	}
	return err
}

// judge finds out why a spend did nothing or failed with err. It judges by the
// rows in the table and never by err. So it need not know any driver, and its
// verdict holds even if the connection broke.
func (s *Store) judge(ctx context.Context, old, next *storage.Credential, receipt int64, err error) error {
	type reason struct {
		receipt *int64 // of the row that spent it
		revoked bool
		taken   digest // next's, if it is there
	}
	a := new(args)
	if next == nil {
		a.bytes(nil)
	} else {
		a.digest(next.Digest)
	}
	a.bytes(old.Digest[:])
	reasons, readErr := query(ctx, s, s.spentBy, a, func(row scan) (r reason, err error) {
		return r, row(&r.receipt, &r.revoked, &r.taken)
	})
	if readErr != nil {
		return fmt.Errorf("sqlstore: spend: %w", errors.Join(err, readErr))
	}
	if len(reasons) == 0 {
		return storage.ErrNotFound
	}
	switch r := reasons[0]; {
	case r.receipt != nil && *r.receipt == receipt:
		return wrap("spend", s.confirm(ctx, s.confirmSpent, old.Digest)) // this call did it, and the answer was lost
	case r.receipt != nil || r.revoked:
		return storage.ErrSpent
	case r.taken != digest{}:
		return storage.ErrExists
	case err == nil:
		err = errUnsettled
	}
	return fmt.Errorf("sqlstore: spend: %w", err)
}
