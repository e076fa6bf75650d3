package redisstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/contit/oauth/storage"
)

// The store looks a credential up by its digest, which does not name the family,
// and on a cluster no script can touch both a key of the digest and one of the
// family. So there are two keys. The family's is the truth: all its
// credentials, their uses, and whether it was revoked. The pointer only leads
// from a digest to a family. If a process ends between the two writes, or another call comes:
//
//   - The pointer is written first. If it stays alone, since the process ended
//     or the spend lost, it leads to a family that does not know the digest,
//     which is ErrNotFound. It expires when the credential would have. Until
//     then the digest counts as taken in other families, never in this one, so
//     that a second attempt succeeds.
//   - When the family's key is written, the pointer is there: a Spend that has
//     won has a successor that is found.
//   - Either key may expire or be lost first. Without the pointer, and without
//     the family, nothing is found and so nothing is spent. Neither loss can
//     make a spent credential look unspent: the use stands in the same key as
//     the credential itself, and that key goes all at once.
//   - A pointer that outlives its family finds nothing in a family of the same
//     name that is begun later.

// CreateCredential implements [storage.Credentials]. It refuses a credential
// without a digest or a family, text that is not UTF-8, and a credential that
// was used or revoked before.
//
// A digest whose creation was interrupted stays taken for other families until
// the credential would have expired.
func (s *Store) CreateCredential(ctx context.Context, c *storage.Credential) error {
	nonce := newNonce()
	m, err := newMember(c, nonce)
	if err != nil {
		return err
	}
	keys := []string{s.familyKey(m.family)}
	if s.single {
		keys = append(keys, s.pointerKey(c.Digest))
	} else if err := s.claim(ctx, c.Digest, nonce, m); err != nil {
		return err
	}
	return s.decide(ctx, "create", keys, m.digest, nonce, m.record, m.until, m.family)
}

// Credential implements [storage.Credentials].
func (s *Store) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	reply, family, err := s.lookUp(ctx, d)
	if err != nil {
		return nil, err
	}
	c, err := decodeMember(reply[0], reply[1])
	if err != nil {
		return nil, err
	}
	c.Digest, c.Family, c.Revoked = d, family, reply[2] != ""
	return c, nil
}

// lookUp returns the record and the use that a family keeps for a digest, and
// the family.
func (s *Store) lookUp(ctx context.Context, d storage.Digest) (reply []string, family string, err error) {
	pointer := []string{s.pointerKey(d)}
	if s.single {
		reply, err := s.run(ctx, "follow", pointer, d.String(), s.familyKeys())
		if err != nil {
			return nil, "", err
		}
		if reply, err = found(reply, 4); err != nil {
			return nil, "", err
		}
		return reply, reply[3], nil
	}
	if reply, err = s.run(ctx, "where", pointer); err != nil {
		return nil, "", err
	}
	if reply, err = found(reply, 1); err != nil {
		return nil, "", err
	}
	family = reply[0]
	if reply, err = s.run(ctx, "find", []string{s.familyKey(family)}, d.String()); err != nil {
		return nil, "", err
	}
	reply, err = found(reply, 3)
	return reply, family, err
}

// Spend implements [storage.Credentials]. It refuses a successor as
// [Store.CreateCredential] does, and one of another family. If old cannot be
// spent and next's digest is taken as well, it returns [storage.ErrSpent].
//
// A Spend that Redis hears of twice, because a client sent it again when the
// answer was lost, counts once and succeeds both times.
func (s *Store) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	sp, err := s.newSpend(old, next, at)
	if err != nil {
		return err
	}
	if next == nil || s.single {
		return s.spend(ctx, sp)
	}
	err = s.claim(ctx, next.Digest, sp.nonce, sp.next)
	taken := errors.Is(err, storage.ErrExists)
	switch {
	case taken: // which is the verdict only if old could be spent
		sp.next.record = ""
	case err != nil:
		return err
	}
	err = s.spend(ctx, sp)
	if lost := errors.Is(err, storage.ErrSpent) || errors.Is(err, storage.ErrNotFound); lost && !taken {
		// The verdict stands whether or not the pointer can be taken back.
		_, _ = s.run(ctx, "release", []string{s.pointerKey(next.Digest)}, sp.nonce, sp.next.family)
	}
	return err
}

// spending is a call of Spend as spend.lua takes it.
type spending struct {
	old       *storage.Credential
	next      member // zero if there is none
	nextKey   string
	nonce     string
	use, step string
	until     string
}

func (s *Store) newSpend(old, next *storage.Credential, at time.Time) (*spending, error) {
	sp := &spending{old: old, nonce: newNonce(), step: "first", until: keptUntil(old)}
	if old.Uses != 0 {
		sp.step = "again"
	}
	var err error
	sp.use, err = encode(useRecord{SpentAt: at.UTC(), Salt: old.Salt, FamilyExpiresAt: old.FamilyExpiresAt.UTC()})
	if err != nil || next == nil {
		return sp, err
	}
	if next.Family != old.Family {
		return nil, errStranger
	}
	sp.nextKey = s.pointerKey(next.Digest)
	sp.next, err = newMember(next, sp.nonce)
	return sp, err
}

// spend runs the script that decides.
func (s *Store) spend(ctx context.Context, sp *spending) error {
	keys := []string{s.familyKey(sp.old.Family)}
	if s.single {
		keys = append(keys, s.pointerKey(sp.old.Digest))
		if sp.nextKey != "" {
			keys = append(keys, sp.nextKey)
		}
	}
	nextUntil := sp.next.until
	if nextUntil == "" {
		nextUntil = "0"
	}
	reply, err := s.run(ctx, "spend", keys, sp.old.Digest.String(), sp.nonce, sp.step, sp.use, sp.until,
		sp.next.digest, sp.next.record, nextUntil, sp.old.Family)
	switch {
	case err != nil:
		return err
	case reply[0] != "LONGER":
		return done(reply)
	case s.single: // the script has done it
		return nil
	}
	// The store must find the record for longer now. If this fails, the spend
	// returns an outage, so that no client gets tokens whose replay the store
	// would no longer recognise.
	return s.decide(ctx, "prolong", []string{s.pointerKey(sp.old.Digest)}, sp.until)
}

// claim makes the pointer of a credential lead to its family.
func (s *Store) claim(ctx context.Context, d storage.Digest, nonce string, m member) error {
	return s.decide(ctx, "claim", []string{s.pointerKey(d)}, nonce, m.family, m.until)
}

// emptyRetention is how long a revoked family without a credential is
// remembered at least.
const emptyRetention = 24 * time.Hour

// Revoke implements [storage.Credentials].
func (s *Store) Revoke(ctx context.Context, family string) error {
	return s.decide(ctx, "revoke", []string{s.familyKey(family)}, strconv.FormatInt(emptyRetention.Milliseconds(), 10))
}

// decide runs a script that answers with a verdict and nothing else.
func (s *Store) decide(ctx context.Context, name string, keys []string, args ...string) error {
	reply, err := s.run(ctx, name, keys, args...)
	if err != nil {
		return err
	}
	return done(reply)
}
