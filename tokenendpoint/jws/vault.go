package jws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contit/oauth/storage"
)

// vault is the content of the store of [StoredKeys]: the keys that open, and the rows
// that do not, both in the order of their turns.
type vault struct {
	keys   []openedKey
	closed []closedRow
}

// openedKey is a key with its row in the store.
type openedKey struct {
	row *storage.SigningKey
	key Key
}

// closedRow is a row with the reason why it does not open. Nothing in it can be
// believed.
type closedRow struct {
	row   *storage.SigningKey
	fault error
}

// errNeeded says that a replica must not start: other replicas may sign with a key
// that it cannot open.
var errNeeded = errors.New("jws: a signing key does not open here, and other replicas may sign with it: give this replica its key-encryption key; " +
	"if no replica has that, delete the row with DeleteSigningKey and its turn")

// read opens the rows of the store, and changes nothing there. A row that has not
// changed since last time is not opened again.
func (s *StoredKeys) read(ctx context.Context, r Rotation, at time.Time) (*vault, error) {
	rows, err := s.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("jws: stored keys: list: %w", err)
	}
	v := new(vault)
	for _, row := range rows {
		o, ok := s.opened(row.ID)
		if !ok || !sameRow(o.row, row) {
			key, err := s.ring.open(row)
			if err != nil {
				err = fmt.Errorf("jws: stored key of turn %d, sealed with the key-encryption key %d: %w", row.Turn, row.SealedWith, err)
				v.closed = append(v.closed, closedRow{row.Clone(), err})
				continue
			}
			o = openedKey{row.Clone(), key}
		}
		v.keys = append(v.keys, o)
	}
	return v, s.checkClosed(v, r, at)
}

// checkClosed refuses to go on if no key opens, and refuses to start if other
// replicas may sign with a key that does not open.
func (s *StoredKeys) checkClosed(v *vault, r Rotation, at time.Time) error {
	var faults []error
	for _, c := range v.closed {
		if len(v.keys) == 0 || !s.started && v.needed(c.row, s.period, r, at) {
			faults = append(faults, c.fault)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.Join(append(faults, errNeeded)...)
}

// rowTolerance is by how much the dates of two rows may contradict each other: a key
// is announced up to storeTime after it was made, by the clock of its replica.
const rowTolerance = storeTime + clockSkew

// needed reports whether other replicas may sign with a row that does not open here,
// now or when it has been published for long enough. At least one key opens. An
// attacker with write access to the store can insert rows, so a row that no replica of
// this configuration can have made keeps no replica from starting.
// TestRowsThatDoNotOpenAtAStart has the table of all cases.
func (v *vault) needed(row *storage.SigningKey, period time.Duration, r Rotation, at time.Time) bool {
	if row.Turn < 1 || row.AnnouncedAt.After(at.Add(rowTolerance)) {
		return false
	}
	signs := int64(0) // the turn that signs by the clocks of all replicas; before the first turn if none does yet
	for _, k := range v.keys {
		switch {
		case k.row.SealedWith == row.SealedWith: // the key-encryption key is right, so the row is wrong
			return false
		case k.row.Turn < row.Turn && row.AnnouncedAt.Before(k.row.AnnouncedAt.Add(period-rowTolerance)): // none was due
			return false
		case k.row.Turn > row.Turn && row.AnnouncedAt.After(k.row.AnnouncedAt.Add(rowTolerance)): // a later turn has a later date
			return false
		}
		if !at.Before(k.row.AnnouncedAt.Add(r.Lead() + clockSkew)) {
			signs = k.row.Turn
		}
	}
	return row.Turn > signs
}

// freeTurn returns the first turn that follows all keys that open and that no other
// row has. If it followed all rows, a forged row could hold the last turn that there
// is.
func (v *vault) freeTurn() int64 {
	turn := int64(1)
	if n := len(v.keys); n > 0 {
		turn = v.keys[n-1].row.Turn + 1
	}
	for _, c := range v.closed {
		if c.row.Turn == turn {
			turn++
		}
	}
	return turn
}

// sweep deletes the keys whose times are over, and leaves them out. Their dates and
// those of their successors are sealed, and so are true. A key that stays in the
// store does no harm, so a failure is no error.
func (s *StoredKeys) sweep(ctx context.Context, v *vault, r Rotation, at time.Time) {
	for len(v.keys) > 1 && !at.Before(v.keys[1].row.AnnouncedAt.Add(r.Lead()+r.Keep())) {
		turn := v.keys[0].row.Turn
		if err := s.store.DeleteSigningKey(ctx, turn); err != nil && !s.refused {
			s.refused = true // log it once
			r.Logger.WarnContext(ctx, "a signing key whose time is over cannot be deleted", "turn", turn, "cause", err.Error())
		}
		v.keys = v.keys[1:]
	}
}

// keep remembers the opened keys for the next load, and returns them.
func (s *StoredKeys) keep(v *vault) []Key {
	keys := make([]Key, len(v.keys))
	opened := make(map[string]openedKey, len(v.keys))
	for i, k := range v.keys {
		keys[i], opened[k.row.ID] = k.key, k
	}
	s.opened = func(id string) (openedKey, bool) {
		o, ok := opened[id]
		return o, ok
	}
	s.closed = nil
	for _, c := range v.closed {
		s.closed = append(s.closed, c.row.ID)
	}
	return keys
}

func (v *vault) faults() (faults []error) {
	for _, c := range v.closed {
		faults = append(faults, c.fault)
	}
	return faults
}

// unopened returns the ids of keys that may be good and that Keys could not return.
func (s *StoredKeys) unopened() []string { return s.closed }

func sameRow(a, b *storage.SigningKey) bool {
	return a.Turn == b.Turn && a.ID == b.ID && a.AnnouncedAt.Equal(b.AnnouncedAt) && a.SealedWith == b.SealedWith && bytes.Equal(a.Sealed, b.Sealed)
}
