package ownstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/contit/oauth/storage"
)

// DeleteExpired implements [storage.Expirer]. A credential is kept, spent or not, until
// its family ends: a second use of it is the sign of a theft. It reads every record,
// while other writers wait; a store with more than some ten thousand records wants
// a bucket whose keys begin with the instant.
func (s *Store) DeleteExpired(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		deleted = 0
		for _, kind := range []struct {
			bucket []byte
			until  func(text []byte) (time.Time, error)
		}{
			{credentials, untilOfCredential}, // first: a family is remembered longer than they are
			{families, untilOfFamily},
			{tokens, untilOfToken},
		} {
			c := tx.Bucket(kind.bucket).Cursor()
			for k, text := c.First(); k != nil; {
				if limit > 0 && deleted == limit {
					return nil
				}
				until, err := kind.until(text)
				if err != nil {
					return fmt.Errorf("ownstore: a record of %s: %w", kind.bucket, err)
				}
				if !until.Before(before) {
					k, text = c.Next()
					continue
				}
				if err := c.Delete(); err != nil {
					return err
				}
				deleted++
				k, text = c.Seek(k)
			}
		}
		return nil
	})
	return deleted, err
}

func untilOfCredential(text []byte) (time.Time, error) {
	var c storage.Credential
	err := json.Unmarshal(text, &c)
	var f family
	f.keep(&c)
	return f.Until, err
}

func untilOfFamily(text []byte) (time.Time, error) {
	var f family
	err := json.Unmarshal(text, &f)
	return f.Until, err
}

func untilOfToken(text []byte) (time.Time, error) {
	var until time.Time
	err := json.Unmarshal(text, &until)
	return until, err
}
