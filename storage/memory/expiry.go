package memory

import (
	"container/heap"
	"context"
	"time"

	"github.com/contit/oauth/storage"
)

// family is the state that all credentials of one Family share. Its revoked
// flag is the tombstone that makes a credential revoked from the start.
//
// A tombstone may only go when nothing can be added to the family any more. A
// Spend adds a successor only while old is in the store, and old counts as a
// member, so that members being zero under the lock excludes a Spend that is
// yet to come. A CreateCredential needs no member; against it the tombstone
// stays until the instant that nothing of the family outlives.
type family struct {
	revoked bool
	members int
	// until is the latest instant that a credential of the family was to be
	// kept until when it was added. Zero, if the family never had one. A Spend
	// that prolongs a credential need not move it: that credential is a member
	// for just as long.
	until time.Time
}

func (f *family) keep(until time.Time) {
	if until.After(f.until) {
		f.until = until
	}
}

// emptyRetention is how long the tombstone of a family that never had a
// credential is kept: much longer than the request takes that was about to
// create the first one.
const emptyRetention = 24 * time.Hour

// keptUntil is the instant before which c is not deleted.
func keptUntil(c *storage.Credential) time.Time {
	if c.ExpiresAt.After(c.FamilyExpiresAt) {
		return c.ExpiresAt
	}
	return c.FamilyExpiresAt
}

// DeleteExpired deletes credentials, spent or not, whose ExpiresAt and
// FamilyExpiresAt both lie before an instant, the tombstones of revoked
// families that ended before it, and those of revoked access tokens that
// expired before it. It deletes up to limit of them, or all if limit is zero or
// negative, and returns how many it deleted.
//
// A family that was revoked before it had a credential is remembered for a day
// from the first call that comes across it, measured by the instants that the
// calls bring.
//
// The cost is O(k log n) under the lock, with n records in the store and k
// that are deleted or have had their FamilyExpiresAt changed since; calls with
// a limit keep it short.
func (s *Store) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	deleted := 0
	for len(s.expiries) > 0 && s.expiries[0].at.Before(before) && (limit <= 0 || deleted < limit) {
		switch e := heap.Pop(&s.expiries).(expiry); {
		case e.token:
			deleted += s.deleteToken(e)
		case !e.digest.IsZero():
			deleted += s.deleteCredential(e)
		default:
			deleted += s.deleteFamily(e, before)
		}
	}
	return deleted, nil
}

// deleteCredential deletes the credential of e, unless e is out of date.
func (s *Store) deleteCredential(e expiry) int {
	c, ok := s.credentials[e.digest]
	if !ok || !keptUntil(c).Equal(e.at) {
		return 0
	}
	delete(s.credentials, e.digest)
	f := s.families[c.Family]
	f.members--
	switch {
	case f.members > 0:
	case f.revoked:
		s.expiries.push(expiry{at: f.until, family: c.Family})
	default:
		delete(s.families, c.Family)
	}
	return 1
}

// deleteFamily deletes the tombstone of e, unless e is out of date.
func (s *Store) deleteFamily(e expiry, before time.Time) int {
	f, ok := s.families[e.family]
	switch {
	case !ok || f.members > 0:
		return 0
	case e.at.IsZero(): // revoked while it had no credential
		f.keep(before.Add(emptyRetention))
		s.expiries.push(expiry{at: f.until, family: e.family})
		return 0
	case !f.until.Equal(e.at):
		return 0
	}
	delete(s.families, e.family)
	return 1
}

// expiry says until when the store keeps a credential, the revocation of an
// access token or, if digest is zero, a family without credentials. When the
// instant changes, the store pushes a new expiry and the old one stays: it is
// out of date, and ignored when its turn comes.
type expiry struct {
	at     time.Time
	digest storage.Digest
	token  bool // digest names an access token
	family string
}

// expiries is a heap: the earliest comes first.
type expiries []expiry

// push is heap.Push without boxing e.
func (h *expiries) push(e expiry) {
	*h = append(*h, e)
	heap.Fix(h, len(*h)-1)
}

// Len implements [heap.Interface].
func (h expiries) Len() int { return len(h) }

// Less implements [heap.Interface].
func (h expiries) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

// Swap implements [heap.Interface].
func (h expiries) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *expiries) Push(e any) { *h = append(*h, e.(expiry)) }

// Pop implements [heap.Interface].
func (h *expiries) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = expiry{} // lets go of the family's name
	*h = (*h)[:last]
	return e
}
