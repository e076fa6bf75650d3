package sqlstore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/contit/oauth/storage"
)

// emptyRetention is how long the tombstone of a family without credentials is
// kept: much longer than the request takes that was about to create the first.
const emptyRetention = 24 * time.Hour

// DeleteExpired deletes credentials, spent or not, whose ExpiresAt and
// FamilyExpiresAt both lie before an instant, and the tombstones of revoked families
// and of revoked access tokens that ended before it. It deletes up to limit of them, or
// all if limit is zero or negative, and returns how many it deleted; 0 means that nothing
// is left to delete.
//
// A family that was revoked and has no credential is remembered for a day from
// the first call that comes across it, measured by the instants that the calls
// bring. A deleted spent credential leaves a mark that has no subject and that
// no look-up finds. DeleteExpired deletes the mark a day later and does not
// count it.
//
// It finds its work by an index, and does it in transactions of at most a
// hundred rows, also without a limit. Several replicas may call it at once;
// they may count a row twice. After an error the rows that it had deleted stay deleted,
// and are counted.
func (s *Store) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	deleted := 0
	for _, part := range []func(context.Context, time.Time, int) (int, bool, error){
		s.deleteCredentials, s.deleteFamilies, s.deleteDenied,
	} {
		for more := true; more && deleted < limit; {
			n, again, err := part(ctx, before, min(limit-deleted, batchSize))
			deleted += n
			if err != nil {
				return deleted, fmt.Errorf("sqlstore: delete expired: %w", err)
			}
			more = again
		}
	}
	return deleted, nil
}

// A row of credentials has two lives: as the record of a credential, and as the
// mark that its parent was spent. Its delete_after is no later than the end of
// the first to end, so that the index finds it then. It may be earlier, since a
// spend changes the parent's FamilyExpiresAt and not the parent's row: then it
// is put right when DeleteExpired comes across it, once, so that no later call
// finds the row before its time.
//
// The mark must stay while the parent's record is there, or the parent could be
// spent again; and longer. A Spend sees the record as it was when its statement
// began, but the unique index as it is: if record and mark went at once, a
// Spend that began before that would find the one and miss the other. So a mark
// is released when its parent's record ends, and kept for markRetention then.
// The record does not come back. So a decision that a look at the rows led to is
// still right when it is carried out, even if others changed rows meanwhile.
const expiredSQL = `SELECT c.digest, c.kind IS NOT NULL, c.expires_at, c.family_expires_at,
		m.digest, m.parent_family_expires_at,
		c.parent, p.digest IS NOT NULL, COALESCE(c.parent_uses, 0), c.parent_family_expires_at, p.expires_at
	FROM {}credentials c
	LEFT JOIN {}credentials m ON {mark of c}
	LEFT JOIN {}credentials p ON p.digest = c.parent AND p.kind IS NOT NULL
	WHERE c.delete_after < ? ORDER BY c.delete_after LIMIT ?`

// releaseSQL ends the use of a record that is about to end. From then on the
// mark's copy of its parent's FamilyExpiresAt is the mark's own end.
const releaseSQL = `UPDATE {}credentials SET parent_uses = 0, parent_salt = NULL, parent_family_expires_at = ?,
		delete_after = CASE WHEN delete_after < ? THEN delete_after ELSE ? END
	WHERE `

// markRetention is how long a mark outlives its parent's record: much longer
// than a statement takes.
const markRetention = 24 * time.Hour

// aged is a row whose delete_after has passed.
type aged struct {
	digest   storage.Digest
	isRecord bool
	keep     time.Time      // the end of the record
	parent   storage.Digest // the record that the row marks as spent, or zero
	lives    bool           // the parent's record is there
	uses     int            // of the parent; 0 if the mark has been released
	keepMark time.Time      // the end of the mark, or of the parent's record
}

func scanAged(row scan) (r aged, err error) {
	var expires, familyExpires, spentUntil, keepMark, parentExpires instant
	var mark storage.Digest
	err = row((*digest)(&r.digest), &r.isRecord, &expires, &familyExpires, (*digest)(&mark), &spentUntil,
		(*digest)(&r.parent), &r.lives, &r.uses, &keepMark, &parentExpires)
	if !mark.IsZero() {
		familyExpires = spentUntil
	}
	r.keep = later(time.Time(expires), time.Time(familyExpires))
	r.keepMark = later(time.Time(keepMark), time.Time(parentExpires))
	return r, err
}

func (r aged) isMark() bool { return !r.parent.IsZero() }

// appointment is a row and when DeleteExpired is to look at it again.
type appointment struct {
	digest storage.Digest
	at     time.Time
}

// chores are the changes to make for a batch of rows.
type chores struct {
	ended          []storage.Digest // the records that come to an end
	release        []storage.Digest // the records whose marks are released, by an end now or before
	forget, remove []storage.Digest // the rows that lose their record, or go
	lookAgain      []appointment
}

// decide collects the changes to make for rows, and ends no more than limit
// records. The next batch finds the rows that the limit left.
func decide(rows []aged, before time.Time, limit int) chores {
	var c chores
	for _, r := range rows {
		switch {
		case r.lives && r.keepMark.Before(before):
			if !c.end(r.parent, limit) {
				return c
			}
			c.forget = append(c.forget, r.parent)
			r.keepMark = before.Add(markRetention)
		case r.isMark() && !r.lives && r.uses > 0: // it was spent while it was deleted
			c.release = append(c.release, r.parent)
			r.keepMark = before.Add(markRetention)
		}
		over := !r.isRecord || r.keep.Before(before)
		if over && r.isRecord && !c.end(r.digest, limit) {
			return c
		}
		switch {
		case over && (!r.isMark() || r.keepMark.Before(before)):
			c.remove = append(c.remove, r.digest)
			continue
		case over && r.isRecord:
			c.forget = append(c.forget, r.digest)
		}
		c.lookAgain = append(c.lookAgain, appointment{r.digest, r.next(over)})
	}
	return c
}

