package sqlstore

import (
	"context"
	"errors"

	"github.com/contit/oauth/storage"
)

const (
	confirmCreatedSQL = `UPDATE {}credentials SET receipt = receipt WHERE digest = ?`
	confirmSpentSQL   = `UPDATE {}credentials SET receipt = receipt WHERE parent = ?`
)

var errUnconfirmed = errors.New("the row that the call added, and whose answer was lost, has gone")

// confirm makes a row that this call finds as durable as one whose answer it got.
// While a commit of PostgreSQL waits for a synchronous standby, the primary shows it
// to nobody, unless the session that waits is ended: then it shows what the standby
// may not have. A write to the same row is later in the log, so its commit waits for
// the standby to have both.
func (s *Store) confirm(ctx context.Context, st *statement, d storage.Digest) error {
	if s.dialect != Postgres {
		return nil
	}
	a := new(args)
	a.bytes(d[:])
	n, err := s.exec(ctx, st, a)
	if err == nil && n == 0 {
		err = errUnconfirmed
	}
	return err
}
