package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/contit/oauth/storage"
)

var (
	errTaken    = errors.New("it is there already")
	errZeroTime = errors.New("the zero time would never come")
)

// refusals are the errors about values that never reach the database.
var refusals = []error{errText, errIdentifier, errInstant, errAPIKey, errZeroTime}

func isRefusal(err error) bool {
	return slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) })
}

// wrap adds to a fault the action that it interrupted.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// exists asks for one row by its key.
func (s *Store) exists(ctx context.Context, st *statement, key *args) (bool, error) {
	found, err := query(ctx, s, st, key, func(row scan) (n int, err error) { return n, row(&n) })
	return len(found) > 0, err
}

// update changes one row, and returns [storage.ErrNotFound] if it is not there.
// That a row was changed does not always show: MySQL counts those only that
// are different afterwards, unless its driver is told otherwise.
func (s *Store) update(ctx context.Context, what string, st *statement, a *args, find *statement, key *args) error {
	n, err := s.exec(ctx, st, a)
	if err == nil && n == 0 {
		var there bool
		if there, err = s.exists(ctx, find, key); err == nil && !there {
			return storage.ErrNotFound
		}
	}
	return wrap(what, err)
}