// next is when there will be something to do with r, which is more than a
// record that is over.
func (r aged) next(over bool) time.Time {
	switch {
	case over:
		return r.keepMark
	case r.isMark():
		return earlier(r.keep, r.keepMark)
	}
	return r.keep
}

// end notes the end of a record, or reports that the limit is reached.
func (c *chores) end(d storage.Digest, limit int) bool {
	if slices.Contains(c.ended, d) {
		return true
	}
	if len(c.ended) >= limit {
		return false
	}
	c.ended = append(c.ended, d)
	c.release = append(c.release, d)
	return true
}

func (s *Store) deleteCredentials(ctx context.Context, before time.Time, limit int) (int, bool, error) {
	rows, err := query(ctx, s, s.expired, window(before, limit), scanAged)
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	c := decide(rows, before, limit)
	err = s.transact(ctx, func(to bind) error {
		until := order(before.Add(markRetention))
		if err := inBatches(ctx, to, s.release, c.release, until, until, until); err != nil {
			return err
		}
		if err := inBatches(ctx, to, s.forget, c.forget); err != nil {
			return err
		}
		if err := inBatches(ctx, to, s.remove, c.remove); err != nil {
			return err
		}
		for _, next := range c.lookAgain {
			a := new(args)
			a.number(order(next.at))
			a.digest(next.digest)
			if _, err := execOn(ctx, to, s.lookAgain, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	return len(c.ended), true, nil
}

// window selects the first rows before an instant.
func window(before time.Time, limit int) *args {
	a := new(args)
	a.number(order(before))
	a.number(int64(limit))
	return a
}

// inBatches runs a statement with inBatch for all digests, with the same first
// parameters. The last batch is filled up with digests that it has already.
func inBatches(ctx context.Context, to bind, st *statement, all []storage.Digest, first ...int64) error {
	for len(all) > 0 {
		a := new(args)
		for _, n := range first {
			a.number(n)
		}
		for i := range batchSize {
			a.digest(all[min(i, len(all)-1)])
		}
		if _, err := execOn(ctx, to, st, a); err != nil {
			return err
		}
		all = all[min(batchSize, len(all)):]
	}
	return nil
}

const expiredFamiliesSQL = `SELECT r.family, r.delete_after, COUNT(c.digest), MAX(c.expires_at), MAX(c.family_expires_at),
		MAX(c.parent_family_expires_at)
	FROM (SELECT family, delete_after FROM {}revoked_families WHERE delete_after < ? ORDER BY delete_after LIMIT ?) r
	LEFT JOIN {}credentials c ON c.family = r.family
	GROUP BY r.family, r.delete_after`

// tombstone is one whose delete_after has passed.
type tombstone struct {
	family      string
	deleteAfter int64
	members     int
	until       time.Time // the latest instant of its members
}

func scanTombstone(row scan) (t tombstone, err error) {
	var expires, familyExpires, spentUntil instant
	err = row(&t.family, &t.deleteAfter, &t.members, &expires, &familyExpires, &spentUntil)
	t.until = later(time.Time(expires), later(time.Time(familyExpires), time.Time(spentUntil)))
	return t, err
}

// deleteFamilies deletes tombstones when nothing can be added to their families
// any more. A Spend adds a successor only while its parent is there, which is
// why a family with rows keeps its tombstone, and a CreateCredential nothing
// that outlives the family, which is why the tombstone stays until the latest
// instant that was ever seen in it. A Revoke that comes in between begins the
// time anew: nothing is done to a tombstone that is no longer as it was read.
func (s *Store) deleteFamilies(ctx context.Context, before time.Time, limit int) (int, bool, error) {
	found, err := query(ctx, s, s.expiredFamilies, window(before, limit), scanTombstone)
	if err != nil || len(found) == 0 {
		return 0, false, err
	}
	deleted := 0
	err = s.transact(ctx, func(to bind) error {
		deleted = 0
		for _, t := range found {
			a := new(args)
			if t.members == 0 && t.deleteAfter != 0 {
				a.identifier(t.family)
				a.number(t.deleteAfter)
				a.identifier(t.family)
				n, err := execOn(ctx, to, s.removeFamily, a)
				if err != nil {
					return err
				}
				if n > 0 {
					deleted++
					continue
				}
				t.members = 1 // one was added just now, or the tombstone has gone
			}
			until := before.Add(emptyRetention)
			if t.members > 0 {
				until = later(t.until, before)
			}
			a = new(args)
			a.number(order(until))
			a.identifier(t.family)
			a.number(t.deleteAfter)
			if _, err := execOn(ctx, to, s.lookAgainAtFamily, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	return deleted, true, nil
}

// deleteDenied leaves a token that was revoked once more meanwhile, until a later
// instant.
func (s *Store) deleteDenied(ctx context.Context, before time.Time, limit int) (int, bool, error) {
	return s.deleteDigests(ctx, s.expiredDenied, window(before, limit), s.undeny, order(before))
}

func (s *Store) deleteDigests(ctx context.Context, find *statement, w *args, remove *statement, first ...int64) (int, bool, error) {
	found, err := query(ctx, s, find, w, func(row scan) (d digest, err error) { return d, row(&d) })
	if err != nil || len(found) == 0 {
		return 0, false, err
	}
	digests := make([]storage.Digest, len(found))
	for i, d := range found {
		digests[i] = storage.Digest(d)
	}
	err = s.transact(ctx, func(to bind) error { return inBatches(ctx, to, remove, digests, first...) })
	return len(digests), true, err
}
