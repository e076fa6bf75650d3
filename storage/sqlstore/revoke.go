package sqlstore

import (
	"context"
	"fmt"
)

// revokeSQL adds a tombstone. One that is there begins its time anew.
const revokeSQL = `INSERT INTO {}revoked_families (family, delete_after) VALUES (?, 0) {keep}`

// Revoke implements [storage.Credentials]. It adds a tombstone, which
// Credential and Spend look at, instead of changing the family's rows: it
// covers those too that are added later, and costs one statement however long
// the chain of refreshes has grown.
func (s *Store) Revoke(ctx context.Context, family string) error {
	a := new(args)
	a.identifier(family)
	if _, err := s.exec(ctx, s.revoke, a); err != nil {
		return fmt.Errorf("sqlstore: revoke: %w", err)
	}
	return nil
}
